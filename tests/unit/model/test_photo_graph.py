"""The graphs that give a photo its size, against torchvision and against training's own resize."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import v2

from castproof.model.legacy_graph import legacy_pixels
from castproof.model.photo_graph import crop_graph, squeeze_graph
from castproof.preprocess import resize
from castproof.runtime.legacy_settings import LegacySettings


def run(graph: bytes, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": image})
    return np.asarray(found)


def photo(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng((height, width)).integers(0, 256, (height, width, channels), dtype=np.uint8)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 64))
def test_the_whole_photo_is_squeezed_as_in_training(height: int, width: int, size_px: int) -> None:
    image = photo(height, width)
    found = run(squeeze_graph(size_px).SerializeToString(), image)
    np.testing.assert_allclose(found[0] / 255, resize(image, size_px), atol=2e-4)


def test_a_grey_photo_of_one_channel_is_squeezed_like_one_of_three() -> None:
    image = photo(45, 70, 1)
    graph = squeeze_graph(32).SerializeToString()
    (one,), three = run(graph, image), run(graph, np.repeat(image, 3, axis=2))[0]
    assert one.shape == (1, 32, 32)
    assert all(np.array_equal(one[0], plane) for plane in three)


@pytest.mark.parametrize(("height", "width"), [(300, 300), (301, 480), (640, 255), (97, 131)])
@pytest.mark.parametrize(
    ("resize_px", "crop_px", "size_px"), [(None, None, 64), (128, 112, 112), (128, 97, 48), (None, 90, 64)]
)
def test_resize_and_crop_are_torchvisions(
    height: int, width: int, resize_px: int | None, crop_px: int | None, size_px: int
) -> None:
    image = photo(height, width)
    steps = [] if resize_px is None else [v2.Resize(resize_px, antialias=True)]
    steps += [] if crop_px is None else [v2.CenterCrop(crop_px)]
    steps.append(v2.Resize((size_px, size_px), antialias=True))
    expected = v2.Compose(steps)(torch.from_numpy(image).permute(2, 0, 1).float()).numpy()
    found = run(crop_graph(size_px, resize_px, crop_px).SerializeToString(), image)
    np.testing.assert_allclose(found[0], expected, atol=0.02)
    told = LegacySettings(("a", "b"), ("a",), size_px=size_px, resize_px=resize_px, crop_px=crop_px)
    np.testing.assert_allclose(legacy_pixels(image, told)[0], expected, atol=1e-4)


def test_of_a_photo_smaller_than_the_crop_all_is_kept() -> None:
    image = photo(20, 31)
    found = run(crop_graph(16, None, 24).SerializeToString(), image)
    told = LegacySettings(("a", "b"), ("a",), size_px=16, crop_px=24)
    np.testing.assert_allclose(found[0], legacy_pixels(image, told)[0], atol=1e-3)
