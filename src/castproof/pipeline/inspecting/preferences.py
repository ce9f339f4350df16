"""The settings of the inspector's window, in a file of their own that may be deleted for a clean start."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from castproof.errors import SettingError
from castproof.files import first_free, write_text
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings
from castproof.translation import ENGLISH, languages, tr

VERSION: Final = 1
THEMES: Final = ("light", "dark")
MOST_RECENT: Final = 10
MOST_REASONS: Final = 50
MOST_OLD_MODELS: Final = 20
MOST_CHARACTERS: Final = 4096
MOST_IN_A_NAME: Final = 200
MOST_BYTES: Final = 2**23  # more than all fields at their longest
SCALING_PERCENT: Final = range(100, 201)
_GEOMETRY: Final = re.compile(r"[1-9][0-9]{1,4}x[1-9][0-9]{1,4}(\+-?[0-9]{1,5}\+-?[0-9]{1,5})?")
_SHA256: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Preferences:
    """What the window remembers.

    Args:
        version: of the file.
        language: code of a language, see `castproof.translation.languages`.
        theme: "light" or "dark".
        inspector: name of the inspector, "" where it was not given yet.
        recent_models: paths of model files, the last one first, at most 10.
        recent_folders: paths of folders of photos, likewise.
        last_model: path of the model to open at the start, "" for none.
        judge_on_opening: whether a photo is judged when it is opened.
        next_after_verdict: whether the next photo is shown once the inspector has decided.
        heat: whether the heat map is shown.
        heat_opacity: in [0, 1].
        contour: whether the line around the strongest place is shown.
        geometry: of the window, such as 1200x700+10+20, "" for the usual one.
        reasons: to choose from for a verdict; () for those of the program.
        scaling_percent: 100 to 200, 0 for that of the desktop.
        old_models: what a person typed about old models, by SHA-256 of the file (64 hex digits), the last one first,
            at most 20; never the consent to open one.

    Raises:
        SettingError: a value is none of these.
    """

    version: int = VERSION
    language: str = ENGLISH
    theme: str = "light"
    inspector: str = ""
    recent_models: tuple[str, ...] = ()
    recent_folders: tuple[str, ...] = ()
    last_model: str = ""
    judge_on_opening: bool = True
    next_after_verdict: bool = True
    heat: bool = True
    heat_opacity: float = 0.6
    contour: bool = True
    geometry: str = ""
    reasons: tuple[str, ...] = ()
    scaling_percent: int = 0
    old_models: tuple[tuple[str, OldModelSettings], ...] = ()

    def __post_init__(self) -> None:
        wrong = [one.name for one in fields(self) if not _RULES[one.name](getattr(self, one.name))]
        if wrong:
            raise SettingError(
                f"Settings that cannot be: {', '.join(wrong)}.",
                found=", ".join(f"{name} = {getattr(self, name)!r}" for name in wrong),
            )

    def with_model(self, path: str) -> "Preferences":
        """Return these with `path` as the last model, and first among the recent ones."""
        return replace(self, last_model=path, recent_models=_first(path, self.recent_models))

    def with_folder(self, path: str) -> "Preferences":
        """Return these with `path` first among the recent folders."""
        return replace(self, recent_folders=_first(path, self.recent_folders))

    def with_inspector(self, text: str) -> "Preferences":
        """Return these with the name in `text`: without blanks around it, and no more than 200 characters of it."""
        return replace(self, inspector=text.strip()[:MOST_IN_A_NAME].rstrip())

    def with_old_model(self, sha256: str, settings: OldModelSettings) -> "Preferences":
        """Return these with `settings`, without the consent in them, for the old model whose file has this SHA-256.

        Raises:
            SettingError: `sha256` is not 64 hex digits, in small letters.
        """
        others = tuple(one for one in self.old_models if one[0] != sha256)
        first = (sha256, OldModelSettings.from_json(settings.to_json()))
        return replace(self, old_models=(first, *others)[:MOST_OLD_MODELS])

    def old_model(self, sha256: str) -> OldModelSettings | None:
        """Return what was typed about the old model whose file has this SHA-256; None where nothing is kept."""
        return dict(self.old_models).get(sha256)


def load_preferences(path: Path) -> tuple[Preferences, str | None]:
    """Return the settings in `path`, and what to tell the user about the file, None for nothing.

    Without a file, and where it cannot be used, they are the usual ones. A file that is broken or of a newer version
    is renamed first, so that saving does not replace it. Fields that are not known are passed over.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Preferences(), None
    except OSError as error:
        return Preferences(), _set_aside(path, error.strerror or str(error))
    try:
        content = _content(data)
    except ValueError as error:
        return Preferences(), _set_aside(path, str(error))
    chosen = {one.name: content[one.name] for one in fields(Preferences) if one.name in content}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()
    }
    if isinstance(values.get("old_models"), dict):
        values["old_models"] = _old_models(values["old_models"])
    good: dict[str, Any] = {name: value for name, value in values.items() if _RULES[name](value)}
    wrong = sorted(values.keys() - good.keys())
    if not wrong:
        return Preferences(**good), None
    told = tr("Settings that could not be used have their usual values: {names}.", names=", ".join(wrong))
    return Preferences(**good), told


