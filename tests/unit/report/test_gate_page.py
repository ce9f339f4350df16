"""The page of a gate: whole, self-contained, with one script, and harmless whatever the files are called."""

import base64
import hashlib
import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from test_audit_page import HOSTILE, VOID

from castproof.report.charts import BinMark, Reliability, Tick, Tradeoff, spread_chart
from castproof.report.gate_page import (
    Example,
    ExampleGroup,
    Explorer,
    ExplorerRow,
    GatePage,
    Judged,
    JudgedGroup,
    Section,
    Setting,
    gate_html,
    place_of,
)
from castproof.report.page import Card, Group, Table, Tile
from castproof.report.thumbnails import thumbnail


class Reader(HTMLParser):
    """Collects elements, attributes, text and scripts, and checks that the elements are nested."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {*VOID, "input"}:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts.append(data)
        else:
            self.text += data

    @property
    def data(self) -> Any:
        """What the script reads."""
        return json.loads(self.scripts[0])


def picture() -> Any:
    return thumbnail(np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8), 20)


def explorer_with(name: str) -> Explorer:
    example = Example(0.25, True, name, name, picture())
    return Explorer(
        text=name,
        warning=name,
        setting=Setting(0.2, 0.7, 0.02, 10, 1, 0.5),
        spread=spread_chart(np.array([-3.0, -1]), np.array([1.0, np.inf]), -4, 4),
        rows=[
            ExplorerRow(f"{kind}-{verdict}", name, "1.0%", "1 of 100", "1 of 9")
            for kind in ("good", "defective")
            for verdict in ("accepted", "reviewed", "rejected")
        ],
        load=name,
        cost=name,
        sentence=name,
        counted=True,
        p={"good": [[0.1, 0.2]], "defective": [[0.25], [0.9]]},
        weight=None,
        examples=[example],
        groups=[
            ExampleGroup(key, name, name, [(example, name)]) for key in ("missed", "false-alarms", "nearest")
        ],
        pool=name,
    )


def page_with(name: str) -> GatePage:
    """Return a page with every section, all of whose texts hold `name`."""
    table = Table(name, [name, name], [[name, "3"]], name)
    section = Section(name, [(name, name)], [table], [name])
    tile = Tile(picture(), name, name, "defective", name)
    gone = Tile(None, name, name, "good")
    mark = BinMark(10, 20, 30, 5, 12, "3")
    return GatePage(
        name=name,
        made=name,
        verdict=name,
        state="warn",
        notes=[name],
        cards=[Card(name, name, name, "warn")],
        asked=section,
        data=section,
        results=section,
        promise=section,
        others=section,
        tradeoff=Tradeoff("0,0 1,1", "0,0 2,2", 3, [Tick(0, "0%")], [Tick(0, "5%")]),
        calibration=section,
        reliability=[Reliability(name, name, [mark])] * 2,
        explorer=explorer_with(name),
        errors_text=name,
        errors=[JudgedGroup(name, name, [Judged(tile, picture(), name), Judged(gone, None, name)])],
        slices=section,
        worst=[Group(name, name, [tile, gone])],
        limits=[name],
        reproduce=section,
        commands=[name, name],
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_whatever_they_hold(name: str) -> None:
    plain, hostile = Reader(gate_html(page_with("photo.png"))), Reader(gate_html(page_with(name)))
    both = [
        [(tag, set(attributes)) for tag, attributes in one.elements if tag != "wbr"]
        for one in (plain, hostile)
    ]
    assert both[0] == both[1]
    shown = name.encode("utf-8", "backslashreplace").decode()
    assert hostile.text.count(shown) == plain.text.count("photo.png") > 40
    assert plain.scripts[1] == hostile.scripts[1]
    assert len(hostile.scripts) == 2
    assert hostile.data["examples"][0]["file"] == name


def test_every_text_of_the_page_is_shown() -> None:
    page = page_with("photo.png")
    for field in fields(GatePage):
        if isinstance(getattr(page, field.name), str) and field.name != "state":
            assert "written here" in Reader(gate_html(replace(page, **{field.name: "written here"}))).text
        if isinstance(getattr(page, field.name), Section):
            changed = replace(page, **{field.name: Section("the lead", [("term", "fact")], notes=["a note"])})
            text = Reader(gate_html(changed)).text
            assert "the lead" in text
            assert "termfact" in text
            assert "a note" in text
    for field in fields(Explorer):
        if isinstance(getattr(page.explorer, field.name), str):
            changed = replace(page, explorer=replace(page.explorer, **{field.name: "written here"}))
            assert "written here" in Reader(gate_html(changed)).text


def test_the_page_needs_nothing_but_itself() -> None:
    html = gate_html(page_with("photo.png"))
    elements = Reader(html).elements
    assert not {"link", "iframe", "object", "embed", "form", "base", "use"} & {tag for tag, _ in elements}
    sources = [attributes.get("src") or "" for tag, attributes in elements if tag == "img"]
    assert len(sources) > 4
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not re.search(
        r"https?:|url\(|@import|srcset|fetch\(|XMLHttp|eval\(", re.sub(r"data:[^\"]+", "", html)
    )
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in elements)
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(a.get("href") or "#")[1:] for tag, a in elements if tag == "a"}
    labelled = {a["for"] for tag, a in elements if tag == "label"}
    assert targets | labelled <= set(ids)


def test_the_policy_of_the_page_allows_its_own_script_alone() -> None:
    reader = Reader(gate_html(page_with("photo.png")))
    (policy,) = (
        a["content"] for tag, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    told = dict(one.strip().split(" ", 1) for one in (policy or "").split(";"))
    assert told["default-src"] == "'none'"
    digest = base64.b64encode(hashlib.sha256(reader.scripts[1].encode()).digest()).decode()
    assert told["script-src"] == f"'sha256-{digest}'"
    assert [a for tag, a in reader.elements if tag == "script"] == [
        {"type": "application/json", "id": "explorer-data"},
        {},
    ]


def test_the_script_finds_every_element_that_it_names() -> None:
    reader = Reader(gate_html(page_with("photo.png")))
    ids = {attributes.get("id") for _, attributes in reader.elements}
    named = set(re.findall(r'byId\("([^"]+)"\)', reader.scripts[1]))
    assert len(named) > 8
    assert named <= ids
    fields_set = re.findall(r"const inputs = \[(.*?)\]", reader.scripts[1])[0]
    assert {f"set-{name}" for name in json.loads(f"[{fields_set}]")} <= ids
    assert set(json.loads(f"[{fields_set}]")) == set(reader.data["setting"])


def test_p_defective_reaches_the_script_digit_by_digit() -> None:
    rng = np.random.default_rng(3)
    p = [rng.random(5).tolist(), [1e-300, 5e-324, 1 - 2**-53, 0.1 + 0.2, 1.0, 0.0]]
    page = page_with("photo.png")
    changed = replace(page, explorer=replace(page.explorer, p={"good": p, "defective": p[::-1]}))
    assert Reader(gate_html(changed)).data["p"] == {"good": p, "defective": p[::-1]}


def test_photos_are_not_counted_where_an_inspection_is_none() -> None:
    page = page_with("photo.png")
    html = gate_html(replace(page, explorer=replace(page.explorer, counted=False)))
    ids = {attributes.get("id") for _, attributes in Reader(html).elements}
    assert "good-accepted-photos" not in ids
    assert {"good-accepted-share", "good-accepted-parts"} <= ids


def test_the_axis_runs_in_logits_and_ends_where_it_ends() -> None:
    low, high = -4.0, 6.0
    assert place_of(0.5, low, high) == pytest.approx(40)
    for x in (-4.0, -1.5, 3.0, 6.0):
        assert place_of(1 / (1 + np.exp(-x)), low, high) == pytest.approx(10 * (x - low))
    assert [place_of(p, low, high) for p in (0.0, 1e-9, 1 - 1e-12, 1.0)] == [0, 0, 100, 100]
