"""The language that people read in windows and their reports. English is in the code; other languages are files here.

A file, such as pl.json, holds one object: "name", the language's own name, and "texts", from English to the language.
The texts are sorted by the English, so that additions stand apart in a diff; a test names those that lack.
"""

import json
from functools import cache
from importlib import resources
from typing import Any, Final

ENGLISH: Final = "en"
_SUFFIX: Final = ".json"


class _Current:
    code = ENGLISH


def languages() -> dict[str, str]:
    """Return the name of every language by its code, such as {"en": "English", "pl": "Polski"}."""
    files = (one.name for one in resources.files(__name__).iterdir() if one.name.endswith(_SUFFIX))
    codes = sorted(name.removesuffix(_SUFFIX) for name in files)
    return {ENGLISH: "English", **{code: str(_content(code)["name"]) for code in codes}}


def use_language(code: str) -> None:
    """Let `tr` speak the language `code` from now on; an unknown one is English."""
    _Current.code = code if code in languages() else ENGLISH


def language() -> str:
    """Return the code of the language that `tr` speaks."""
    return _Current.code


def tr(text: str, **values: object) -> str:
    """Return `text` in the current language, with `values` in the places of their names in braces.

    Args:
        text: English; itself the key of the translation.
        values: for the placeholders, such as count=3 for "{count} photos".
    """
    found = text if _Current.code == ENGLISH else _content(_Current.code)["texts"].get(text, text)
    return str(found).format(**values) if values else str(found)


@cache
def _content(code: str) -> dict[str, Any]:
    content = json.loads((resources.files(__name__) / f"{code}{_SUFFIX}").read_text(encoding="utf-8"))
    return dict(content)
