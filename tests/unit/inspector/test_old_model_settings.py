"""What is typed about an old model: problems in words exactly where the runtime would refuse it."""

import json
import math
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.errors import SettingError
from castproof.measure.decision import Thresholds
from castproof.pipeline.inspecting.old_model_problems import HALF, IMAGENET, OWN, numbers_in
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings, labels
from castproof.runtime.legacy_kind import LegacyKind
from castproof.runtime.legacy_settings import LegacySettings, Trust

GOOD = OldModelSettings(classes="def_front, ok_front", good="ok_front")

sides = st.sampled_from(
    ["8", " 224 ", "7", "0", "-3", "4097", "1e3", "²", "٣٢", "224.0", "", "9" * 50, "300"]
)
shares = st.sampled_from(["0", "1", "0.5", "0,25", "nan", "inf", "-0.1", "1.01", "", "x", " 0.75 ", "1e-3"])
scales = st.sampled_from(
    [
        "0.5",
        "0,5",
        "0.485, 0.456, 0.406",
        "0,485; 0,456; 0,406",
        "0.1,0.2",
        "0",
        "nan",
        "1e400",
        "a,b,c",
        "",
        "124, 116, 104",
    ]
)
anything = st.builds(
    OldModelSettings,
    classes=st.sampled_from(["ok, def", "ok,def,crack", "ok", "", "ok, OK", "a,,b", "ok,ok", "ok,ok ,def"]),
    good=st.sampled_from(["ok", "OK", "", "ok, def", "ok,ok", "a", "def, crack"]),
    channels=st.sampled_from(["rgb", "grey", "cmyk"]),
    size=sides,
    normalisation=st.sampled_from([IMAGENET, HALF, OWN, "none"]),
    mean=scales,
    std=scales,
    crops=st.booleans(),
    resize=sides,
    crop=sides,
    output=st.sampled_from(["logits", "probabilities", "both"]),
    threshold=shares,
    reject_from=shares,
)


@settings(deadline=None, max_examples=200)
@given(anything)
def test_settings_without_problems_are_taken_by_the_runtime_and_others_are_refused(
    it: OldModelSettings,
) -> None:
    problems = it.problems()
    assert set(problems) <= set(labels())
    assert all(problems.values())
    if problems:
        with pytest.raises(SettingError) as raised:
            it.legacy_settings()
        assert len(raised.value.items) == len(problems)
        with pytest.raises(SettingError):
            it.thresholds()
    else:
        assert isinstance(it.legacy_settings(), LegacySettings)
        assert isinstance(it.thresholds(), Thresholds)


@settings(deadline=None, max_examples=100)
@given(anything)
def test_what_the_runtime_refuses_is_a_problem(it: OldModelSettings) -> None:
    """Every value that the runtime would refuse by itself is told at its field before."""
    typed = replace(GOOD, classes=it.classes, good=it.good, output=it.output)
    refused = False
    try:
        LegacySettings(
            classes=tuple(name.strip() for name in it.classes.split(",") if name.strip()),
            good=tuple(name.strip() for name in it.good.split(",") if name.strip()),
            output=it.output,
        )
    except SettingError:
        refused = True
    assert bool(typed.problems()) == refused


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"classes": "ok"}, "classes"),
        ({"classes": "ok, OK, def"}, "classes"),
        ({"good": "OK_front"}, "good"),
        ({"good": "def_front, ok_front"}, "good"),
        ({"good": ""}, "good"),
        ({"size": "7"}, "size"),
        ({"size": "224 px"}, "size"),
        ({"size": "9" * 5000}, "size"),
        ({"channels": "grey"}, "normalisation"),
        ({"normalisation": OWN, "mean": "123.7"}, "mean"),
        ({"normalisation": OWN, "std": "0"}, "std"),
        ({"crops": True, "crop": "300"}, "resize"),
        ({"crops": True, "crop": "x"}, "crop"),
        ({"threshold": "50 %"}, "threshold"),
        ({"reject_from": "0.4"}, "reject_from"),
    ],
)
def test_a_problem_stands_at_its_field(changes: dict[str, object], field: str) -> None:
    problems = replace(GOOD, **changes).problems()  # type: ignore[arg-type]
    assert field in problems
    assert set(problems) <= {"good", field}


