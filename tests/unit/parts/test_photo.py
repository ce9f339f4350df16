"""The small grey photo that the part finder works on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from castproof.parts.photo import local_contrast, log_brightness, read_small


@pytest.mark.parametrize(
    ("size", "shape"),
    [((600, 300), (96, 192)), ((100, 50), (50, 100)), ((20, 4000), (192, 1)), ((1, 1), (1, 1))],
)
def test_the_longer_side_shrinks_to_the_working_size_and_small_photos_stay(
    tmp_path: Path, size, shape
) -> None:
    file = tmp_path / "photo.png"
    Image.new("RGB", size, (10, 200, 90)).save(file)
    small = read_small(file)
    assert small.grey.shape == shape
    assert small.scale == pytest.approx(min(1, 192 / max(size)))
    assert set(small.grey.ravel().tolist()) == {131}  # 0.299 R + 0.587 G + 0.114 B


def test_exposure_is_an_offset_of_the_logarithm() -> None:
    photo = np.arange(40, 120, dtype=np.uint8)[None]
    step = log_brightness((2 * photo).astype(np.uint8)) - log_brightness(photo)
    assert np.ptp(step) < 0.1
    assert step.mean() == pytest.approx(np.log(2), abs=0.1)


def test_local_contrast_forgets_brightness_and_gain() -> None:
    plane = np.random.default_rng(0).normal(size=(60, 60)).astype(np.float32)
    found = local_contrast(plane, 4.0)
    np.testing.assert_allclose(local_contrast(3 * plane + 7, 4.0), found, atol=0.1)
    assert np.abs(local_contrast(np.full((60, 60), 5, np.float32), 4.0)).max() < 1e-3
    assert np.abs(found).max() <= 3
