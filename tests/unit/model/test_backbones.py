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
from castproof.model.backbones import LEAST_SPREAD, Backbone, Spread, log_moments, seeded_backbone
from castproof.model.features import feature_engine
from castproof.model.libraries import find_network
from castproof.model.network import NetworkSpec, build_network
from castproof.settings import SHORT_BACKBONES

WIDTHS = {
    ("mobilenet", "last"): 576,
    ("mobilenet", "middle"): 1856,
    ("mobilenet_v2", "last"): 1280,
    ("mobilenet_v2", "middle"): 2208,
    ("lite0", "last"): 1280,
    ("lite0", "middle"): 7872,
    ("resnet18", "last"): 512,
    ("resnet18", "middle"): 2 * (128 + 256),
    ("regnet_y_400mf", "middle"): 2 * (104 + 208),
    ("convnext_tiny", "middle"): 2 * (192 + 384),
    ("densenet121", "middle"): 2 * (256 + 512),
    ("mnasnet0_5", "middle"): 3168,
    ("efficientnet_b0", "middle"): 7872,
    ("timm:mobilenetv3_small_050", "middle"): 1392,
    ("timm:resnet18", "middle"): 2 * (128 + 256),
    ("timm:tf_efficientnet_lite0", "middle"): 7872,
    ("timm:convnext_atto", "last"): 320,
}
MIDDLE = {
    "mobilenet": [f"features.{index}.block.0" for index in (3, 4, 5, 6, 7, 8)],
    "mobilenet_v2": [f"features.{index}.conv.0" for index in (4, 7, 9, 11)],
    "efficientnet_b0": [
        f"features.{block}.block.0" for block in ("3.1", "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0")
    ],
    "resnet18": ["layer2", "layer3"],
    "resnet50": ["layer2", "layer3"],
    "regnet_y_400mf": ["trunk_output.block2", "trunk_output.block3"],
}


def photos_of(size_px: int) -> torch.Tensor:
    return torch.rand(2, 3, size_px, size_px, generator=torch.Generator().manual_seed(1))


def need(name: str) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm", reason="timm is not installed")


@pytest.mark.parametrize("name", SHORT_BACKBONES)
def test_the_backbones_that_the_settings_name_exist_at_any_photo_size(name: str) -> None:
    backbone = Backbone(name).eval()
    for size in (32, 57):
        assert backbone(torch.rand(2, 3, size, size)).shape == (2, backbone.width)


@pytest.mark.parametrize(("name", "taken"), WIDTHS)
def test_a_backbone_of_every_family_gives_onnxruntime_the_features_of_pytorch(name: str, taken: str) -> None:
    need(name)
    spec = NetworkSpec(name, 0.5, find_network(name).preprocess(75), taken)
    network = build_network(spec, seed=3)
    with torch.no_grad():
        network.train().features(photos_of(75))
        expected = network.eval().features(photos_of(75))
    found = feature_engine(network, torch.device("cpu")).run(photos_of(75))
    assert found.shape == (2, WIDTHS[name, taken])
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", MIDDLE)
def test_the_middle_is_what_torchvisions_own_extractor_finds_there(name: str) -> None:
    middle = seeded_backbone(name, 3, "middle").eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = find_network(name).build().eval()
    with torch.inference_mode():
        maps = create_feature_extractor(network, MIDDLE[name])(photos_of(64))
        expected = log_moments([Spread.of(maps[node]) for node in MIDDLE[name]])
        assert torch.equal(middle(photos_of(64)), expected), "bit by bit: shipped models rest on it"


@pytest.mark.parametrize("name", ["mobilenet", "mobilenet_v2"])
def test_the_last_layer_is_torchvisions_bit_by_bit(name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = find_network(name).build().eval()
    with torch.inference_mode():
        expected = network.features(photos_of(64)).mean(dim=(2, 3))  # type: ignore[operator]
        assert torch.equal(seeded_backbone(name, 3).eval()(photos_of(64)), expected)


@pytest.mark.parametrize(
    ("name", "last"), [("mobilenet", "features.8.block.0"), ("resnet18", "layer3"), ("lite0", "_blocks.11")]
)
def test_the_network_is_cut_after_the_last_maps_that_are_used(name: str, last: str) -> None:
    whole, cut = Backbone(name).net.state_dict(), Backbone(name, "middle").net.state_dict()
    assert set(cut) < set(whole)
    assert list(cut)[-1].startswith(last)


@pytest.mark.parametrize("name", ["vit_b_16", "swin_t"])
def test_a_transformer_is_refused_with_what_is_taken(name: str) -> None:
    with pytest.raises(SettingError, match="convolutional networks") as caught:
        Backbone(name)
    assert name in caught.value.problem
    assert "resnet18" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("resnet81", "resnet18"),
        ("mobilnet", "mobilenet"),
        ("lite1", "lite0"),
        ("timm:resnet_18", "timm:resnet18"),
    ],
)
def test_an_unknown_name_lists_those_that_are_close(name: str, close: str) -> None:
    need(name)
    with pytest.raises(SettingError, match=f"no backbone {name}") as caught:
        Backbone(name)
    assert close in caught.value.found


@pytest.mark.parametrize(
    "name", ["timm:hf-hub:owner/model", "timm:local-dir:model", "../model", "ssd300_vgg16"]
)
def test_what_would_be_fetched_from_elsewhere_or_classifies_nothing_is_no_backbone(name: str) -> None:
    need(name)
    with pytest.raises(SettingError, match="no backbone"):
        find_network(name)


def test_lite0_is_timms_network() -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed")
    ours, theirs = Backbone("lite0").eval(), timm.create_model("tf_efficientnet_lite0").eval()
    given = [value for key, value in theirs.state_dict().items() if not key.startswith("classifier.")]
    state = ours.net.state_dict()
    ours.net.load_state_dict(dict(zip(state, given, strict=True)))
    with torch.inference_mode():
        for size in (64, 75, 101):
            expected = theirs.forward_features(photos_of(size)).mean(dim=(2, 3))
            assert torch.allclose(ours(photos_of(size)), expected, atol=1e-5)


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
    first = seeded_backbone("mobilenet", 7).net.state_dict()
    assert torch.equal(torch.rand(1), expected_next)
    again, other = (seeded_backbone("mobilenet", seed).net.state_dict() for seed in (7, 8))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["features.0.0.weight"], other["features.0.0.weight"])


@pytest.mark.parametrize(
    ("name", "count"), [("mobilenet", 13), ("mobilenet_v2", 19), ("resnet18", 10), ("lite0", 20)]
)
def test_trainable_blocks_are_the_last_ones(name: str, count: int) -> None:
    backbone = Backbone(name)
    blocks = backbone.blocks()
    assert len(blocks) == count
    assert sum(p.numel() for block in blocks for p in block.parameters()) == sum(
        p.numel() for p in backbone.parameters()
    )
    assert backbone.trainable_blocks("none") == []
    assert backbone.trainable_blocks("0") == []
    assert backbone.trainable_blocks("1") == blocks[-1:]
    assert backbone.trainable_blocks("4") == blocks[-4:]
    assert backbone.trainable_blocks(str(len(blocks))) == blocks
    assert backbone.trainable_blocks("all") == blocks


def test_more_blocks_than_there_are_is_refused_with_the_number() -> None:
    with pytest.raises(SettingError, match=r"--unfreeze 99.*13 blocks"):
        Backbone("mobilenet").trainable_blocks("99")
