"""What is said about an old model is checked before the model is opened; what it can do is said in full."""

from pathlib import Path
from typing import Any

import pytest

from castproof.errors import SettingError
from castproof.runtime.legacy_kind import LegacyKind
from castproof.runtime.legacy_settings import LegacySettings, Trust, risk_of

FITTING: dict[str, Any] = {"classes": ("scratch", "ok", "blowhole"), "good": ("ok",)}


def test_places_follow_the_order_of_the_classes() -> None:
    settings = LegacySettings(("scratch", "ok", "fine"), ("fine", "ok"))
    assert (settings.good_outputs, settings.defective_outputs) == ((1, 2), (0,))


@pytest.mark.parametrize(
    "changed",
    [
        {"channels": "grey", "mean": (0.5,), "std": (0.5,)},
        {"size_px": 300, "crop_px": 200},
        {"resize_px": 256, "crop_px": 256, "size_px": 224},
        {"output": "probabilities", "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    ],
)
def test_settings_that_fit_are_taken(changed: dict[str, Any]) -> None:
    LegacySettings(**FITTING | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"classes": ("ok",)}, "classes"),
        ({"classes": ("ok", "bad", "bad")}, "'bad', 'bad'"),
        ({"classes": ("ok", "OK", "bad")}, "'OK'"),
        ({"classes": ("ok", " ")}, "classes"),
        ({"classes": ()}, "none"),
        ({"good": ()}, "good none"),
        ({"good": ("fine",)}, "'fine'"),
        ({"good": ("ok", "ok")}, "good"),
        ({"good": ("ok", "scratch", "blowhole")}, "at least one is not"),
        ({"channels": "bgr"}, "rgb or grey"),
        ({"output": "scores"}, "logits or probabilities"),
        ({"size_px": 0}, "--size cannot be 0"),
        ({"size_px": 5000}, "--size cannot be 5000"),
        ({"crop_px": -1}, "--crop cannot be -1"),
        ({"resize_px": 256}, "no --crop"),
        ({"resize_px": 200, "crop_px": 224}, "--crop 224"),
        ({"mean": (0.5,)}, "3 numbers"),
        ({"channels": "grey"}, "1 number"),
        ({"std": (0.2, 0.0, 0.2)}, "--std"),
        ({"std": ()}, "--std cannot be empty"),
        ({"mean": (123.7, 116.3, 103.5)}, "divided by 255"),
        ({"mean": (0.5, float("nan"), 0.5)}, "--mean"),
        ({"std": (0.2, float("inf"), 0.2)}, "--std"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_what_to_do(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        LegacySettings(**FITTING | changed)
    assert caught.value.problem
    assert caught.value.rule
    assert caught.value.fix


def test_nobody_agreed_to_anything_unless_they_said_so() -> None:
    assert not any(Trust().covers(kind) for kind in LegacyKind)
    assert Trust(pickle=True).covers(LegacyKind.EXPORTED_PROGRAM)
    assert not Trust(pickle=True).covers(LegacyKind.TORCHSCRIPT)
    assert not Trust(torchscript=True).covers(LegacyKind.PICKLED_MODULE)


def test_the_risk_names_the_file_its_hash_and_what_can_happen() -> None:
    for kind, risk in (
        (LegacyKind.PICKLED_MODULE, "runs whatever code its maker put in"),
        (LegacyKind.EXPORTED_PROGRAM, "runs whatever code its maker put in"),
        (LegacyKind.TORCHSCRIPT, "can write over any file"),
    ):
        said = risk_of(kind, Path("old.pt"), "ab" * 32) or ""
        assert "old.pt" in said
        assert "ab" * 32 in said
        assert risk in said
        assert "only where you made the file yourself" in said
    for kind in (LegacyKind.STATE_DICT, LegacyKind.CHECKPOINT, LegacyKind.ONNX, LegacyKind.UNKNOWN):
        assert risk_of(kind, Path("old.pt"), "ab" * 32) is None
