"""What users read: percentages in one style, "4.5%", by `castproof.wording` alone, and words of the trade."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "castproof"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "wording.py")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SPACED = re.compile(r"[0-9}]\s%(?![0-9(])")
TAGS = re.compile(r"<[^>]*>|\{[{%].*?[%}]\}")
QUAINT = re.compile(
    r"\b(told on|reckon\w*|mends?|mended|errs|gone on with|going on:|counts? alike|counted alike|parts alike|"
    r"trained alike|anew|speaks? against|stands? in (?:more|several|both|two|one)|learnt from (?:photos|them|it)\b)",
    re.IGNORECASE,
)


def texts(tree: ast.AST) -> list[str]:
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_module_formats_percentages_of_its_own(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue)
        and node.format_spec is not None
        and texts(node.format_spec)[-1:]
        and texts(node.format_spec)[-1].endswith("%")
    ]
    assert own == []
    assert [text for text in texts(tree) if SPACED.search(text) or text.startswith(" %")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_write_percentages_as_the_program_does(page: Path) -> None:
    assert SPACED.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*MODULES, *sorted(SOURCE.rglob("*.j2"))], ids=lambda path: path.name)
def test_screens_and_pages_use_plain_words(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    shown = [TAGS.sub("", source)] if path.suffix == ".j2" else texts(ast.parse(source))
    assert [text for text in shown if " " in text and QUAINT.search(" ".join(text.split()))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_documentation_uses_plain_words(page: Path) -> None:
    assert [found[0] for found in QUAINT.finditer(page.read_text(encoding="utf-8"))] == []
