"""Class folders of generated photos, with the truth beside them."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from castproof.data.synthetic.camera import photograph
from castproof.data.synthetic.part import DEFECT_TYPES, FAMILIES, make_part
from castproof.errors import SettingError
from castproof.files import make_folder, write_error, write_text
from castproof.progress import SILENT, Progress

_SPLITS = (("train", 0.6), ("val", 0.2), ("test", 0.2))
_COLUMNS = ("file", "part", "family", "label", "defect_types")


@dataclass(frozen=True)
class _Job:
    """One part, and the files its photos go to."""

    seed: int
    part: str
    family: str
    defects: tuple[str, ...]
    files: tuple[Path, ...]
    size: int
    colour: bool
    quality: int
    severity: float | None


def write_dataset(
    dest: Path,
    *,
    parts_per_class: int = 20,
    photos_per_part: int = 6,
    families: Sequence[str] = FAMILIES,
    seed: int = 0,
    size: int = 300,
    colour: bool = False,
    split: bool = False,
    per_defect_type: bool = False,
    jpeg_quality: int = 92,
    defect_types: Sequence[str] = DEFECT_TYPES,
    severity: float | None = None,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Return `dest` after writing `dest/CLASS/*.jpg` and `dest/truth.csv`; the same seed, the same files.

    File names are numbers in random order, so that they tell neither label nor part; `truth.csv` does, with
    the columns file, part, family, label, defect_types (joined by `+`).

    Args:
        dest: folder to write into; photos of the same name are replaced.
        parts_per_class: good parts, and as many defective ones.
        photos_per_part: photos of each part.
        families: out of FAMILIES, taken in turn, good and defective alike.
        seed: a whole number, 0 or more.
        size: width and height of the photos, pixels.
        colour: RGB instead of grey.
        split: write `dest/{train,val,test}/CLASS/`, 60:20:20 of the parts, a part in one split only.
        per_defect_type: one class folder for each defect type, with parts of a single defect.
        jpeg_quality: 1 to 95.
        defect_types: out of DEFECT_TYPES, taken in turn.
        severity: 0 (barely visible) to 1 (plain), for every defect; None draws one for each.
        workers: processes; None takes one for each core. The result does not depend on it.
        progress: told of every part done.

    Raises:
        SettingError: a number out of its range or an unknown family.
        OutputError: the folder or a photo cannot be written.
    """
    _check(parts_per_class, photos_per_part, families, split)
    dest = make_folder(Path(dest))
    jobs = _plan(
        parts_per_class,
        photos_per_part,
        families,
        seed,
        split,
        per_defect_type,
        size,
        colour,
        jpeg_quality,
        defect_types,
        severity,
    )
    for folder in sorted({file.parent for job in jobs for file in job.files}):
        make_folder(dest / folder)
    with progress.task("generating parts", len(jobs)) as task:
        for _ in _run(dest, jobs, workers):
            task.advance()
    write_text(dest / "truth.csv", _truth(jobs))
    return dest


def _check(parts: int, photos: int, families: Sequence[str], split: bool) -> None:
    least = 3 if split else 1
    if parts < least:
        raise SettingError(
            "parts_per_class is too small.", rule=f"At least {least}.", found=f"Found {parts}."
        )
    if photos < 1:
        raise SettingError("photos_per_part is too small.", rule="At least 1.", found=f"Found {photos}.")
    unknown = [name for name in families if name not in FAMILIES]
    if unknown or not families:
        raise SettingError(f"Unknown families {unknown}.", rule=f"One or more of: {', '.join(FAMILIES)}.")


def _plan(
    parts: int,
    photos: int,
    families: Sequence[str],
    seed: int,
    split: bool,
    per_defect_type: bool,
    size: int,
    colour: bool,
    quality: int,
    types: Sequence[str],
    severity: float | None,
) -> list[_Job]:
    rng = np.random.default_rng([seed, 101])
    numbers = rng.permutation(2 * parts * photos)
    names = rng.permutation(2 * parts)
    jobs = []
    for index in range(2 * parts):
        good, rank = index % 2 == 0, index // 2
        defects = () if good else _defects(rng, rank, types, per_defect_type)
        label = "ok" if good else (defects[0] if per_defect_type else "defective")
        folder = Path(_split_of(rank, parts), label) if split else Path(label)
        mine = numbers[index * photos : (index + 1) * photos]
        jobs.append(
            _Job(
                seed=int(rng.integers(2**31)),
                part=f"part_{names[index]:04d}",
                family=families[rank % len(families)],
                defects=defects,
                files=tuple(folder / f"photo_{number:06d}.jpg" for number in mine),
                size=size,
                colour=colour,
                quality=quality,
                severity=severity,
            )
        )
    return jobs


def _defects(rng: np.random.Generator, rank: int, types: Sequence[str], single: bool) -> tuple[str, ...]:
    """Return the defects of the part number `rank`: every type in turn, at times with a second one."""
    first = types[rank % len(types)]
    second = types[int(rng.integers(len(types)))]
    return (first,) if single or second == first or rng.random() > 0.25 else (first, second)


def _split_of(rank: int, parts: int) -> str:
    """Return the split of the part number `rank`; every split gets at least one part."""
    val = max(1, round(parts * _SPLITS[1][1]))
    test = max(1, round(parts * _SPLITS[2][1]))
    if rank < parts - val - test:
        return "train"
    return "val" if rank < parts - test else "test"


def _run(dest: Path, jobs: list[_Job], workers: int | None) -> Iterator[int]:
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        with threadpool_limits(1):
            yield from (_write_part(dest, job) for job in jobs)
        return
    with ProcessPoolExecutor(count, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield from pool.map(_write_part, [dest] * len(jobs), jobs, chunksize=4)


def _write_part(dest: Path, job: _Job) -> int:
    """Return the number of photos written."""
    resolution = max(192, -(-round(job.size * 1.07) // 4) * 4)
    part = make_part(
        job.seed, family=job.family, defects=job.defects, severity=job.severity, resolution=resolution
    )
    for shot_seed, file in enumerate(job.files):
        shot = photograph(part, shot_seed, size=job.size, colour=job.colour)
        try:
            Image.fromarray(shot.image).save(dest / file, quality=job.quality)
        except OSError as error:
            raise write_error(dest / file, error) from error
    return len(job.files)


def _truth(jobs: list[_Job]) -> str:
    rows = [
        (file.as_posix(), job.part, job.family, "defective" if job.defects else "ok", "+".join(job.defects))
        for job in jobs
        for file in job.files
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(sorted(rows))
    return buffer.getvalue()
