"""Which photos of a run a model file is compared on, and which are stored in it."""

import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.errors import DataError, ImageError
from castproof.gate.gate import Gate
from castproof.images import decode, read_photo
from castproof.measure.decision import Thresholds
from castproof.modelfile.card import Example
from castproof.pipeline.exporting.parity import Compared, Reference
from castproof.wording import counted

LEAST_COMPARED: Final = 200
NEAREST: Final = 20
SHOWN: Final = 5
EXAMPLES: Final = 6
LARGEST_EXAMPLE_BYTES: Final = 64_000
EXAMPLE_SIDE_PX: Final = 256


def photos_to_compare(
    manifest: Manifest, told: Mapping[str, float], thresholds: Thresholds, count: int, seed: int
) -> list[Photo]:
    """Return photos of all splits, drawn alike, and those nearest to a threshold.

    Args:
        manifest: of the run.
        told: calibrated p_defective by file, where it is known.
        thresholds: of the gate.
        count: how many to draw; all where there are not more.
        seed: of the draw.

    Raises:
        DataError: too many photos are not where they were when the run was trained, or have another content.
    """
    everything = [photo for name in SPLITS for photo in manifest.of_split(name)]
    photos = [photo for photo in everything if manifest.path(photo).is_file()]
    if len(photos) < min(LEAST_COMPARED, len(everything)):
        raise photos_gone(manifest, len(everything) - len(photos), len(everything))
    drawn = np.random.default_rng(seed).permutation(len(photos))[:count]
    cuts = {thresholds.threshold, thresholds.reject_from}

    def away(photo: Photo) -> float:
        return min(abs(told.get(photo.file, 9.0) - cut) for cut in cuts)

    near = sorted((photo for photo in photos if photo.file in told), key=away)[:NEAREST]
    chosen = {photo.file: photo for photo in [*(photos[place] for place in sorted(drawn)), *near]}
    check_unchanged(manifest, {one: hash_of(manifest.path(one)) for one in chosen.values()})
    return list(chosen.values())


def photos_gone(manifest: Manifest, gone: int, of: int) -> DataError:
    """Return the error that tells that photos of a run are not where they were."""
    return DataError(
        f"The photos of the run are not in {manifest.root} any more.",
        rule="A model file is fitted to photos of its run, and compared with the trained network on them.",
        found=f"{gone:,} of {counted(of, 'photo')} are not there, or cannot be read; the first should be "
        f"{manifest.path(manifest.photos[0])}.",
        fix="Put them back where they were, or give their folder: --data FOLDER",
    )


def hash_of(path: Path) -> str:
    """Return the hex SHA-256 of a photo's file, "" where it cannot be read."""
    try:
        return sha256(read_photo(path)).hexdigest()
    except ImageError:
        return ""


def check_unchanged(manifest: Manifest, hashes: Mapping[Photo, str]) -> None:
    """Raise DataError where a photo has another content than when the run was trained.

    Args:
        manifest: of the run.
        hashes: hex SHA-256 of the files that were read, "" where one could not be.
    """
    changed = [photo for photo, found in hashes.items() if found and photo.sha256 and found != photo.sha256]
    if changed:
        raise DataError(
            f"The photos in {manifest.root} are not those that the run was trained on.",
            rule="The card of a model file says what it was trained on; so the photos must be the same.",
            found=f"{len(changed):,} of {counted(len(hashes), 'photo')} that were looked at have another content.",
            fix="Give the folder of the run's own photos: --data FOLDER",
            items=[photo.file for photo in changed[:SHOWN]],
        )


def examples_of(
    compared: Sequence[Compared], labels: Mapping[Path, bool], reference: Reference, gate: Gate
) -> list[Example]:
    """Return the photos to be stored in a model file: one of each verdict, and those nearest to a threshold.

    Args:
        compared: photos to choose from.
        labels: by path, True for a photo labelled defective.
        reference: what is to be said about them.
        gate: what makes verdicts of that.
    """
    cuts = {gate.thresholds.threshold, gate.thresholds.reject_from}

    def away(one: Compared) -> tuple[float, str]:
        return min(abs(one.expected.p_defective - cut) for cut in cuts), str(one.path)

    unsure = sorted(compared, key=away)
    of_each = {one.verdict: one for one in unsure}
    chosen = {str(one.path): one.path for one in [*of_each.values(), *unsure]}
    return [_example(path, labels, reference, gate) for path in list(chosen.values())[:EXAMPLES]]


def _example(path: Path, labels: Mapping[Path, bool], reference: Reference, gate: Gate) -> Example:
    photo = _stored(path)
    expected = reference.look(decode(photo))
    label = "" if path not in labels else "defective" if labels[path] else "good"
    return Example(
        name=path.name,
        label=label,
        photo=photo,
        logit=expected.logit,
        p_defective=expected.p_defective,
        verdict=gate.verdict(expected.p_defective),
        hottest=None if expected.heat_map is None else float(expected.heat_map.max()),
    )


def _stored(path: Path) -> bytes:
    """Return the bytes of a photo's file; of a smaller copy where it is large."""
    data = read_photo(path)
    if len(data) <= LARGEST_EXAMPLE_BYTES:
        return data
    small = Image.fromarray(decode(data))
    small.thumbnail((EXAMPLE_SIDE_PX, EXAMPLE_SIDE_PX))
    stream = io.BytesIO()
    small.save(stream, "PNG")
    return stream.getvalue()
