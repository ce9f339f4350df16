"""The page of an audit: whole, self-contained, and harmless whatever the files are called."""

import re
from dataclasses import fields, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from castproof.report.audit_page import (
    AuditPage,
    Card,
    Distribution,
    Group,
    Pair,
    Table,
    Tile,
    audit_html,
)
from castproof.report.histogram import HEIGHT, WIDTH, histogram
from castproof.report.thumbnails import overlay, thumbnail, turned_onto

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "</title></style><b>",
    "&lt;i&gt;",
    "caf\udce9.png",
    "\u202egnp.exe",
    "javascript:alert(1)",
)
VOID = {"meta", "img", "line", "polygon", "br", "wbr"}


class Reader(HTMLParser):
    """Collects elements, attributes and text, and checks that the elements are nested."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def page_with(name: str) -> AuditPage:
    """Return a page with every section, all of whose texts hold `name`."""
    tile = Tile(thumbnail(photo(), 40), name, name, "defective", name)
    laid = turned_onto(photo(), photo(1), np.eye(2, 3), 40)
    gone = Tile(None, name, name, "good")
    group = Group(name, name, [tile, gone], [tile], name, more=3, alarm=True)
    table = Table(name, [name, name], [[name, "3"]], name)
    drawn = histogram(np.arange(9.0), np.arange(5.0) + 3, 4.0)
    return AuditPage(
        data=name,
        made=name,
        verdict=name,
        state="alarm",
        cards=[Card(name, name, name, "warn")],
        leak=table,
        leak_text=name,
        pairs=[Pair(name, tile, tile, laid, laid, name, name), Pair(name, gone, gone, None, None, "")],
        pairs_across=True,
        scores=drawn,
        scores_limit=name,
        scores_text=name,
        counts=table,
        largest=[group],
        conflicts=[group],
        conflicts_text=name,
        duplicates=[group],
        shortcuts=[Distribution(name, name, "strong", drawn), Distribution(name, name, "", None)],
        shortcuts_text=name,
        outliers=[group],
        unreadable=[(name, name)],
        fix=name,
        fix_text=name,
        method=[name],
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_whatever_they_hold(name: str) -> None:
    plain, hostile = Reader(audit_html(page_with("photo.png"))), Reader(audit_html(page_with(name)))
    both = [
        [(tag, set(attributes)) for tag, attributes in one.elements if tag != "wbr"]
        for one in (plain, hostile)
    ]
    assert both[0] == both[1]
    shown = name.encode("utf-8", "backslashreplace").decode()
    assert hostile.text.count(shown) == plain.text.count("photo.png") > 40


@pytest.mark.parametrize(
    ("file", "pieces"),
    [
        ("test/def_front/cast_def_0_1000.jpeg", "test|/def|_front|/cast|_def|_0|_1000.jpeg"),
        ("ok/IMG20261123193012345678.jpeg", "ok|/IMG20261123193012345678|.jpeg"),
        ("photo.png", "photo.png"),
        ("_", "_"),
    ],
)
def test_long_names_end_a_line_between_words_and_keep_their_ending(file: str, pieces: str) -> None:
    html = audit_html(page_with(file))
    assert f'<bdi class="file">{pieces.replace("|", "<wbr>")}</bdi>' in html


def test_every_text_of_the_page_is_shown() -> None:
    page = page_with("photo.png")
    for field in fields(AuditPage):
        if isinstance(getattr(page, field.name), str) and field.name != "state":
            assert "written here" in Reader(audit_html(replace(page, **{field.name: "written here"}))).text


def test_the_page_needs_nothing_but_itself() -> None:
    html = audit_html(page_with("photo.png"))
    elements = Reader(html).elements
    assert not {"script", "link", "iframe", "object", "embed", "form", "base", "use"} & {
        tag for tag, _ in elements
    }
    sources = [attributes.get("src") or "" for tag, attributes in elements if tag == "img"]
    assert len(sources) > 8
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|srcset", re.sub(r"data:[^\"]+", "", html))
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in elements)
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    targets = {attributes["id"] for _, attributes in elements if "id" in attributes}
    assert {(a.get("href") or "")[1:] for tag, a in elements if tag == "a"} <= targets


@pytest.mark.parametrize(("across", "before"), [(True, "sure"), (False, "conflicts")])
def test_pairs_stand_where_they_are_evidence(across: bool, before: str) -> None:
    html = audit_html(replace(page_with("photo.png"), pairs_across=across))
    _, _, rest = html.partition("Example pairs")
    assert rest.partition('<h2 id="')[2].startswith(before)
    assert "Example pairs" not in rest


def test_a_page_without_findings_says_so() -> None:
    page = replace(
        page_with("photo.png"), leak=None, pairs=[], scores=None, largest=[], conflicts=[], duplicates=[],
        shortcuts=[], outliers=[], unreadable=[], fix="",
    )  # fmt: skip
    text = Reader(audit_html(page)).text
    assert "No two files hold the same bytes" in text
    assert "How to fix it" not in text


def test_an_affine_map_lays_a_photo_onto_the_other() -> None:
    """The second photo is the first one, turned by a quarter and shifted; laid back, they agree."""
    rng = np.random.default_rng(4)
    rows = np.asarray(
        Image.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
    )
    a = np.repeat(rows[..., None], 3, axis=2)
    b = np.ascontiguousarray(np.rot90(a))  # pixel (x, y) of a lies at (y, 63 - x) of b
    matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 63.0]])
    turned = decoded(turned_onto(a, b, matrix, 64).jpeg)
    assert np.abs(turned - a).mean() < 4
    right = decoded(overlay(a, b, matrix, 64).jpeg)
    wrong = decoded(overlay(a, b, np.eye(2, 3), 64).jpeg)
    assert colourfulness(right) < 3 < 20 < colourfulness(wrong)


def test_the_overlay_ignores_light_and_leaves_white_what_is_not_covered() -> None:
    a = photo(2)
    darker = (a * 0.5 + 10).astype(np.uint8)
    assert colourfulness(decoded(overlay(a, darker, np.eye(2, 3), 80).jpeg)) < 4
    beside = decoded(overlay(a, a, np.array([[1.0, 0, 500], [0, 1, 0]]), 80).jpeg)
    assert beside.min() > 240


def decoded(jpeg: bytes) -> np.ndarray:
    from castproof.images import decode

    return decode(jpeg).astype(np.float64)


def colourfulness(pixels: np.ndarray) -> float:
    return float((pixels.max(axis=2) - pixels.min(axis=2)).mean())


def test_a_histogram_shows_both_kinds_within_its_box() -> None:
    drawn = histogram(np.full(50, 2.0), np.linspace(0, 10, 500), 12.0)
    assert drawn is not None
    assert drawn.mark == WIDTH
    assert (drawn.low, drawn.high) == ("0.05", "12")
    for outline in (drawn.first, drawn.second):
        points = np.array([point.split(",") for point in outline.split()], dtype=float)
        assert points.min() >= 0
        assert points[:, 0].max() <= WIDTH
        assert points[:, 1].max() <= HEIGHT
    assert histogram(np.zeros(0), np.zeros(0)) is None
    alone = histogram(np.full(3, 90_000.0), np.zeros(0))
    assert alone is not None
    assert alone.second == ""
