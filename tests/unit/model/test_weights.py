"""Starting weights: torchvision's own files fit, others are refused in words, and no file runs code."""

import os
import pickle
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, mobilenet_v3_small

from castproof.errors import WeightsError
from castproof.model.backbones import Backbone
from castproof.model.libraries import find_network
from castproof.model.public_weights import LITE0_PACKAGE
from castproof.model.weights import KEYS_SHOWN, SHIPPED_FILES, load_chosen, load_weights, weights_hash
from castproof.preprocess import resize

StateDict = dict[str, Tensor]
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "mobilenet": mobilenet_v3_small,
    "mobilenet_v2": mobilenet_v2,
}
SHARED_V2 = (
    Path(__file__).parents[4] / "shared" / "data" / "weights" / "mobilenet_v2_imagenet_rot180.safetensors"
)


def torchvision_network(name: str) -> nn.Module:
    """Return torchvision's network with a seeded start and batch norm statistics that are not the default."""
    torch.manual_seed(4)
    network = BUILDERS[name](weights=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def reference_features(network: nn.Module, photos: Tensor) -> Tensor:
    with torch.inference_mode():
        return nn.functional.adaptive_avg_pool2d(network.features(photos), 1).flatten(1)


def save(state: StateDict, path: Path) -> None:
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in state.items()}, path)
    else:
        torch.save(state, path)


@pytest.fixture(scope="module")
def state() -> StateDict:
    return torchvision_network("mobilenet").state_dict()


