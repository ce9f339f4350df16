"""Backbones have torchvision's blocks and as many features as they say."""

import pytest
import torch

from castproof.errors import SettingError
from castproof.model.backbones import SPECS, Backbone, seeded_backbone
from castproof.settings import BACKBONES


def test_the_settings_offer_the_backbones_that_there_are() -> None:
    assert set(BACKBONES) == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_features_are_as_wide_as_said_at_any_photo_size(name: str) -> None:
    backbone = Backbone(name).eval()
    for size in (32, 57):
        assert backbone(torch.rand(2, 3, size, size)).shape == (2, SPECS[name].width)


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
