"""Networks on disk: what is stored comes back, anything else is refused in words."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from castproof.data.classes import Classes
from castproof.errors import OutputError, RunError
from castproof.model.checkpoint import Checkpoint, load_checkpoint, load_state, save_checkpoint, save_state
from castproof.model.network import Classifier, NetworkSpec
from castproof.preprocess import PreprocessSpec

SPEC = NetworkSpec("mobilenet", 0.5, PreprocessSpec(32, (0.5, 0.4, 0.3), (0.2, 0.2, 0.1)))
CLASSES = Classes(good=("良品", "ok ok"), defective=("blow hole", "crack"))


@pytest.fixture
def checkpoint(network: Classifier) -> Checkpoint:
    return Checkpoint(network, SPEC, CLASSES, 0.123456789012345678, 7)


@pytest.fixture
def stored(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    path = tmp_path / "best_model.pt"
    save_checkpoint(checkpoint, path)
    return path


def test_a_checkpoint_comes_back_whole(checkpoint: Checkpoint, stored: Path) -> None:
    found = load_checkpoint(stored)
    assert (found.spec, found.classes, found.threshold, found.epoch) == (
        SPEC,
        CLASSES,
        checkpoint.threshold,
        7,
    )
    assert not any(module.training for module in found.network.modules())
    kept, given = found.network.state_dict(), checkpoint.network.state_dict()
    assert kept.keys() == given.keys()
    assert all(torch.equal(kept[key], given[key]) for key in given)


def test_a_reloaded_network_gives_the_same_logits(checkpoint: Checkpoint, stored: Path) -> None:
    photos = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    checkpoint.network.normalise = load_checkpoint(stored).network.normalise
    with torch.inference_mode():
        assert torch.equal(load_checkpoint(stored).network(photos), checkpoint.network.eval()(photos))


@pytest.mark.parametrize("length", [0, 1, 100, 10_000, -1])
def test_a_cut_off_file_is_refused(length: int, stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:length])
    with pytest.raises(RunError, match=r"best_model\.pt"):
        load_checkpoint(stored)


def test_no_flipped_bit_gives_another_network(stored: Path) -> None:
    """150 flips by seed. PyTorch alone opened 149 such files, 147 of them with another weight."""
    whole, rng = stored.read_bytes(), np.random.default_rng(20)
    tensors = load_state(stored)["tensors"]
    for bit in rng.integers(0, 8 * len(whole), 150):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        stored.write_bytes(flipped)
        try:
            found = load_state(stored)["tensors"]
        except RunError:
            continue
        assert found.keys() == tensors.keys()
        assert all(torch.equal(found[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("content", [b"\xff" * 100, b"\x00" * 100, b"{}", b"PK\x03\x04"])
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(RunError, match=r"x\.pt"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"best_model\.pt not found"):
        load_checkpoint(tmp_path / "best_model.pt")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 99),
        ("format", None),
        ("tensors", {}),
        ("tensors", None),
        ("tensors", {"head.mean": torch.zeros(3)}),
        ("spec", {}),
        ("spec", None),
        (
            "spec",
            {
                "model": "no such network",
                "dropout": 0.5,
                "preprocess": {"size_px": 32, "mean": [], "std": []},
            },
        ),
        ("classes", {"good": ["ok"]}),
        ("classes", None),
        ("threshold", "high"),
        ("threshold", None),
        ("epoch", "last"),
    ],
)
def test_a_checkpoint_with_a_wrong_part_is_refused(key: str, value: object, stored: Path) -> None:
    state = load_state(stored)
    save_state({**state, key: value}, stored)
    with pytest.raises(RunError, match=r"best_model\.pt"):
        load_checkpoint(stored)


@pytest.mark.parametrize("key", ["format", "tensors", "spec", "classes", "threshold", "epoch"])
def test_a_checkpoint_that_lacks_a_part_is_refused(key: str, stored: Path) -> None:
    state = load_state(stored)
    del state[key]
    save_state(state, stored)
    with pytest.raises(RunError, match=r"best_model\.pt"):
        load_checkpoint(stored)


@pytest.mark.parametrize("threshold", [float("nan"), -0.1, 1.5])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float, stored: Path) -> None:
    save_state({**load_state(stored), "threshold": threshold}, stored)
    with pytest.raises(RunError, match=r"best_model\.pt"):
        load_checkpoint(stored)


@pytest.mark.parametrize(
    "changes",
    [
        *({"preprocess": {"size_px": size}} for size in (10**6, 10**12, 0, -5, 31, 224.5, "224", None, True)),
        *({"preprocess": {"std": std}} for std in ((0.2, 0.2), (0.2, 0.2, 0.0), (0.2, float("nan"), 0.2))),
        *({"dropout": dropout} for dropout in (float("nan"), float("inf"), -0.1, 1.0, 10**400, "half", None)),
        *({"head": head} for head in (10**9, "heads", None, "")),
        *({"features": features} for features in (10**9, "all")),
        *({"model": model} for model in (10**9, "", "no such network", "a/../b", None)),
        {"types": [str(number) for number in range(1001)]},
        {"types": 10**9},
    ],
    ids=str,
)
def test_a_network_of_absurd_numbers_is_refused_before_it_is_built(
    changes: dict[str, Any], stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = load_state(stored)
    inner = {**state["spec"]["preprocess"], **changes.get("preprocess", {})}
    save_state({**state, "spec": {**state["spec"], **changes, "preprocess": inner}}, stored)
    monkeypatch.setattr("castproof.model.network.Head", pytest.fail)
    with pytest.raises(RunError, match=r"best_model\.pt cannot be opened"):
        load_checkpoint(stored)


@pytest.mark.parametrize("content", [[1], torch.zeros(2), None, "text"])
def test_a_file_that_holds_no_table_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(RunError, match="not a castproof checkpoint"):
        load_state(tmp_path / "x.pt")


class _Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self._sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._sentinel),)


@pytest.mark.parametrize("with_torch", [True, False])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(with_torch: bool, tmp_path: Path) -> None:
    path, sentinel = tmp_path / "hostile.pt", tmp_path / "was here"
    content = {"format": 1, "tensors": _Hostile(sentinel)}
    if with_torch:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(RunError, match=r"hostile\.pt"):
        load_checkpoint(path)
    assert not sentinel.exists()


def test_a_failed_write_leaves_the_old_file_and_no_other(stored: Path) -> None:
    before = stored.read_bytes()
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_state({"tensors": torch.zeros(1000), "unstorable": lambda: None}, stored)
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == ["best_model.pt"]


def test_a_place_that_cannot_be_written_is_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match=r"best_model\.pt"):
        save_checkpoint(checkpoint, tmp_path / "file" / "best_model.pt")
