"""The settings of the window: whatever the file holds, the window starts, and no file is lost."""

import json
import os
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.errors import OutputError, SettingError
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings
from castproof.pipeline.inspecting.preferences import Preferences, load_preferences, save_preferences
from castproof.pipeline.inspecting.user_folders import NAME, data_folder, preferences_path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [one.name for one in fields(Preferences)]
TEXTS = st.text(max_size=8)
DIGESTS = st.sampled_from([digit * 64 for digit in "0123456789abcdef"])
OLD_MODELS = st.builds(OldModelSettings, classes=TEXTS, good=TEXTS, crops=st.booleans(), threshold=TEXTS)
VALID = st.builds(
    Preferences,
    language=st.sampled_from(["en", "pl"]),
    theme=st.sampled_from(["light", "dark"]),
    inspector=TEXTS,
    recent_models=st.lists(TEXTS, max_size=10).map(tuple),
    recent_folders=st.lists(TEXTS, max_size=10).map(tuple),
    last_model=TEXTS,
    judge_on_opening=st.booleans(),
    next_after_verdict=st.booleans(),
    heat=st.booleans(),
    heat_opacity=st.floats(0, 1),
    contour=st.booleans(),
    geometry=st.sampled_from(["", "1366x768", "900x600+-8+0"]),
    reasons=st.lists(TEXTS, max_size=5).map(tuple),
    scaling_percent=st.sampled_from([0, 100, 125, 200]),
    old_models=st.dictionaries(DIGESTS, OLD_MODELS, max_size=3).map(lambda found: tuple(found.items())),
)


