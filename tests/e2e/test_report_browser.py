"""The report in a real browser: what the script shows is what Python counts, and nothing is asked of any network."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from browser import MISSING, Browser, browser_is_here, opened_browser

from castproof.gate.combine import Combine
from castproof.gate.gate import Gate
from castproof.gate.outcome import pass_through
from castproof.gate.policy import MANUAL, Costs, Policy
from castproof.gate.results import Results, results
from castproof.measure.decision import Thresholds
from castproof.pipeline.decide import Asked, Decision, decide
from castproof.pipeline.reporting.examples import example_groups
from castproof.pipeline.reporting.explorer import explorer
from castproof.pipeline.reporting.report import write_report
from castproof.pipeline.reporting.reported import Reported
from castproof.wording import percent
from made_runs import write_crossval, write_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not browser_is_here(), reason=MISSING),
]
VERDICTS = ("accepted", "reviewed", "rejected")
PHONE = (390, 844)
LOW_GRIP, HIGH_GRIP = 88, -88
LEFT, RIGHT, UP, DOWN = "\ue012", "\ue014", "\ue013", "\ue015"
HOME, END, PAGE_UP, TAB = "\ue011", "\ue010", "\ue00e", "\ue004"


@dataclass(frozen=True)
class Page:
    """A report and the decision that it was made of."""

    path: Path
    decision: Decision


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as window:
        yield window


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Return the report of a cross-validation with a REVIEW band."""
    folder = tmp_path_factory.mktemp("page")
    run = write_crossval(folder, seed=11)
    policy = Policy(miss_rate=0.25, review_load=0.2, defect_rate=0.1, costs=Costs(40, 3, 0.7))
    return made(run, policy, folder / "report.html")


@pytest.fixture(scope="module")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Return the report of a run whose gate takes two of three photos, with costs left as they are."""
    folder = tmp_path_factory.mktemp("combined")
    run = write_run(folder, photos_per_part=9, defective=60, good=30, seed=2)
    policy = Policy(MANUAL, thresholds=Thresholds(0.2, 0.7), defect_rate=0.1, combine=Combine.parse("2/3"))
    return made(run, policy, folder / "report.html")


def made(run: Path, policy: Policy, path: Path) -> Page:
    decision = decide(run, Asked(policy))
    write_report(Reported(decision, decided=True), path)
    return Page(path, decision)


@pytest.fixture
def opened(browser: Browser, page: Page) -> Page:
    """Return the report, freshly loaded on a desktop."""
    browser.size(1280, 900)
    browser.open(page.path)
    return page


def at(decision: Decision, accept: float, reject: float, **changes: float) -> Results:
    """Return what castproof tells of the explorer's photos at other thresholds."""
    policy = decision.gate.policy
    rate = changes.pop("defect_rate", decision.results.defect_rate)
    thresholds = Thresholds(accept, reject)
    manual = Policy(
        MANUAL, thresholds=thresholds, costs=replace(policy.costs, **changes), combine=policy.combine
    )
    gate = Gate(decision.gate.calibrator, thresholds, manual)
    return results(pass_through(gate, decision.outcome.photos), manual, rate)


def shown(browser: Browser) -> dict[str, str]:
    ids = [
        f"{kind}-{name}-{figure}"
        for kind in ("good", "defective")
        for name in VERDICTS
        for figure in ("share", "photos", "parts")
    ]
    return browser.texts([*ids, "review-load", "cost"])


def expected(told: Results) -> dict[str, str]:
    found = {}
    for kind, rates in (("good", told.good), ("defective", told.defective)):
        for name in VERDICTS:
            rate = getattr(rates, name)
            assert rate.share is not None
            found[f"{kind}-{name}-share"] = percent(round(rate.share, 12))
            found[f"{kind}-{name}-photos"] = f"{rate.hits:,} of {rate.photos:,}"
            found[f"{kind}-{name}-parts"] = f"{rate.parts_hit:,} of {rate.parts:,}"
    return found | {
        "review-load": percent(round(told.review_load, 12)),
        "cost": f"{round(told.cost, 12):.4g}",
    }


def set_to(browser: Browser) -> tuple[float, float]:
    """Return the thresholds that the handles stand at, in full precision."""
    values = browser.run(
        "return ['accept', 'reject'].map(name => "
        "Number(document.getElementById('handle-' + name).getAttribute('aria-valuenow')))"
    )
    return values[0], values[1]


