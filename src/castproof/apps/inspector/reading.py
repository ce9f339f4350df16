"""Reading photos for the window: the one that is shown, and small pictures for the list."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from castproof.apps.inspector.events import Looked, Similar
from castproof.errors import DataError, ImageError
from castproof.images import decode, read_photo
from castproof.pipeline.inspecting.opening import OpenModel
from castproof.pipeline.inspecting.photo_list import PhotoList
from castproof.runtime.inspection import Inspection
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
    path = photos.path(place)
    try:
        data = read_photo(path)
        sha256 = hashlib.sha256(data).hexdigest()
        inspection = None if model is None else inspected(data, path, model)
        pixels = decode(data)
    except ImageError as error:
        problem = f"{photos.names[place]}\n\n{error}"
        if model is not None and inspection is None:
            told = model.model.inspect(path)
            inspection = told if told.p_defective is None else None  # it can be read again: look once more
    if model is not None and pixels is not None:
        found = model.model.most_similar_good(pixels)
        similar = None if found is None else Similar(found.name, found.pixels)
    took_ms = 1e3 * (time.perf_counter() - start)
    return Looked(ticket, place, pixels, inspection, problem, sha256, similar, took_ms)


def judged(path: Path, model: OpenModel) -> tuple[Inspection, str]:
    """Return what a model says about the photo at `path`, and the hash of the very bytes; "" where there are none."""
    try:
        data = read_photo(path)
    except ImageError:
        return model.model.inspect(path), ""
    return inspected(data, path, model), hashlib.sha256(data).hexdigest()


def inspected(data: bytes, path: Path, model: OpenModel) -> Inspection:
    """Return what a model says about the bytes of a photo; a reason names its file, as in tables."""
    told = model.model.inspect(data)
    return replace(told, reason=told.reason.replace("the photo", str(path), 1)) if told.reason else told


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