def test_the_settings_are_those_that_were_typed() -> None:
    typed = replace(
        GOOD,
        normalisation=OWN,
        mean="0,485; 0,456; 0,406",
        std="0.25",
        crops=True,
        resize="256",
        crop="224",
        size=" 192 ",
        output="probabilities",
        threshold="0,3",
        reject_from="0.7",
    )
    assert typed.legacy_settings() == LegacySettings(
        classes=("def_front", "ok_front"),
        good=("ok_front",),
        channels="rgb",
        size_px=192,
        mean=(0.485, 0.456, 0.406),
        std=(0.25, 0.25, 0.25),
        resize_px=256,
        crop_px=224,
        output="probabilities",
    )
    assert typed.thresholds() == Thresholds(0.3, 0.7)


def test_no_crop_means_the_whole_photo_whatever_stands_in_its_fields() -> None:
    settings = replace(GOOD, crops=False, resize="x", crop="y").legacy_settings()
    assert (settings.resize_px, settings.crop_px) == (None, None)
    assert replace(GOOD, crops=True, resize=" ").legacy_settings().resize_px is None


def test_grey_photos_have_one_number() -> None:
    grey = replace(GOOD, channels="grey", normalisation=OWN, mean="0,45", std="0.2")
    assert grey.legacy_settings().mean == (0.45,)
    assert replace(grey, normalisation=HALF).legacy_settings().std == (0.5,)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_numbers_are_read_in_english_and_in_polish(numbers: list[float]) -> None:
    english = ", ".join(f"{one:.6f}" for one in numbers)
    polish = "; ".join(f"{one:.6f}" for one in numbers).replace(".", ",")
    assert numbers_in(english, 3) == numbers_in(polish, 3)
    assert all(math.isclose(*pair, abs_tol=1e-6) for pair in zip(numbers_in(polish, 3), numbers, strict=True))


def test_swapped_classes_change_places_and_the_good_one_keeps_its_name() -> None:
    swapped = GOOD.swapped()
    assert swapped.legacy_settings().classes == ("ok_front", "def_front")
    assert swapped.legacy_settings().good == ("ok_front",)
    assert swapped.swapped().legacy_settings() == GOOD.legacy_settings()
    assert swapped.outputs() == "output 1 = ok_front (good) · output 2 = def_front (defective)"


@pytest.mark.parametrize("classes", ["", "ok", "ok, def, crack"])
def test_only_two_classes_can_be_swapped(classes: str) -> None:
    settings = replace(GOOD, classes=classes)
    assert not settings.can_swap
    assert settings.swapped() == settings


@settings(deadline=None, max_examples=50)
@given(anything)
def test_settings_come_back_from_json_without_the_consent(it: OldModelSettings) -> None:
    agreed = replace(it, trusted_sha256="ab" * 32)
    stored = json.loads(json.dumps(agreed.to_json()))
    assert "ab" * 32 not in json.dumps(stored)
    assert OldModelSettings.from_json(stored) == it


@settings(deadline=None, max_examples=50)
@given(
    st.one_of(
        st.none(),
        st.lists(st.integers()),
        st.dictionaries(
            st.sampled_from([one.name for one in fields(OldModelSettings)]),
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.just("x" * 10_000)),
        ),
    )
)
def test_a_broken_store_neither_raises_nor_agrees_to_anything(data: object) -> None:
    read = OldModelSettings.from_json(data)
    assert read.trusted_sha256 == ""
    assert all(isinstance(getattr(read, one.name), str | bool) for one in fields(read))
    assert max(len(str(getattr(read, one.name))) for one in fields(read)) <= 4096
    read.problems()


def test_consent_is_for_one_file_and_its_kind() -> None:
    assert GOOD.trust(LegacyKind.PICKLED_MODULE) == Trust()
    agreed = replace(GOOD, trusted_sha256="ab" * 32)
    assert agreed.trust(LegacyKind.TORCHSCRIPT) == Trust(torchscript=True, sha256="ab" * 32)
    assert agreed.trust(LegacyKind.PICKLED_MODULE) == Trust(pickle=True, sha256="ab" * 32)
    assert agreed.trust(LegacyKind.EXPORTED_PROGRAM) == Trust(pickle=True, sha256="ab" * 32)
