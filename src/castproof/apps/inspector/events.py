"""What the engine tells the window."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castproof.errors import CastproofError
from castproof.pipeline.inspecting.opening import Changed, OldModelFile, OpenModel
from castproof.pipeline.inspecting.photo_list import PhotoList
from castproof.runtime.inspection import Inspection


@dataclass(frozen=True, eq=False)
class Similar:
    """The most similar known good part of the training photos, turned as the photo is."""

    name: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ModelOpened:
    """A model can be used; `changed` is what other settings of an old one do to verdicts."""

    model: OpenModel
    changed: Changed | None = None


@dataclass(frozen=True, eq=False)
class OldModelFound:
    """A file that was chosen contains an old model: a person must say what it does not."""

    file: OldModelFile


@dataclass(frozen=True, eq=False)
class PhotosListed:
    """The photos of a folder are known; `show` is the name of one to begin with, or ""."""

    photos: PhotoList
    show: str = ""


@dataclass(frozen=True, eq=False)
class Looked:
    """A photo was read, and judged where there is a model.

    Args:
        ticket: of the request.
        place: of the photo in its list.
        pixels: uint8 (H, W, 3); None where it cannot be read.
        inspection: None without a model, or where no verdict was asked for.
        problem: why it cannot be read, else "".
        sha256: of the file's bytes, hex; "" where it cannot be read.
        similar: None where the model carries no photos of good parts.
        milliseconds: from the request to here.
    """

    ticket: int
    place: int
    pixels: NDArray[np.uint8] | None
    inspection: Inspection | None
    problem: str
    sha256: str
    similar: Similar | None
    milliseconds: float


@dataclass(frozen=True, eq=False)
class Judged:
    """Some photos of the list were judged in the background: place, what was said, hash of the file."""

    ticket: int
    found: Sequence[tuple[int, Inspection, str]]


@dataclass(frozen=True)
class JudgingEnded:
    """No photo of the list is being judged any more."""

    ticket: int


@dataclass(frozen=True, eq=False)
class ThumbnailMade:
    """A small picture for the list; None where the photo cannot be read."""

    path: Path
    picture: Image.Image | None


@dataclass(frozen=True)
class Working:
    """How far long work has come; `total` is 0 where that is not known."""

    words: str
    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Written:
    """Files were written; `words` say so."""

    paths: tuple[Path, ...]
    words: str


@dataclass(frozen=True, eq=False)
class Failed:
    """Something could not be done; what was there before is still there.

    Args:
        words: what was tried, in the current language.
        error: why it failed.
    """

    words: str
    error: CastproofError


Event = (
    ModelOpened
    | OldModelFound
    | PhotosListed
    | Looked
    | Judged
    | JudgingEnded
    | ThumbnailMade
    | Working
    | Written
    | Failed
)
