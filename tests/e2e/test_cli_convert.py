"""`castproof convert`: old PyTorch models become model files that say the same."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from castproof_process import Server
from PIL import Image
from torch import nn

import castproof as package

CLASSES = ("--classes", "crack,ok", "--good", "ok", "--size", "32")


def network() -> nn.Module:
    """Return a network that calls bright photos ok (its second output)."""
    torch.manual_seed(5)
    maps = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    layers = nn.Sequential(*maps, nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        layers[0].weight.abs_()
        layers[4].weight.copy_(torch.tensor([[-1.0] * 4, [1.0] * 4]))
    return layers.eval()


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one network in every form that it may have."""
    folder, made = tmp_path_factory.mktemp("old"), network()
    torch.save(made, folder / "whole.pth")
    torch.save(made.state_dict(), folder / "weights.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(made), folder / "model.torchscript.pt")
        program = torch.export.export(
            made, (torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: torch.export.Dim("n")},)
        )
        torch.export.save(program, folder / "program.pt2")
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    pixels = np.random.default_rng(1).integers(0, 200, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "trust"),
    [
        ("whole.pth", "--trust-pickle"),
        ("program.pt2", "--trust-pickle"),
        ("model.torchscript.pt", "--trust-torchscript"),
    ],
)
def test_the_model_file_says_what_the_old_model_says(
    castproof: Server, old: Path, tmp_path: Path, photo: Path, name: str, trust: str
) -> None:
    done = castproof.run(["convert", old / name, "-o", "model.onnx", *CLASSES, trust], tmp_path)
    assert done.code == 0, done.text
    assert "0 changed verdicts" in done.out
    model = package.load(tmp_path / "model.onnx")
    pixels = torch.from_numpy(np.array(Image.open(photo))).permute(2, 0, 1)[None].float()
    small = nn.functional.interpolate(pixels, (32, 32), mode="bilinear", antialias=True) / 255
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        expected = float(network()((small - mean) / std).double().softmax(dim=1)[0, 0])
    inspection = model.inspect(photo)
    assert inspection.p_defective == pytest.approx(expected, abs=1e-5)
    assert inspection.heat_map is None
    assert model.card.good == ("ok",)
    assert model.card.defective == ("crack",)


@pytest.mark.parametrize("name", ["whole.pth", "program.pt2", "model.torchscript.pt"])
def test_nothing_opens_without_consent(castproof: Server, old: Path, tmp_path: Path, name: str) -> None:
    done = castproof.run(["convert", old / name, "-o", "model.onnx", *CLASSES], tmp_path)
    assert done.code == 1
    assert "can run code" in done.err
    assert "SHA-256" in done.err
    assert "--trust-" in done.err
    assert not (tmp_path / "model.onnx").exists()


def test_a_bare_state_dict_is_told_what_it_is(castproof: Server, old: Path, tmp_path: Path) -> None:
    done = castproof.run(
        ["convert", old / "weights.pt", "-o", "m.onnx", *CLASSES, "--trust-pickle"], tmp_path
    )
    assert done.code == 1
    assert "without" in done.err
    assert "load_state_dict" in done.err


def test_photos_of_ones_own_are_compared_and_stored(
    castproof: Server, old: Path, tmp_path: Path, photo: Path
) -> None:
    done = castproof.run(
        [
            *(
                "convert",
                old / "whole.pth",
                "-o",
                "model.onnx",
                *CLASSES,
                "--trust-pickle",
                "--threshold",
                "0.3",
            ),
            *("--reject-from", "0.7", "--photos", photo.parent, "--channels", "rgb", "--mean", "0.5,0.5,0.5"),
            *("--std", "0.5,0.5,0.5", "--resize", "40", "--crop", "36"),
        ],
        tmp_path,
    )
    assert done.code == 0, done.text
    card = package.load(tmp_path / "model.onnx").card
    assert [one.name for one in card.examples] == ["photo.png"]
    assert (card.gate.thresholds.threshold, card.gate.thresholds.reject_from) == (0.3, 0.7)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--mean", "a,b"), "--mean contains no numbers"),
        (("--classes", "a"), "classes"),
        (("--channels", "cmyk"), "channels"),
        (("--size", "48"), ""),
        (("-o", "model.pt"), ".onnx"),
        (("--output", "probabilities"), "probabilit"),
    ],
)
def test_what_does_not_fit_is_told_without_a_traceback(
    castproof: Server, old: Path, tmp_path: Path, flags: tuple[str, ...], said: str
) -> None:
    command = ["convert", old / "whole.pth", "-o", "model.onnx", *CLASSES, "--trust-pickle", *flags]
    done = castproof.run(command, tmp_path)
    assert "Traceback" not in done.text
    if said:
        assert done.code == 1
        assert said in done.err
        assert not list(tmp_path.glob("model*"))
