"""Reading photos for the window: the one that is shown, and small pictures for the list."""

import hashlib
import time
from pathlib import Path

import numpy as np
from PIL import Image

from castproof.apps.inspector.events import Looked, Similar
from castproof.errors import DataError, ImageError
from castproof.images import decode, read_photo
from castproof.pipeline.inspecting.opening import OpenModel
from castproof.pipeline.inspecting.photo_list import PhotoList
from castproof.translation import tr


def looked(ticket: int, photos: PhotoList, place: int, model: OpenModel | None, start: float) -> Looked:
    """Return a photo as it is shown, and what the model says; one that cannot be read has a problem instead.

    Args:
        ticket: of the request.
        photos: the list.
        place: of the photo in it.
        model: judges it; None for no verdict.
        start: when it was asked for, on the clock of `time.perf_counter`, seconds.
    """
    pixels, inspection, problem, sha256, similar = None, None, "", "", None
    try:
        data = read_photo(photos.path(place))
        sha256 = hashlib.sha256(data).hexdigest()
        inspection = None if model is None else model.model.inspect(data)
        pixels = decode(data)
    except ImageError as error:
        problem = f"{photos.names[place]}\n\n{error}"
        if model is not None:
            named = model.model.inspect(photos.path(place))  # its reason names the file, as in the table
            inspection = named if inspection is None or named.p_defective is None else inspection
    if model is not None and pixels is not None:
        found = model.model.most_similar_good(pixels)
        similar = None if found is None else Similar(found.name, found.pixels)
    took_ms = 1e3 * (time.perf_counter() - start)
    return Looked(ticket, place, pixels, inspection, problem, sha256, similar, took_ms)


def vanished(folder: Path) -> DataError:
    """Return what a person is told when the folder of the photos is gone."""
    return DataError(
        tr("The folder {folder} is gone.", folder=folder),
        found=tr("The photos that were judged before stay; your verdicts are safe."),
        fix=tr("Connect its drive again, or put it back, and press Judge the folder."),
    )


def thumbnail(path: Path, longest_px: int) -> Image.Image | None:
    """Return a photo at no more than `longest_px` on its longer side; None where it cannot be read."""
    try:
        small = Image.fromarray(np.ascontiguousarray(decode(path)))
    except ImageError:
        return None
    small.thumbnail((longest_px, longest_px))
    return small
