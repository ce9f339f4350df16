"""Photos of known good parts in a model file, and which of them is most like a photo; numpy and Pillow alone.

Nothing that a verdict rests on: they are pictures for a person to compare with.

A photo is read along circles about its centre, out to its nearer edge. Turning the photo then only shifts what is read,
and mirroring it turns the order round; so one Fourier transform along the circles gives the correlation at every turn
of both mirrors at once (the correlation theorem, e.g. Press et al., Numerical Recipes, 3rd ed., section 13.2). Each
circle counts by its length, so the correlation is that over the disc. Mean and contrast of the disc are taken out, so
light does not matter.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castproof.images import decode_plain
from castproof.preprocess import Pixels

MOST_REFERENCES: Final = 24
LARGEST_REFERENCE_BYTES: Final = 24_000
REFERENCE_SIDE_PX: Final = 256
SIDE_PX: Final = 48  # at which photos are compared
CIRCLES: Final = 20
TURNS: Final = 180  # places on each circle, so that a step is 2 degrees
_SAMPLED: Final = 4  # times SIDE_PX: of larger photos, every k-th pixel is looked at
_SIGNATURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")

Spectra = NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class Reference:
    """A photo of a known good part.

    Args:
        name: of the photo's file.
        part: which part it shows, "" where that is not known.
        photo: bytes of a JPEG or PNG file, at most LARGEST_REFERENCE_BYTES; its longer side is at most
            REFERENCE_SIDE_PX, which is checked when it is decoded.

    Raises:
        ValueError: the bytes are too many, or those of another kind of file.
    """

    name: str
    part: str
    photo: bytes

    def __post_init__(self) -> None:
        if len(self.photo) > LARGEST_REFERENCE_BYTES or not self.photo.startswith(_SIGNATURES):
            raise ValueError(
                f"reference {self.name!r} is no JPEG or PNG of at most {LARGEST_REFERENCE_BYTES:,} bytes"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the reference as JSON values."""
        return {
            "name": self.name,
            "part": self.part,
            "photo": base64.b64encode(self.photo).decode("ascii"),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reference":
        """Return what `to_json` gave. Raises KeyError, TypeError or ValueError where it is anything else."""
        photo = base64.b64decode(data["photo"], validate=True)
        return cls(name=str(data["name"]), part=str(data["part"]), photo=photo)


@dataclass(frozen=True, eq=False)
class Similar:
    """The reference that is most like a photo.

    Args:
        name: of its file.
        part: which part it shows, "" where that is not known.
        pixels: uint8 (H, W) or (H, W, 3), RGB, mirrored and turned so that it lies as the photo does.
        similarity: correlation with the photo, in [-1, 1]; 1 for the same picture, whatever the light.
    """

    name: str
    part: str
    pixels: Pixels
    similarity: float


@dataclass(frozen=True, eq=False)
class Poses:
    """How a photo and others lie on each other best.

    Args:
        similarity: float64 (N,) in [-1, 1].
        turn_deg: float64 (N,): by how much each is to be turned clockwise to lie as the photo does.
        mirrored: bool (N,): whether it is to be flipped top to bottom before it is turned.
    """

    similarity: NDArray[np.float64]
    turn_deg: NDArray[np.float64]
    mirrored: NDArray[np.bool_]


class MostSimilar:
    """Finds the reference that is most like a photo. Any number of threads may call it at once.

    References that cannot be decoded, or are larger than they may be, are left out.

    Args:
        references: of a card.
    """

    def __init__(self, references: Sequence[Reference]) -> None:
        decoded = [(one, _decoded(one)) for one in references]
        read = [(one, disc_spectrum(pixels)) for one, pixels in decoded if pixels is not None]
        self._references = [one for one, _ in read]
        self._spectra = np.array([spectrum for _, spectrum in read], np.complex64)

    def find(self, pixels: Pixels) -> Similar | None:
        """Return the most similar reference, turned and mirrored as the photo is; None where there is none.

        Args:
            pixels: of the photo, uint8 (H, W), grey, or (H, W, 3), RGB; of any size.
        """
        if not self._references:
            return None
        poses = poses_of(disc_spectrum(pixels), self._spectra)
        best = int(poses.similarity.argmax())
        found = self._references[best]
        photo = decode_plain(found.photo)
        laid = _laid(photo, float(poses.turn_deg[best]), mirrored=bool(poses.mirrored[best]))
        return Similar(found.name, found.part, laid, float(poses.similarity[best]))


def disc_spectrum(pixels: Pixels) -> Spectra:
    """Return the spectrum (CIRCLES, TURNS // 2 + 1) along circles of a photo, for `poses_of`.

    Args:
        pixels: uint8 (H, W), grey, or (H, W, 3), RGB; of any size.
    """
    small = _small(pixels)
    (top, left), (down, right) = _CORNERS, _SHARES
    upper = small[top, left] * (1 - right) + small[top, left + 1] * right
    lower = small[top + 1, left] * (1 - right) + small[top + 1, left + 1] * right
    levels = upper * (1 - down) + lower * down
    levels -= float((_CIRCLE_SHARES * levels).sum()) / TURNS
    weighted = np.sqrt(_CIRCLE_SHARES) * levels
    length = float(np.linalg.norm(weighted))
    # A plain grey disc has the contrast of rounding alone.
    unit = weighted / length if length > 0.01 else np.zeros_like(weighted)
    return np.asarray(np.fft.rfft(unit, axis=1), np.complex64)


def poses_of(photo: Spectra, others: Spectra) -> Poses:
    """Return how each of the others lies on the photo best, among all turns of both mirrors.

    Args:
        photo: from `disc_spectrum`.
        others: (N, CIRCLES, TURNS // 2 + 1), several of these.
    """
    straight = (photo * np.conj(others)).sum(axis=1)
    mirrored = (photo * others).sum(axis=1)
    correlation = np.fft.irfft(np.stack([straight, mirrored], axis=1), TURNS, axis=2)
    flat = correlation.reshape(len(others), 2 * TURNS)
    best = flat.argmax(axis=1)
    which, turn = np.divmod(best, TURNS)
    rows = np.arange(len(others))
    before, at, after = (correlation[rows, which, (turn + step) % TURNS] for step in (-1, 0, 1))
    bend = np.minimum(before - 2 * at + after, -1e-9)
    between = np.clip((before - after) / (2 * bend), -0.5, 0.5)  # the top of a parabola through the three
    return Poses(np.clip(at, -1.0, 1.0), (turn + between) * 360 / TURNS, which == 1)


def _small(pixels: Pixels) -> NDArray[np.float32]:
    """Return the square in the middle of a photo as grey levels, float32 (SIDE_PX, SIDE_PX)."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    step = max(1, side // (_SAMPLED * SIDE_PX))
    square = np.ascontiguousarray(pixels[top : top + side : step, left : left + side : step])
    grey = Image.fromarray(square).convert("L").convert("F")
    return np.asarray(grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR), np.float32)


def _circles() -> tuple[
    tuple[NDArray[np.intp], NDArray[np.intp]],
    tuple[NDArray[np.float32], NDArray[np.float32]],
    NDArray[np.float32],
]:
    """Return upper left pixels, shares of the pixels below and to the right, and shares of the circles in the disc."""
    middle = (SIDE_PX - 1) / 2
    radius = (np.arange(CIRCLES) + 0.5) / CIRCLES * middle
    angle = 2 * np.pi * np.arange(TURNS) / TURNS
    row, column = (middle + radius[:, None] * along(angle) for along in (np.sin, np.cos))
    top, left = (np.clip(np.floor(one), 0, SIDE_PX - 2).astype(np.intp) for one in (row, column))
    shares = (row - top).astype(np.float32), (column - left).astype(np.float32)
    return (top, left), shares, (radius / radius.sum())[:, None].astype(np.float32)


_CORNERS, _SHARES, _CIRCLE_SHARES = _circles()


def _decoded(reference: Reference) -> Pixels | None:
    """Return the pixels (H, W) or (H, W, 3) of a reference; None where it is damaged or too large."""
    try:
        # The size is looked at first: few bytes may stand for very many pixels.
        with Image.open(io.BytesIO(reference.photo), formats=("JPEG", "PNG")) as image:
            fits = max(image.size) <= REFERENCE_SIDE_PX
        return decode_plain(reference.photo) if fits else None
    except Exception:  # whatever a decoder makes of bytes from elsewhere
        return None


def _laid(pixels: Pixels, turn_deg: float, *, mirrored: bool) -> Pixels:
    """Return a photo, flipped top to bottom where `mirrored`, then turned clockwise; corners get its edge's level."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    levels = np.median(edge, axis=0).round().astype(int)
    fill = int(levels) if pixels.ndim == 2 else tuple(int(one) for one in levels)
    flipped = np.ascontiguousarray(pixels[::-1]) if mirrored else pixels
    turned = Image.fromarray(flipped).rotate(-turn_deg, Image.Resampling.BICUBIC, fillcolor=fill)
    return np.array(turned)
