"""Every text of the window is in every language, with the same placeholders, and nothing else is."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src" / "castproof" / "translation").glob("*.json"))
OF_EACH_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Call:
    """A call of tr: where it stands, what it says, the names that it gives values to."""

    place: str
    text: str
    given: frozenset[str]


@dataclass(frozen=True)
class Found:
    """What the code says: calls of tr with a literal text, and uses of it that cannot be collected."""

    calls: tuple[Call, ...]
    others: tuple[str, ...]


@cache
def found_in_code() -> Found:
    calls: list[Call] = []
    others: list[str] = []
    for folder in ("src", "packaging"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found = uses_of_tr(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
            calls += found.calls
            others += found.others
    return Found(tuple(calls), tuple(others))


def uses_of_tr(source: str, name: str) -> Found:
    calls: list[Call] = []
    others: list[str] = []
    called: set[ast.expr] = set()
    for node, is_late in _nodes(ast.parse(source), is_late=False):
        place = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and _is_tr(node.func):
            called.add(node.func)
            text = node.args[0] if len(node.args) == 1 else None
            is_literal = isinstance(text, ast.Constant) and isinstance(text.value, str)
            names = frozenset(one.arg for one in node.keywords if one.arg)
            if not is_literal or len(names) < len(node.keywords):
                others.append(f"{place}: no literal text, or values without names")
            elif not is_late:
                others.append(f"{place}: said when the module is loaded, before a language is chosen")
            else:
                calls.append(Call(place, str(text.value), names))  # type: ignore[union-attr]
        elif isinstance(node, ast.alias) and node.name == "tr" and node.asname:
            others.append(f"{place}: tr under another name")
        elif isinstance(node, ast.expr) and _is_tr(node) and node not in called:
            others.append(f"{place}: tr is handed on, and so its texts are not seen")
    return Found(tuple(calls), tuple(others))


def _is_tr(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name == "tr"


def _nodes(node: ast.AST, *, is_late: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all nodes from the outside inwards, with whether they run when something is called."""
    yield node, is_late
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child, is_late=is_late or isinstance(node, SCOPES))


def texts_in_code() -> set[str]:
    return {call.text for call in found_in_code().calls}


def texts_of(file: Path) -> dict[str, str]:
    texts: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["texts"]
    return texts


def names_in(text: str) -> list[tuple[str, str | None, str | None]]:
    """Return the placeholders of a text with their formats, sorted."""
    return sorted(
        (name, form, conversion) for _, name, form, conversion in Formatter().parse(text) if name is not None
    )


def newlines_around(text: str) -> tuple[int, int]:
    return len(text) - len(text.lstrip("\n")), len(text) - len(text.rstrip("\n"))


def ready_to_paste(texts: set[str]) -> str:
    return "\n".join(f'    {json.dumps(text, ensure_ascii=False)}: "",' for text in sorted(texts))


def test_there_are_texts_and_files() -> None:
    assert len(texts_in_code()) > 200
    assert FILES


def test_every_text_is_literal_and_said_late_enough() -> None:
    assert found_in_code().others == ()


def test_every_text_gets_the_values_that_it_names() -> None:
    wrong = [
        f"{call.place}: {call.text!r} with {sorted(call.given)}"
        for call in found_in_code().calls
        if {name for name, _, _ in names_in(call.text)} != call.given
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): return tr(x)",
        "def f(x): return tr(f'{x} photos')",
        "def f(x): return tr('{x}', **x)",
        "def f(): return tr('a', 'b')",
        "def f(x): return list(map(tr, x))",
        "from castproof.translation import tr as say",
        "TITLE = tr('Title')",
        "class Box:\n    title = tr('Title')",
        "def f(x):\n    from castproof import translation\n    return translation.tr(x)",
    ],
)
def test_a_use_that_cannot_be_translated_is_found(source: str) -> None:
    found = uses_of_tr(source, "made_up.py")
    assert len(found.others) == 1
    assert found.calls == ()


def test_texts_over_several_lines_are_one_text() -> None:
    found = uses_of_tr("def f():\n    return tr(\n        'Open '\n        '{file}', file=1)", "made_up.py")
    assert found == Found((Call("made_up.py:2", "Open {file}", frozenset({"file"})),), ())


@OF_EACH_FILE
def test_a_language_has_every_text(file: Path) -> None:
    missing = texts_in_code() - texts_of(file).keys()
    assert not missing, f"{file.name} lacks these texts:\n{ready_to_paste(missing)}"


@OF_EACH_FILE
def test_a_language_has_no_text_that_is_said_no_more(file: Path) -> None:
    stale = texts_of(file).keys() - texts_in_code()
    assert not stale, f"{file.name} has texts that nothing says:\n{ready_to_paste(stale)}"


@OF_EACH_FILE
def test_a_translation_has_the_same_placeholders_and_newlines_around_it(file: Path) -> None:
    assert {
        text: translated
        for text, translated in texts_of(file).items()
        if names_in(text) != names_in(translated)
        or newlines_around(text) != newlines_around(translated)
        or not translated.strip()
    } == {}


@OF_EACH_FILE
def test_a_file_has_its_form(file: Path) -> None:
    pairs: list[str] = []

    def noted(found: list[tuple[str, object]]) -> dict[str, object]:
        pairs.extend(name for name, _ in found)
        return dict(found)

    content = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=noted)
    assert list(content) == ["name", "texts"]
    assert content["name"].strip()
    assert len(pairs) == len(set(pairs)), "a text is there twice"
    texts = list(content["texts"])
    first = next((one for one, sorted_one in zip(texts, sorted(texts), strict=True) if one != sorted_one), "")
    assert texts == sorted(texts), f"the texts are sorted; the first that stands wrong is {first!r}"
