"""Signatures: a photo unrolled around its frame, so that a turn becomes a circular shift.

Along every ring the spectrum over the angle is taken; its lowest harmonics, which light makes, are left out. The
spectra are whitened: divided by what is common in the data set at this ring and frequency, so that what all parts of
the product share counts little. Ring and frequency are then weighted by how well the best matching pairs of the data
set agree there, beyond what photos taken at random do: light, background and noise lose their say.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.ndimage import gaussian_filter

from castproof.parts.frames import Frame
from castproof.parts.photo import Grey, local_contrast, log_brightness

Spectra = NDArray[np.complex64]

ANGLES = 96
LOWEST, HIGHEST = 3, 40  # harmonics kept: [LOWEST, HIGHEST)
RINGS = np.linspace(0.1, 2.0, 36)
_CONTRAST_SIGMA = 0.1  # in radii of the frame
_TURNS = np.arange(ANGLES) * (2 * np.pi / ANGLES)
_DIRECTIONS = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=-1)
_TINY = 1e-9
WHOLE_SPECTRUM = np.ones((len(RINGS), HIGHEST - LOWEST), np.float32)


def ring_spectra(grey: Grey, frame: Frame) -> Spectra:
    """Return the spectra of the rings around `frame`, complex64 (rings, harmonics); rings outside are 0."""
    height, width = grey.shape
    plane = local_contrast(log_brightness(grey), max(1.0, _CONTRAST_SIGMA * frame.radius_px))
    points = (RINGS[:, None, None] * _DIRECTIONS) @ frame.matrix.T + frame.centre
    x, y = points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)
    rings = cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rings[(x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)] = 0
    return np.asarray(rfft(rings, axis=-1)[:, LOWEST:HIGHEST], np.complex64)


def unit(spectra: Spectra) -> Spectra:
    """Return `spectra` (n, rings, harmonics) scaled to length 1 for each photo."""
    length = np.sqrt((np.abs(spectra) ** 2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(spectra / (length + _TINY), np.complex64)


def common_gain(spectra: Spectra) -> NDArray[np.float32]:
    """Return the whitening gain of a sample: one over the root mean square at every ring and harmonic."""
    power = np.sqrt((np.abs(spectra) ** 2).mean(axis=0))
    return np.asarray(np.where(power > _TINY, 1 / (power + 1e-6), 0), np.float32)


def agreement(a: Spectra, b: Spectra, shift: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the coherence of pairs at every ring and harmonic, in [-1, 1].

    Args:
        a: signatures (pairs, rings, harmonics).
        b: signatures of their partners, mirrored where the pair is mirrored.
        shift: by how many of `ANGLES` steps each partner is turned.
    """
    harmonics = np.arange(LOWEST, HIGHEST)
    turned = b * np.exp(-2j * np.pi / ANGLES * harmonics * shift[:, None])[:, None, :]
    power = np.sqrt((np.abs(a) ** 2).mean(axis=0) * (np.abs(b) ** 2).mean(axis=0))
    return np.asarray((a * turned.conj()).real.mean(axis=0) / (power + 1e-12), np.float64)


def weights(matching: NDArray[np.float64], random: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the weight of every ring and harmonic in [0, 1] from the agreement of matching and of random pairs."""
    excess = gaussian_filter(np.maximum(matching - random, 0), (1, 2))
    top = float(excess.max())
    return np.asarray(np.sqrt(excess / top) if top > 0 else np.ones_like(excess), np.float32)