@pytest.fixture(scope="module")
def photos() -> Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=["float32", "float16"])
def test_a_torchvision_checkpoint_gives_the_features_of_torchvisions_network(
    name: str, suffix: str, dtype: torch.dtype, photos: Tensor, tmp_path: Path
) -> None:
    network = torchvision_network(name)
    stored = {
        key: value.to(dtype) if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(stored)
    path = tmp_path / f"weights of mine{suffix}"
    save(stored, path)
    backbone = Backbone(name).eval()
    source = load_weights(backbone, str(path))
    assert path.name in source
    with torch.inference_mode():
        assert torch.allclose(backbone(photos), reference_features(network, photos), atol=1e-5)
    assert {value.dtype for value in backbone.parameters()} == {torch.float32}


def test_none_keeps_the_random_start() -> None:
    backbone = Backbone("mobilenet")
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    assert "random" in load_weights(backbone, "none")
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_mismatch_names_the_first_keys_that_differ(suffix: str, state: StateDict, tmp_path: Path) -> None:
    changed = dict(state)
    changed["features.0.0.weights"] = changed.pop("features.0.0.weight")
    changed["features.0.1.bias"] = torch.zeros(3)
    path = tmp_path / f"changed{suffix}"
    save(changed, path)
    backbone = Backbone("mobilenet")
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_weights(backbone, str(path))
    assert caught.value.items == (
        "missing: features.0.0.weight",
        "not known: features.0.0.weights",
        "shape: features.0.1.bias is (3,), must be (16,)",
    )
    assert "3 keys differ" in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_weights_of_another_network_show_a_few_keys_and_how_many_more(tmp_path: Path) -> None:
    path = tmp_path / "v2.pt"
    save(torchvision_network("mobilenet_v2").state_dict(), path)
    with pytest.raises(WeightsError, match="do not fit mobilenet") as caught:
        load_weights(Backbone("mobilenet"), str(path))
    assert len(caught.value.items) == KEYS_SHOWN + 1
    assert caught.value.items[-1].endswith(" more")


class _Hostile:
    """Creates a file when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self._sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._sentinel),)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("writer", ["torch", "legacy torch", "pickle"])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(
    writer: str, suffix: str, tmp_path: Path
) -> None:
    path, sentinel = tmp_path / f"hostile{suffix}", tmp_path / "was here"
    content = {"features.0.0.weight": _Hostile(sentinel)}
    if writer == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=writer == "torch")
    with pytest.raises(WeightsError, match="hostile"):
        load_weights(Backbone("mobilenet"), str(path))
    assert not sentinel.exists()
    if writer == "pickle":
        pickle.loads(path.read_bytes())
        assert sentinel.exists(), "the file is hostile indeed"


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, 5000, -1])
def test_a_cut_off_file_is_refused_by_name(
    suffix: str, length: int, state: StateDict, tmp_path: Path
) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"cut off{suffix}"
    save(state, whole)
    path.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(WeightsError, match="cut off"):
        load_weights(Backbone("mobilenet"), str(path))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content", [b"\x00" * 300, b"\xff" * 300, b"<!DOCTYPE html><title>404</title>", b"{}"]
)
def test_a_file_of_something_else_is_refused_by_name(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="other"):
        load_weights(Backbone("mobilenet"), str(path))


@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(2)],
        torch.zeros(2),
        {"state_dict": {"features.0.0.weight": torch.zeros(2)}},
        {1: torch.zeros(2)},
        {},
        None,
        3,
    ],
    ids=["list", "tensor", "nested", "numbered", "empty", "none", "number"],
)
def test_a_file_without_a_table_of_tensors_is_refused(content: object, tmp_path: Path) -> None:
    path = tmp_path / "strange.pt"
    torch.save(content, path)
    with pytest.raises(WeightsError, match="strange"):
        load_weights(Backbone("mobilenet"), str(path))


@pytest.mark.parametrize("path", ["no such file.pt", "."])
def test_a_missing_file_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not found"):
        load_weights(Backbone("mobilenet"), str(tmp_path / path))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["features.0.0.weight", "features.0.1.running_var"])
def test_values_that_are_not_finite_are_refused(
    value: float, key: str, state: StateDict, tmp_path: Path
) -> None:
    broken = {**state, key: state[key].clone()}
    broken[key].view(-1)[0] = value
    save(broken, tmp_path / "broken.safetensors")
    with pytest.raises(WeightsError, match="not finite") as caught:
        load_weights(Backbone("mobilenet"), str(tmp_path / "broken.safetensors"))
    assert caught.value.items == (key,)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty folder where downloaded weights are kept; every download fails at once."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def imagenet_file(name: str) -> str:
    return find_network(name).imagenet.url.rpartition("/")[2]


@pytest.mark.parametrize("name", [*BUILDERS, "resnet18"])
def test_imagenet_offline_names_the_alternatives(name: str, hub: Path) -> None:
    with pytest.raises(WeightsError, match="could not be downloaded") as caught:
        load_weights(Backbone(name), "imagenet")
    message = str(caught.value)
    assert imagenet_file(name) in message
    assert "--weights FILE" in message
    assert str(hub) in message
    assert ("--weights castings" in message) == (name in SHIPPED_FILES)


def test_imagenet_takes_a_file_that_lies_in_the_cache(hub: Path, photos: Tensor) -> None:
    network = torchvision_network("mobilenet")
    torch.save(network.state_dict(), hub / imagenet_file("mobilenet"))
    backbone = Backbone("mobilenet").eval()
    assert load_weights(backbone, "imagenet") == "torchvision IMAGENET1K_V1"
    with torch.inference_mode():
        assert torch.allclose(backbone(photos), reference_features(network, photos), atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"\xff" * 300, b"PK\x03\x04"])
def test_a_broken_file_in_the_cache_is_named(content: bytes, hub: Path) -> None:
    (hub / imagenet_file("mobilenet")).write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_weights(Backbone("mobilenet"), "imagenet")
    assert str(hub) in str(caught.value)


def test_a_hostile_file_in_the_cache_does_not_run(hub: Path, tmp_path: Path) -> None:
    torch.save({"features.0.0.weight": _Hostile(tmp_path / "was here")}, hub / imagenet_file("mobilenet"))
    with pytest.raises(WeightsError):
        load_weights(Backbone("mobilenet"), "imagenet")
    assert not (tmp_path / "was here").exists()


def test_castings_names_the_networks_that_it_exists_for() -> None:
    with pytest.raises(WeightsError, match=r"no castings weights for mobilenet_v2.*mobilenet"):
        load_weights(Backbone("mobilenet_v2"), "castings")


@pytest.mark.skipif(not SHARED_V2.is_file(), reason=f"needs {SHARED_V2.name} beside the repository")
def test_public_float16_weights_fit_mobilenet_v2(photos: Tensor) -> None:
    backbone = Backbone("mobilenet_v2").eval()
    start = backbone(photos)
    load_weights(backbone, str(SHARED_V2))
    features = backbone(photos)
    assert torch.isfinite(features).all()
    assert not torch.allclose(features, start)
    assert (features.std(dim=0) > 0).float().mean() > 0.3


@pytest.mark.parametrize("weights", ["auto", "imagenet"])
def test_lite0_has_imagenet_weights_offline_where_the_package_is_installed(weights: str, hub: Path) -> None:
    pytest.importorskip(LITE0_PACKAGE, reason="castproof[imagenet] is not installed")
    backbone = Backbone("lite0").eval()
    assert load_chosen(backbone, weights) == ("imagenet", "EfficientNet-Lite0, ImageNet")
    photo = load_sample_image("flower.jpg")[:, :427]
    spec = find_network("lite0").preprocess(224)
    batch = torch.from_numpy(resize(photo, spec.size_px))[None]
    norm = backbone.net._bn0

    def away(mean: float, std: float) -> float:
        with torch.inference_mode():
            first = backbone.net._conv_stem((batch - mean) / std)
        return float(
            ((first.mean(dim=(0, 2, 3)) - norm.running_mean).abs() / norm.running_var.sqrt()).median()
        )

    as_expected, as_torchvision = away(spec.mean[0], spec.std[0]), away(0.449, 0.226)
    assert as_expected < 0.7 * as_torchvision, "the first batch norm knows how its photos were normalised"


def test_auto_without_a_connection_takes_what_is_shipped_and_says_so(hub: Path) -> None:
    found, shipped = Backbone("mobilenet"), Backbone("mobilenet")
    used, words = load_chosen(found, "auto")
    assert used == "castings"
    assert words.startswith(load_weights(shipped, "castings"))
    assert "ImageNet" in words
    assert weights_hash(found) == weights_hash(shipped)


def test_auto_takes_imagenet_weights_that_are_kept(hub: Path) -> None:
    torch.save(torchvision_network("mobilenet").state_dict(), hub / imagenet_file("mobilenet"))
    assert load_chosen(Backbone("mobilenet"), "auto") == ("imagenet", "torchvision IMAGENET1K_V1")


def test_auto_does_not_hide_a_broken_file(hub: Path) -> None:
    (hub / imagenet_file("mobilenet")).write_bytes(b"PK")
    with pytest.raises(WeightsError, match=r"cannot be read|not a plain table"):
        load_chosen(Backbone("mobilenet"), "auto")


def test_auto_never_starts_another_backbone_at_random(hub: Path) -> None:
    with pytest.raises(WeightsError, match=r"resnet18.*could not be downloaded"):
        load_chosen(Backbone("resnet18"), "auto")


def test_weights_of_timm_come_out_of_its_store(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm", reason="timm is not installed")
    constants = pytest.importorskip("huggingface_hub.constants")
    name = "timm:mobilenetv3_small_050"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "store"))
    with pytest.raises(WeightsError, match="could not be downloaded"):
        load_weights(Backbone(name), "imagenet")
    network = find_network(name)
    folder = tmp_path / "store" / f"models--{str(network.imagenet).replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    state = network.build().state_dict()
    save(state, folder / "snapshots" / ("0" * 40) / "model.safetensors")
    backbone = Backbone(name)
    assert load_weights(backbone, "imagenet") == f"timm {network.imagenet}"
    assert all(torch.equal(value, state[key]) for key, value in backbone.net.state_dict().items())


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "densenet121", "timm:resnet18", "lite0"])
def test_a_checkpoint_of_its_own_library_fits_every_backbone(name: str, tmp_path: Path) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm", reason="timm is not installed")
    state = find_network(name).build().state_dict()
    save(state, tmp_path / "own.safetensors")
    for taken in ("last", "middle"):
        backbone = Backbone(name, taken)
        load_weights(backbone, str(tmp_path / "own.safetensors"))
        assert all(torch.equal(value, state[key]) for key, value in backbone.net.state_dict().items())