def save_preferences(path: Path, preferences: Preferences) -> None:
    """Write the settings to `path`, whole or not at all. Raises OutputError; the window goes on without."""
    content = asdict(preferences) | {"old_models": _json_of(preferences.old_models)}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A lone surrogate, of a path that is no Unicode, becomes the very escape that JSON has for it.
    write_text(path, text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _content(data: bytes) -> dict[str, Any]:
    """Return the fields of a file. Raises ValueError where it is broken, or of another version."""
    if len(data) > MOST_BYTES:
        raise ValueError(tr("it is too large"))
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(tr("it is not JSON ({reason})", reason=error)) from error
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not _is_whole(version) or version < 1:
        raise ValueError(tr("it contains no settings of this program"))
    if version > VERSION:
        raise ValueError(tr("a newer program wrote it"))
    return content


def _set_aside(path: Path, reason: str) -> str:
    """Return what to tell of a file that cannot be used, after renaming it."""
    aside = first_free(lambda number: path.with_name(f"{path.name}.broken{number}"))
    try:
        path.rename(aside)
    except OSError as error:
        return tr(
            "The settings in {path} cannot be used: {reason}. The file could not be set aside ({error}).",
            path=path,
            reason=reason,
            error=error.strerror or error,
        )
    return tr(
        "The settings in {path} could not be used: {reason}. The file is kept as {aside}; the usual settings apply.",
        path=path,
        reason=reason,
        aside=aside.name,
    )


def _first(path: str, others: tuple[str, ...]) -> tuple[str, ...]:
    return (path, *(one for one in others if one != path))[:MOST_RECENT]


def _old_models(content: Mapping[str, Any]) -> tuple[tuple[str, OldModelSettings], ...]:
    """Return the first of `content` that can be; others are passed over."""
    found = [
        (sha256, OldModelSettings.from_json(settings))
        for sha256, settings in content.items()
        if _SHA256.fullmatch(sha256) and isinstance(settings, dict)
    ]
    return tuple(found[:MOST_OLD_MODELS])


def _are_old_models(value: Any) -> bool:
    """Return whether `value` would be the same once it is saved and loaded again."""
    try:
        return bool(value == _old_models(_json_of(value)))
    except (TypeError, ValueError, AttributeError):
        return False


def _json_of(old_models: tuple[tuple[str, OldModelSettings], ...]) -> dict[str, Any]:
    return {sha256: settings.to_json() for sha256, settings in old_models}


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _texts(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and len(value) <= most and all(map(_is_text, value))


_RULES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "version": lambda value: _is_whole(value) and value == VERSION,
    "language": lambda value: _is_text(value) and value in languages(),
    "theme": lambda value: _is_text(value) and value in THEMES,
    "inspector": _is_text,
    "recent_models": _texts(MOST_RECENT),
    "recent_folders": _texts(MOST_RECENT),
    "last_model": _is_text,
    "judge_on_opening": _is_flag,
    "next_after_verdict": _is_flag,
    "heat": _is_flag,
    "heat_opacity": lambda value: isinstance(value, int | float) and not _is_flag(value) and 0 <= value <= 1,
    "contour": _is_flag,
    "geometry": lambda value: _is_text(value) and (not value or _GEOMETRY.fullmatch(value) is not None),
    "reasons": _texts(MOST_REASONS),
    "scaling_percent": lambda value: _is_whole(value) and (value == 0 or value in SCALING_PERCENT),
    "old_models": _are_old_models,
}