def loaded(data: bytes) -> tuple[Preferences, str | None, list[str]]:
    """Return what is made of a file, and the names of the files there afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(data)
        preferences, message = load_preferences(path)
        left = sorted(one.name for one in Path(folder).iterdir())
        kept = [one.read_bytes() for one in Path(folder).iterdir()]
        assert kept == [data]
        return preferences, message, left


@settings(deadline=None, max_examples=60)
@given(preferences=VALID)
def test_what_is_saved_is_loaded_again(preferences: Preferences) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / NAME
        save_preferences(path, Preferences())
        save_preferences(path, preferences)
        assert load_preferences(path) == (preferences, None)
        assert [one.name for one in path.parent.iterdir()] == [NAME]


@settings(deadline=None, max_examples=80)
@given(
    content=st.dictionaries(st.sampled_from(NAMES), JSON) | JSON,
    version=st.sampled_from([None, 1, 2, 0, True]),
)
def test_any_json_gives_settings_that_can_be(content: Any, version: object) -> None:
    if version is not None and isinstance(content, dict):
        content["version"] = version
    preferences, message, left = loaded(json.dumps(content).encode())
    assert Preferences(**{name: getattr(preferences, name) for name in NAMES}) == preferences
    usable = isinstance(content, dict) and content.get("version") is not True and content.get("version") == 1
    assert left == [NAME if usable else f"{NAME}.broken1"]
    assert message is not None or usable


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=40))
def test_any_bytes_give_settings_that_can_be(data: bytes) -> None:
    assert loaded(data)[0] == Preferences()


def test_one_wrong_field_has_its_usual_value_and_the_others_stay() -> None:
    content = {"version": 1, "language": "pl", "theme": "pink", "heat_opacity": 1.5, "from later": [1]}
    preferences, message, left = loaded(json.dumps(content).encode())
    assert preferences == replace(Preferences(), language="pl")
    assert message is not None
    assert message.endswith(": heat_opacity, theme.")
    assert left == [NAME]


@pytest.mark.parametrize(
    "name_and_value",
    [
        ("judge_on_opening", 1),
        ("recent_models", ["a"] * 11),
        ("recent_folders", [1]),
        ("reasons", "pore"),
        ("language", "xx"),
        ("geometry", "big"),
        ("geometry", "1366x768; exit"),
        ("scaling_percent", 1000),
        ("scaling_percent", True),
        ("inspector", "x" * 5000),
        ("old_models", "a" * 64),
        ("old_models", [["a" * 64, {"good": "ok"}]]),
    ],
)
def test_wrong_values(name_and_value: tuple[str, object]) -> None:
    name, value = name_and_value
    preferences, message, _ = loaded(json.dumps({"version": 1, name: value}).encode())
    assert preferences == Preferences()
    assert message is not None
    assert name in message
    with pytest.raises(SettingError, match=name):
        Preferences(**{name: tuple(value) if isinstance(value, list) else value})


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}", b'{"version": 2}', b" " * (2**23 + 1)],
)
def test_a_file_that_cannot_be_used_is_set_aside_with_a_message(data: bytes) -> None:
    preferences, message, left = loaded(data)
    assert preferences == Preferences()
    assert message is not None
    assert left == [f"{NAME}.broken1"]


def test_nothing_that_was_set_aside_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / NAME
    for content in ("one", "two", "three"):
        path.write_text(content)
        assert load_preferences(path)[0] == Preferences()
        save_preferences(path, Preferences(language="pl"))
    assert [(tmp_path / f"{NAME}.broken{number}").read_text() for number in (1, 2, 3)] == [
        "one",
        "two",
        "three",
    ]
    assert load_preferences(path) == (Preferences(language="pl"), None)


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert loaded('\ufeff{"version": 1, "inspector": "Żaneta"}'.encode())[:2] == (
        Preferences(inspector="Żaneta"),
        None,
    )


def test_without_a_file_the_usual_settings_apply(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "none" / NAME) == (Preferences(), None)


def test_a_folder_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        save_preferences(tmp_path / "file" / NAME, Preferences())
    assert load_preferences(tmp_path / "file" / NAME)[0] == Preferences()


def typed(good: str = "ok", **others: str) -> OldModelSettings:
    return OldModelSettings(classes="ok, def", good=good, **others)


def test_what_was_typed_for_old_models_is_kept_without_the_consent(tmp_path: Path) -> None:
    preferences = Preferences().with_old_model("a" * 64, typed(trusted_sha256="a" * 64))
    preferences = preferences.with_old_model("b" * 64, typed("def"))
    save_preferences(tmp_path / NAME, preferences)
    kept, message = load_preferences(tmp_path / NAME)
    assert (kept, message) == (preferences, None)
    assert kept.old_model("a" * 64) == typed()
    assert kept.old_model("b" * 64) == typed("def")
    assert kept.old_model("c" * 64) is None
    content = json.loads((tmp_path / NAME).read_text(encoding="utf-8"))
    assert content["old_models"] == {"b" * 64: typed("def").to_json(), "a" * 64: typed().to_json()}
    assert "trusted" not in (tmp_path / NAME).read_text(encoding="utf-8")


def test_the_last_twenty_old_models_are_kept() -> None:
    preferences = Preferences()
    for number in [*range(23), 5]:
        preferences = preferences.with_old_model(f"{number:064x}", typed(str(number)))
    numbers = [5, *(one for one in range(22, 2, -1) if one != 5)]
    assert [sha256 for sha256, _ in preferences.old_models] == [f"{one:064x}" for one in numbers]
    assert preferences.old_model(f"{5:064x}") == typed("5")


def test_wrong_old_models_are_dropped_and_the_others_stay() -> None:
    content = {
        "a" * 64: {"good": "ok", "classes": 7, "trusted_sha256": "a" * 64, "from later": []},
        "A" * 64: {"good": "ok"},
        "a" * 63: {"good": "ok"},
        "b" * 64: "ok",
        "c" * 64: None,
        "d" * 64: {},
        **{f"{number:064x}": {} for number in range(30)},
    }
    preferences, message, _ = loaded(json.dumps({"version": 1, "old_models": content}).encode())
    assert message is None
    assert preferences.old_models[:2] == (
        ("a" * 64, OldModelSettings(good="ok")),
        ("d" * 64, OldModelSettings()),
    )
    assert len(preferences.old_models) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        (("a" * 63, OldModelSettings()),),
        (("a" * 64, OldModelSettings(trusted_sha256="a" * 64)),),
        (("a" * 64, {"good": "ok"}),),
        (("a" * 64, OldModelSettings()), ("a" * 64, OldModelSettings())),
        (1,),
    ],
)
def test_old_models_that_cannot_be_kept_are_refused(wrong: Any) -> None:
    with pytest.raises(SettingError, match="old_models"):
        Preferences(old_models=wrong)


def test_the_largest_settings_are_loaded_again(tmp_path: Path) -> None:
    longest = "\x01" * 4096
    texts = {
        one.name: longest
        for one in fields(OldModelSettings)
        if one.type in (str, "str") and one.name != "trusted_sha256"
    }
    preferences = Preferences(
        inspector=longest, last_model=longest, recent_models=(longest,) * 10, reasons=(longest,) * 50
    )
    preferences = replace(preferences, recent_folders=(longest,) * 10)
    for number in range(20):
        preferences = preferences.with_old_model(f"{number:064x}", OldModelSettings(**texts))
    save_preferences(tmp_path / NAME, preferences)
    assert load_preferences(tmp_path / NAME) == (preferences, None)


@given(text=st.text(max_size=300) | st.integers(190, 210).map(lambda count: "x" * count + " y" * 4000))
def test_any_name_of_an_inspector_can_be_kept(text: str) -> None:
    name = Preferences().with_inspector(text).inspector
    assert text.strip().startswith(name)
    assert name == name.strip()
    assert len(name) <= 200
    assert name == text.strip() or len(name) == 200 or text.strip()[len(name)].isspace()


def test_odd_paths_are_kept(tmp_path: Path) -> None:
    odd = os.fsdecode(b"/photos/\xff\xe9")
    save_preferences(tmp_path / NAME, Preferences().with_folder(odd))
    assert load_preferences(tmp_path / NAME)[0].recent_folders == (odd,)


def test_recent_ones_come_first_and_once() -> None:
    preferences = Preferences()
    for number in [*range(12), 5]:
        preferences = preferences.with_model(f"{number}.onnx")
    assert preferences.last_model == "5.onnx"
    assert preferences.recent_models == tuple(f"{number}.onnx" for number in (5, 11, 10, 9, 8, 7, 6, 4, 3, 2))


def test_a_portable_program_keeps_all_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    program = tmp_path / "stick" / "inspector"
    program.parent.mkdir()
    for one in (None, program):
        assert preferences_path(one) == tmp_path / "config" / "castproof" / NAME
        assert data_folder(one) == tmp_path / "share" / "castproof"
    (program.parent / "portable").touch()
    assert preferences_path(program) == program.parent / NAME
    assert data_folder(program) == program.parent / "data"
