"""Which photos of good parts go into a model file, for people to compare with."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castproof.data.audit.findings import FLAGS
from castproof.data.manifest import Manifest, Photo
from castproof.data.splits import part_key
from castproof.errors import BrokenRunError, ImageError, SettingError
from castproof.images import decode_plain, read_photo
from castproof.modelfile.references import (
    LARGEST_REFERENCE_BYTES,
    MOST_REFERENCES,
    REFERENCE_SIDE_PX,
    Reference,
    disc_spectrum,
    poses_of,
)
from castproof.pipeline.exporting.chosen_photos import check_unchanged
from castproof.pipeline.exporting.int8_form import calibration_photos
from castproof.pipeline.exporting.open_run import OpenRun
from castproof.pipeline.judged import read_predictions
from castproof.preprocess import Pixels

CLEARLY_GOOD: Final = 0.5  # times the threshold: from there on, a photo shows no known good part
MOST_CANDIDATES: Final = 150
DOUBTFUL: Final = frozenset(FLAGS) - {"duplicate", "same-pixels", "leak", "thin-evidence"}
# Longer side in pixels and JPEG quality; the last one fits for noise in colour, too.
_FORMS: Final = ((REFERENCE_SIDE_PX, 90), (REFERENCE_SIDE_PX, 75), (192, 75), (128, 60), (96, 40))


def check_references(count: int) -> None:
    """Raise SettingError unless a model file can carry so many references."""
    if not 0 <= count <= MOST_REFERENCES:
        raise SettingError(
            "--references is out of its range.",
            rule=f"A model file carries 0 to {MOST_REFERENCES} photos of good parts.",
            found=f"Found {count}.",
            fix="Give 0 for a file without them, or leave it out.",
        )


def known_p(opened: OpenRun) -> dict[str, float]:
    """Return the calibrated p_defective by file, as far as the predictions of the run tell it."""
    try:
        told = read_predictions(opened.folder.predictions)
        return {file: float(opened.gate.p(p)) for file, (p, _) in told}
    except BrokenRunError:
        return {}


def references_of(
    manifest: Manifest, told: Mapping[str, float], threshold: float, count: int, seed: int = 0
) -> list[Reference]:
    """Return photos of good training parts that the network finds clearly good: one of each part, then further ones.

    They are chosen so that the photos of all of these parts, each weighted equally, find one that is like them: the
    next is always the one that helps most (greedy facility location, Nemhauser, Wolsey and Fisher 1978,
    https://doi.org/10.1007/BF01588971). That spreads them without preferring odd ones.

    Args:
        manifest: of the run.
        told: calibrated p_defective by file, where it is known.
        threshold: of the gate.
        count: how many at most.
        seed: of the draw of photos to choose from.

    Raises:
        DataError: a photo has another content than when the run was trained.
    """
    clearly_good = [
        photo
        for photo in manifest.of_split("train")
        if not photo.defective
        and told.get(photo.file, 1.0) < CLEARLY_GOOD * threshold
        and not DOUBTFUL & set(photo.flags)
    ]
    drawn = calibration_photos(replace(manifest, photos=tuple(clearly_good)), MOST_CANDIDATES, seed)
    read = _read(manifest, drawn if count else [])
    names = [part_key(photo) for photo, _ in read]
    part = np.unique([names.index(name) for name in names], return_inverse=True)[1]
    chosen = spread(similarities([pixels for _, pixels in read]), part, count)
    return [_reference(*read[place]) for place in chosen]


def similarities(photos: Sequence[Pixels]) -> NDArray[np.float64]:
    """Return how alike any two photos are when one is turned and mirrored to lie as the other, float64 (N, N).

    Args:
        photos: uint8 (H, W) or (H, W, 3), RGB.
    """
    if not photos:
        return np.zeros((0, 0))
    spectra = np.array([disc_spectrum(pixels) for pixels in photos])
    return np.stack([poses_of(one, spectra).similarity for one in spectra])


def spread(similarity: NDArray[np.float64], part: NDArray[np.intp], count: int) -> list[int]:
    """Return which photos, in this order, to choose: one of each part first, always the one that helps most.

    Args:
        similarity: float64 (N, N) in [-1, 1].
        part: (N,) which part each photo shows, numbers from 0.
        count: how many at most.
    """
    nearest = np.full(len(part), -1.0)  # how like each photo the most similar chosen one is
    chosen: list[int] = []
    for _ in range(min(count, len(part))):
        left = np.setdiff1d(np.arange(len(part)), chosen)
        of_new_part = left[~np.isin(part[left], part[chosen])]
        candidates = of_new_part if len(of_new_part) else left
        gain = np.maximum(similarity[candidates] - nearest, 0).sum(axis=1)
        chosen.append(int(candidates[gain.argmax()]))
        nearest = np.maximum(nearest, similarity[chosen[-1]])
    return chosen


def small_jpeg(pixels: Pixels) -> bytes:
    """Return a photo as a JPEG file of at most LARGEST_REFERENCE_BYTES, its longer side at most REFERENCE_SIDE_PX.

    Nothing but the pixels is kept: no camera, place or time.

    Args:
        pixels: uint8 (H, W) or (H, W, 3), RGB.
    """
    for side_px, quality in _FORMS:
        stream = io.BytesIO()
        _small(pixels, side_px).save(stream, "JPEG", quality=quality)
        if stream.tell() <= LARGEST_REFERENCE_BYTES:
            break
    return stream.getvalue()


def _small(pixels: Pixels, side_px: int) -> Image.Image:
    small = Image.fromarray(pixels)
    small.thumbnail((side_px, side_px))
    return small


def _read(manifest: Manifest, photos: Sequence[Photo]) -> list[tuple[Photo, Pixels]]:
    """Return the photos that can be read, made small."""
    read, hashes = [], {}
    for photo in photos:
        try:
            data = read_photo(manifest.path(photo))
            read.append((photo, np.array(_small(decode_plain(data), REFERENCE_SIDE_PX))))
        except ImageError:
            continue
        hashes[photo] = sha256(data).hexdigest()
    check_unchanged(manifest, hashes)
    return read


def _reference(photo: Photo, pixels: Pixels) -> Reference:
    return Reference(PurePosixPath(photo.file).name, photo.part, small_jpeg(pixels))