def type_thresholds(browser: Browser, accept: float, reject: float) -> None:
    browser.retype("#set-accept", "0")
    browser.retype("#set-reject", str(reject))
    browser.retype("#set-accept", str(accept))


def captions(browser: Browser, key: str) -> list[str]:
    return list(
        browser.run(
            "return [...document.querySelectorAll('#examples-' + arguments[0] + ' figcaption')]"
            ".map(one => [...one.children].map(part => part.textContent).join(' '))",
            key,
        )
    )


def test_it_opens_with_the_gate_as_decided(browser: Browser, opened: Page) -> None:
    thresholds = opened.decision.gate.thresholds
    assert set_to(browser) == (thresholds.threshold, thresholds.reject_from)
    assert shown(browser) == expected(at(opened.decision, thresholds.threshold, thresholds.reject_from))
    assert browser.texts(["many-parts"])["many-parts"] == explorer(opened.decision).sentence


@pytest.mark.parametrize(
    ("accept", "reject"), [(0.05, 0.95), (0.5, 0.5), (0.3, 0.31), (0, 1), (0, 0), (1, 1), (0.123, 0.987)]
)
def test_counts_and_cost_follow_typed_thresholds(
    browser: Browser, opened: Page, accept: float, reject: float
) -> None:
    type_thresholds(browser, accept, reject)
    assert set_to(browser) == (accept, reject)
    assert shown(browser) == expected(at(opened.decision, accept, reject))


def test_counts_follow_the_handles(browser: Browser, opened: Page) -> None:
    before = set_to(browser)
    browser.run("document.getElementById('explorer').scrollIntoView()")
    browser.drag("#handle-accept", -150, below_px=LOW_GRIP)
    browser.drag("#handle-reject", 120, below_px=HIGH_GRIP)
    accept, reject = set_to(browser)
    assert accept < before[0] <= before[1] < reject
    assert shown(browser) == expected(at(opened.decision, accept, reject))
    browser.drag("#handle-accept", 760, below_px=LOW_GRIP)
    assert set_to(browser) == (1, 1), "the other handle gives way"
    assert shown(browser) == expected(at(opened.decision, 1, 1))
    browser.click("#explorer-reset")
    assert set_to(browser) == before


def test_handles_move_by_keys(browser: Browser, opened: Page) -> None:
    before = set_to(browser)
    browser.keys("#handle-accept", LEFT + DOWN)
    lower = set_to(browser)
    assert lower[0] < before[0]
    assert lower[1] == before[1]
    browser.keys("#handle-reject", UP + RIGHT + PAGE_UP)
    higher = set_to(browser)
    assert higher[1] > before[1]
    assert shown(browser) == expected(at(opened.decision, *higher))
    browser.keys("#handle-accept", HOME)
    browser.keys("#handle-reject", END)
    assert set_to(browser) == (0, 1)
    assert browser.texts(["defective-accepted-photos"])["defective-accepted-photos"].startswith("0 of")


def test_handles_and_fields_are_reached_by_tab(browser: Browser, opened: Page) -> None:
    browser.run("document.getElementById('handle-accept').focus()")
    reached = []
    for _ in range(7):
        reached.append(browser.run("return document.activeElement.id"))
        browser.keys(f"#{reached[-1]}", TAB)
    assert reached == [
        "handle-accept",
        "handle-reject",
        "set-accept",
        "set-reject",
        "set-defect_rate",
        "set-miss",
        "set-false_alarm",
    ]


def test_rate_and_costs_can_be_changed(browser: Browser, opened: Page) -> None:
    for name, text in (("defect_rate", "2.5"), ("miss", "77"), ("false_alarm", "0"), ("review", "1.25")):
        browser.retype(f"#set-{name}", text)
    told = at(opened.decision, *set_to(browser), defect_rate=0.025, miss=77, false_alarm=0, review=1.25)
    assert shown(browser) == expected(told)
    assert browser.texts(["many-parts"])["many-parts"].startswith("Of 10,000 parts, 250 of them defective: ")


