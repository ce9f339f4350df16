"""Backbones have torchvision's blocks and as many features as they say."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.models.feature_extraction import create_feature_extractor

from castproof.errors import SettingError
from castproof.model.backbones import LEAST_SPREAD, SPECS, Backbone, Spread, log_moments, seeded_backbone
from castproof.settings import BACKBONES


def test_the_settings_offer_the_backbones_that_there_are() -> None:
    assert set(BACKBONES) == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_features_are_as_wide_as_said_at_any_photo_size(name: str) -> None:
    backbone = Backbone(name).eval()
    for size in (32, 57):
        assert backbone(torch.rand(2, 3, size, size)).shape == (2, SPECS[name].width)


@pytest.mark.parametrize("name", SPECS)
def test_the_middle_is_what_torchvisions_own_extractor_finds_there(name: str) -> None:
    whole, middle = seeded_backbone(name, 3).eval(), seeded_backbone(name, 3, "middle").eval()
    nodes = [f"features.{index}.{_kind(whole, index)}.0" for index in middle.middle]
    network = SPECS[name].build(weights=None).eval()
    network.features.load_state_dict(whole.features.state_dict())
    photos = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        maps = create_feature_extractor(network, nodes)(photos)
        expected = log_moments([Spread.of(maps[node]) for node in nodes])
        found = middle(photos)
    assert found.shape == (2, middle.width)
    assert torch.allclose(found, expected, atol=1e-4)


def _kind(backbone: Backbone, index: int) -> str:
    return "block" if hasattr(backbone.features[index], "block") else "conv"


def test_the_spread_of_maps_is_that_of_scipy() -> None:
    maps = torch.randn(3, 4, 9, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    flat = maps.reshape(3, 4, -1).numpy()
    second, fourth = (scipy.stats.moment(flat, order, axis=2) ** (1 / order) for order in (2, 4))
    expected = np.log(np.concatenate([second, fourth], axis=1) + LEAST_SPREAD)
    assert log_moments([Spread.of(maps)]).numpy() == pytest.approx(expected, abs=1e-9)


@given(st.floats(-3, 3), st.floats(1, 4))
def test_brightness_drops_out_of_the_spread_and_contrast_becomes_a_constant(
    shift: float, gain: float
) -> None:
    maps = 50 * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    moved = log_moments([Spread.of(gain * maps + shift)]) - log_moments([Spread.of(maps)])
    assert torch.allclose(moved, torch.full_like(moved, math.log(gain)), atol=2e-3)


def test_a_flat_map_has_a_finite_spread() -> None:
    assert torch.isfinite(log_moments([Spread.of(torch.full((1, 2, 5, 5), 3.0))])).all()


def test_a_seeded_backbone_depends_on_the_seed_alone_and_leaves_the_global_generator() -> None:
    torch.manual_seed(1)
    expected_next = torch.rand(1)
    torch.manual_seed(1)
    first = seeded_backbone("mobilenet", 7).state_dict()
    assert torch.equal(torch.rand(1), expected_next)
    again, other = (seeded_backbone("mobilenet", seed).state_dict() for seed in (7, 8))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["features.0.0.weight"], other["features.0.0.weight"])


def test_trainable_blocks_are_the_last_ones() -> None:
    backbone = Backbone("mobilenet")
    blocks = list(backbone.features)
    assert backbone.trainable_blocks("none") == []
    assert backbone.trainable_blocks("0") == []
    assert backbone.trainable_blocks("1") == blocks[-1:]
    assert backbone.trainable_blocks("4") == blocks[-4:]
    assert backbone.trainable_blocks(str(len(blocks))) == blocks
    assert backbone.trainable_blocks("all") == blocks


def test_more_blocks_than_there_are_is_refused_with_the_number() -> None:
    backbone = Backbone("mobilenet")
    with pytest.raises(SettingError, match=f"--unfreeze 99.*{len(backbone.features)} blocks"):
        backbone.trainable_blocks("99")
