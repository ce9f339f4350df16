import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.model.photos import Normalise
from castproof.preprocess import PreprocessSpec, resize

ROUNDING = 1e-5


def torch_resize(image: np.ndarray, size_px: int) -> np.ndarray:
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    resized = F.interpolate(batch, size=(size_px, size_px), mode="bilinear", antialias=True)
    return (resized[0] / 255).numpy()


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90), width=st.integers(1, 90), size_px=st.integers(1, 70), seed=st.integers(0, 99)
)
def test_resize_is_torch_antialiased_bilinear(height: int, width: int, size_px: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    resized = resize(image, size_px)
    assert resized.shape == (3, size_px, size_px)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, torch_resize(image, size_px), atol=ROUNDING)


def test_grey_and_colour_take_the_same_rule() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (40, 60, 1), dtype=np.uint8).repeat(3, axis=2)
    nearly_grey = grey.copy()
    nearly_grey[0, 0, 2] ^= 1
    from_grey, from_colour = resize(grey, 24), resize(nearly_grey, 24)
    np.testing.assert_array_equal(from_grey[0], from_colour[0])
    np.testing.assert_array_equal(from_grey[0], from_grey[2])


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_photo_keeps_its_value(value: int) -> None:
    image = np.full((300, 200, 3), value, np.uint8)
    np.testing.assert_allclose(resize(image, 224), value / 255, atol=1e-6)


def test_nothing_is_cropped() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[0, 0] = image[-1, -1] = 255
    resized = resize(image, 100)
    assert resized[0, 0, 0] > 0.05
    assert resized[0, -1, -1] > 0.05


def test_normalise_is_torchvision_normalise() -> None:
    from torchvision.transforms.functional import normalize

    spec = PreprocessSpec(32)
    batch = torch.rand(2, 3, 32, 32)
    expected = normalize(batch, list(spec.mean), list(spec.std))
    torch.testing.assert_close(Normalise(spec)(batch), expected)