@pytest.mark.parametrize("text", ["", "-1", "2"])
def test_a_threshold_that_is_none_changes_nothing(browser: Browser, opened: Page, text: str) -> None:
    before = shown(browser)
    browser.retype("#set-accept", text)
    assert browser.run("return document.getElementById('set-accept').getAttribute('aria-invalid')") == "true"
    assert shown(browser) == before


@pytest.mark.parametrize(("accept", "reject"), [(None, None), (0.8, 0.9), (0.01, 0.1)])
def test_example_photos_follow(
    browser: Browser, opened: Page, accept: float | None, reject: float | None
) -> None:
    gate, page = opened.decision.gate, explorer(opened.decision)
    if accept is not None and reject is not None:
        type_thresholds(browser, accept, reject)
        gate = replace(gate, thresholds=Thresholds(accept, reject))
    for group in example_groups(gate, page.examples, page.spread.low, page.spread.high):
        wanted = [
            f"{caption} {'defective' if one.defective else 'good'} {one.part}" for one, caption in group.tiles
        ]
        assert captions(browser, group.key) == wanted
        hidden = browser.run("return document.getElementById(arguments[0]).hidden", f"none-{group.key}")
        assert hidden == bool(wanted)


def test_photos_of_a_part_are_combined_as_the_gate_does(browser: Browser, combined: Page) -> None:
    browser.size(1280, 900)
    browser.open(combined.path)
    for accept, reject in ((0.2, 0.7), (0.5, 0.9)):
        type_thresholds(browser, accept, reject)
        told = at(combined.decision, accept, reject)
        assert told.by_part is not None
        ids = [f"{kind}-{name}-share" for kind in ("good", "defective") for name in VERDICTS]
        shares = [percent(round(getattr(one, name).share, 12)) for one in told.by_part for name in VERDICTS]
        assert browser.texts(ids) == dict(zip(ids, shares, strict=True))
        assert browser.texts(["cost"]) == {"cost": f"{round(told.cost, 12):.4g}"}


def test_on_paper_and_without_scripts_stands_what_was_decided(browser: Browser, opened: Page) -> None:
    decided = expected(at(opened.decision, *set_to(browser)))
    type_thresholds(browser, 0.9, 0.99)
    moved = shown(browser)
    assert moved != decided
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert shown(browser) == decided
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert shown(browser) == moved
    assert browser.paper().startswith(b"%PDF")
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(opened.path)
        assert shown(browser) == decided
        assert browser.run("return document.getElementById('set-accept').disabled")
        assert captions(browser, "nearest")
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_window_and_a_finger_can_drag(
    browser: Browser, page: Page, scheme: str
) -> None:
    browser.command(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    browser.size(*PHONE, mobile=True, scale=2)
    browser.open(page.path)
    assert browser.run("return window.innerWidth") == PHONE[0]
    assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
    before = set_to(browser)
    browser.run("document.getElementById('explorer-plot').scrollIntoView({block: 'center'})")
    browser.drag("#handle-accept", -60, below_px=LOW_GRIP, kind="touch")
    accept, reject = set_to(browser)
    assert accept < before[0]
    assert shown(browser) == expected(at(page.decision, accept, reject))


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong(browser: Browser, page: Page) -> None:
    browser.size(1280, 900)
    browser.log("browser"), browser.log("performance")
    browser.open(page.path)
    browser.keys("#handle-accept", LEFT)
    asked = [
        url
        for entry in browser.log("performance")
        for url in [_requested(entry["message"])]
        if url and not url.startswith("data:")
    ]
    assert asked == [page.path.resolve().as_uri()]
    assert browser.log("browser") == []


def _requested(message: str) -> str:
    import json

    told = json.loads(message)["message"]
    return told["params"]["request"]["url"] if told["method"] == "Network.requestWillBeSent" else ""


def test_no_other_script_can_run(browser: Browser, page: Page) -> None:
    html = page.path.read_text(encoding="utf-8")
    other = page.path.with_name("tampered.html")
    other.write_text(html.replace("</body>", "<script>window.ran = true;</script></body>"), encoding="utf-8")
    browser.open(other)
    assert browser.run("return window.ran === undefined")
    assert "Content Security Policy" in str(browser.log("browser"))
    other.write_text(html.replace('"use strict";', '"use strict"; window.ran = true;'), encoding="utf-8")
    browser.open(other)
    assert browser.run("return window.ran === undefined")
    browser.log("browser")
