"""Every number that is told of a run, read off what a person or a program sees: screens, report, card, CSV and JSON."""

import csv
import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

NUMBER = r"[<>]?[\d,]*\.?\d+(?:e-\d+)?%?"
RANGE, COUNTS = f"({NUMBER} to {NUMBER})", f"({NUMBER} of {NUMBER})"
VERDICTS = ("ACCEPT", "REVIEW", "REJECT")
ON_SCREEN = {
    "missed defects": "defective ACCEPT",
    "defects REVIEW": "defective REVIEW",
    "defects REJECT": "defective REJECT",
    "good passed": "good ACCEPT",
    "good REVIEW": "good REVIEW",
    "false alarms": "good REJECT",
}
CALIBRATION = {
    "ECE, 15 bins of equal width": "ECE",
    "MCE, the same bins": "MCE",
    "Brier score": "Brier",
    "log loss": "log loss",
}


def span(shown: str) -> tuple[float, float]:
    """Return the smallest and the largest value that is written like this."""
    text = shown.replace(",", "").strip()
    unit = 0.01 if text.endswith("%") else 1.0
    digits = text.strip("<>%")
    value, places = float(digits), len(digits.partition(".")[2])
    if "e" in digits:
        return value * 0.999, value * 1.001
    half = 0.5 * 10**-places
    if text.startswith("<"):
        return 0.0, value * unit
    if text.startswith(">"):
        return value * unit, 1.0
    if not places:
        return value * unit, value * unit
    return (value - half) * unit - 1e-12, (value + half) * unit + 1e-12


@dataclass
class Numbers:
    """What each surface tells of each quantity, as the smallest and the largest value that it can mean."""

    told: dict[str, dict[str, tuple[float, float]]] = field(default_factory=lambda: defaultdict(dict))
    clashes: list[str] = field(default_factory=list)

    def add(self, surface: str, quantity: str, value: str | float) -> None:
        """Note a number; one that the same surface tells twice must not contradict itself either."""
        found = span(value) if isinstance(value, str) else (value - 1e-9, value + 1e-9)
        for other, known in self.told[quantity].items():
            if max(found[0], known[0]) > min(found[1], known[1]):
                self.clashes.append(f"{quantity}: {surface} tells {value}, {other} {known}")
        before = self.told[quantity].get(surface, found)
        self.told[quantity][surface] = (max(found[0], before[0]), min(found[1], before[1]))

    def match(self, surface: str, pattern: str, quantities: Sequence[str], text: str) -> None:
        """Note the groups of every match of `pattern`."""
        for found in re.finditer(pattern.replace("#", f"({NUMBER})"), text):
            for quantity, value in zip(quantities, found.groups(), strict=True):
                self.add(surface, quantity, value)

    def rate(self, surface: str, name: str, cells: Sequence[str]) -> None:
        """Note a share, its interval, "hits of photos", "parts of parts" and how many photos it is worth."""
        share, interval, photos, parts, *effective = cells
        self.add(surface, f"{name}: share", share)
        for end, value in zip(("low", "high"), interval.split(" to "), strict=True):
            self.add(surface, f"{name}: {end}", value)
        for what, counts in (("photos", photos), ("parts", parts)):
            for quantity, value in zip(("hit", "all"), re.findall(NUMBER, counts), strict=True):
                self.add(surface, f"{name}: {what} {quantity}", value)
        for value in effective:
            self.add(surface, f"{name}: effective", value)


def rows_on(screen: str) -> Iterator[list[str]]:
    """Yield the cells of every row of a table."""
    for line in screen.splitlines():
        if line.lstrip().startswith("│"):
            yield [cell.strip() for cell in line.strip().strip("│").split("│")]


def text_of(page: str) -> str:
    """Return the words of an HTML page without its pictures and scripts; cells are parted by bars."""
    told = re.sub(r"<(style|svg|script|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    told = re.sub(r"<(?:td|th|tr|dt|dd|div|h\d)\b[^>]*>", " | ", told)
    told = html.unescape(re.sub("<[^>]*>", " ", told))
    return " ".join(told.split())


def of_screen(numbers: Numbers, surface: str, screen: str) -> None:
    """Note what a screen tells of the gate: its table of verdicts, of other promises, and its sentences."""
    for cells in rows_on(screen):
        name, *rest = cells
        if name in ON_SCREEN and len(rest) == 5:
            numbers.rate(surface, ON_SCREEN[name], rest)
        elif name in ("ECE", "ECE after") and len(rest) == 5:
            numbers.match(surface, "# to # #", ("ECE: low", "ECE: high", "ECE"), f"{rest[1]} {rest[0]}")
        elif name in ("REVIEW load", "cost per part"):
            numbers.add(surface, name, rest[0])
        elif name == "no defect passes" or name.startswith("--miss-rate"):
            of_promise(numbers, surface, name.removeprefix("--miss-rate "), rest)
    of_sentences(numbers, surface, " ".join(screen.split()))


def of_promise(numbers: Numbers, surface: str, name: str, cells: Sequence[str]) -> None:
    """Note a row of the table of other thresholds."""
    at = "none" if name.startswith("no defect") else f"{span(name)[0]:g}"
    quantities = ("threshold", "missed", "bound", "good passed", "load")
    for quantity, cell in zip(quantities, cells, strict=False):
        numbers.add(surface, f"promise {at}: {quantity}", cell.replace("\N{NO-BREAK SPACE}", " ").strip("≤ "))


def of_sentences(numbers: Numbers, surface: str, text: str) -> None:
    """Note what sentences tell, on a screen, a page or a card."""
    numbers.match(surface, "ACCEPT p_defective < #", ["accept below"], text)
    numbers.match(surface, "REJECT p_defective ≥ #", ["reject from"], text)
    numbers.match(
        surface,
        r"(?:Promise|Proven): at most # of defective parts pass, with # confidence \(of the photos of # defective "
        "parts # passed",
        ("promise", "confidence", "evidence: defective parts", "promise: passed"),
        text.replace("none passed", "0% passed"),
    )
    numbers.match(
        surface,
        "[Aa]t most # of defective parts pass this gate, with # confidence: proven on # defective parts that the "
        "network was not trained on, of whose photos # passed",
        ("promise", "confidence", "evidence: defective parts", "promise: passed"),
        text.replace("none passed", "0% passed"),
    )
    numbers.match(
        surface,
        "# of # defective photos? missed",
        ("defective ACCEPT: photos hit", "defective ACCEPT: photos all"),
        text,
    )
    numbers.match(
        surface,
        "# of # good (?:ones|photos?) rejected",
        ("good REJECT: photos hit", "good REJECT: photos all"),
        text,
    )


def of_page(numbers: Numbers, surface: str, page: str) -> None:
    """Note what the report tells of the gate, its explorer apart, which tells the gate on its own evidence."""
    text = text_of(page)
    results, explorer = split_page(text)
    of_sentences(numbers, surface, results)
    _of_verdicts(numbers, surface, results)
    _of_facts(numbers, surface, results)
    names = [
        f"of the evidence: {name}" for name in ("share", "photos hit", "photos all", "parts hit", "parts all")
    ]
    for kind, verdict in product(("defective", "good"), VERDICTS):
        row = rf"{kind}, {verdict} \| # \| # of # \| # of #"
        numbers.match(surface, row, [f"{kind} {verdict} {name}" for name in names], explorer)


def _of_verdicts(numbers: Numbers, surface: str, text: str) -> None:
    """Note the table of verdicts of a page, and its cards of errors."""
    for kind, verdict in product(("defective", "good"), VERDICTS):
        row = rf"{kind}, {verdict} \| ({NUMBER}) \| {RANGE} \| {COUNTS} \| {COUNTS} \| ({NUMBER})"
        for found in re.finditer(row, text):
            numbers.rate(surface, f"{kind} {verdict}", found.groups())
    for title, name in (("Missed defects", "defective ACCEPT"), ("False alarms", "good REJECT")):
        card = rf"{title} ({NUMBER}) [a-z ]+: {RANGE}; {COUNTS} photos?, {COUNTS} parts?"
        for found in re.finditer(card, text):
            numbers.rate(surface, name, found.groups())


def _of_facts(numbers: Numbers, surface: str, text: str) -> None:
    """Note the other cards of a page, its facts, and its tables of calibration and of other thresholds."""
    for pattern, quantities in (
        ("Proven to pass, at most # of defective parts, # confidence", ("promise", "confidence")),
        (
            "Calibration error # [a-z ]+: ECE, 15 bins of p_defective; # to #",
            ("ECE", "ECE: low", "ECE: high"),
        ),
        (
            "Defective parts of evidence # # photos?",
            ("evidence: defective parts", "evidence: defective photos"),
        ),
        ("Good parts of evidence # # photos?", ("evidence: good parts", "evidence: good photos")),
        ("Looked at by hand # of all parts, at", ("REVIEW load",)),
        ("Expected cost per part # at", ("cost per part",)),
        (r"looked at by hand, of all parts \| #", ("REVIEW load",)),
        (r"expected cost per part \| #", ("cost per part",)),
        (r"\| Passed \| #, every", ("promise: passed",)),
        (r"\| At most \| #, with # confidence", ("promise", "confidence")),
        ("(?:p_defective|after calibration) ECE # · MCE # · Brier #", ("ECE", "MCE", "Brier")),
        *((rf"\| {label} \| (?:{NUMBER} \| (?=[\d.]))?#", (name,)) for label, name in CALIBRATION.items()),
    ):
        numbers.match(surface, pattern, quantities, text)
    promise = rf"\| (no defect of these photos passes|at most {NUMBER} pass)((?: \| [≤\d.,%<> \u00a0e-]+)+)"
    for found in re.finditer(promise, text):
        name = found[1].removeprefix("at most ").removesuffix(" pass")
        of_promise(numbers, surface, name, found[2].split(" | ")[1:])


def split_page(text: str) -> tuple[str, str]:
    """Return the page without its explorer, and the table of the explorer."""
    before, _, rest = text.partition("At this setting")
    return before, rest


def of_card(numbers: Numbers, surface: str, about: Mapping[str, Any]) -> None:
    """Note what the card of a model file tells of the run."""
    of_sentences(numbers, surface, " ".join(about["promise"]["promise"]))
    results = about["results"]
    for kind in ("defective", "good"):
        for verdict, told in results[kind].items():
            found = re.fullmatch(
                rf"({NUMBER}) \({RANGE}\): {COUNTS} photos?, {COUNTS} parts?",
                told,
            )
            assert found, told
            numbers.rate(surface, f"{kind} {verdict}", found.groups())
    for label, name in (("ECE, 15 bins", "ECE"), ("MCE, 15 bins", "MCE"), ("Brier score", "Brier")):
        numbers.add(surface, name, results[label])
    numbers.match(surface, "^# at", ["REVIEW load"], results.get("review load", ""))
    if "expected cost of a part" in results:
        numbers.add(surface, "cost per part", results["expected cost of a part"])


def of_card_screen(numbers: Numbers, surface: str, screen: str) -> None:
    """Note what `castproof card` prints."""
    text = " ".join(screen.split())
    of_sentences(numbers, surface, text)
    rate = rf"({{}}): ({NUMBER}) \({RANGE}\): {COUNTS} photos?, {COUNTS} parts?"
    for kind in ("defective", "good"):
        block = text.partition(f" {kind} ACCEPT:")[2]
        for verdict in VERDICTS:
            found = re.search(rate.format(verdict), f"ACCEPT:{block}")
            assert found, kind
            numbers.rate(surface, f"{kind} {verdict}", found.groups()[1:])
    for label, name in (("ECE, 15 bins", "ECE"), ("MCE, 15 bins", "MCE"), ("Brier score", "Brier")):
        numbers.match(surface, f"{label} #", [name], text)


def of_gate_json(numbers: Numbers, surface: str, content: Mapping[str, Any]) -> None:
    """Note what gate.json tells."""
    gate, results = content["gate"], content["results"]
    numbers.add(surface, "accept below", gate["thresholds"]["threshold"])
    numbers.add(surface, "reject from", gate["thresholds"]["reject_from"])
    if gate["promise"] is not None:
        numbers.add(surface, "promise", gate["promise"]["at_most"])
        numbers.add(surface, "confidence", gate["promise"]["confidence"])
        numbers.add(surface, "promise: passed", gate["promise"]["passed"])
    for kind in ("defective", "good"):
        numbers.add(surface, f"evidence: {kind} parts", content["rests_on"][f"{kind}_parts"])
        numbers.add(surface, f"evidence: {kind} photos", content["rests_on"][f"{kind}_photos"])
        for verdict, name in zip(VERDICTS, ("accepted", "reviewed", "rejected"), strict=True):
            told, of = results[kind][name], f"{kind} {verdict}"
            for quantity, key in (
                ("share", "share"),
                ("low", "low"),
                ("high", "high"),
                ("photos hit", "hits"),
                ("photos all", "photos"),
                ("parts hit", "parts_hit"),
                ("parts all", "parts"),
            ):
                numbers.add(surface, f"{of}: {quantity}", float(told[key]))
            numbers.add(surface, f"{of}: effective", str(round(told["effective"])))
    after = results["after"]
    for quantity, value in (
        ("ECE", after["ece"]),
        ("ECE: low", after["ece_interval"]["low"]),
        ("ECE: high", after["ece_interval"]["high"]),
        ("MCE", after["mce"]),
        ("Brier", after["brier"]),
        ("log loss", after["log_loss"]),
    ):
        numbers.add(surface, quantity, value)
    if results["defect_rate"] is not None:
        numbers.add(surface, "REVIEW load", results["review_load"])
        numbers.add(surface, "cost per part", results["cost"])
    for row in content["promises"]:
        at = "none" if row["miss_rate"] is None else f"{row['miss_rate']:g}"
        for quantity in ("threshold", "missed", "bound", "good_passed"):
            numbers.add(surface, f"promise {at}: {quantity.replace('_', ' ')}", row[quantity])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_photos(numbers: Numbers, surface: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Note what follows from the rows of gate/photos.csv: counts, shares by part, calibration."""
    for kind in ("defective", "good"):
        own = [row for row in rows if row["label"] == kind]
        for verdict in VERDICTS:
            by_part = defaultdict(list)
            for row in own:
                by_part[row["part"]].append(row["verdict"] == verdict)
            of, hits = f"{kind} {verdict}", [sum(one) for one in by_part.values()]
            numbers.add(surface, f"{of}: photos hit", sum(hits))
            numbers.add(surface, f"{of}: photos all", len(own))
            numbers.add(surface, f"{of}: parts hit", sum(map(bool, hits)))
            numbers.add(surface, f"{of}: parts all", len(by_part))
            numbers.add(surface, f"{of}: share", float(np.mean([np.mean(one) for one in by_part.values()])))
    _of_wrong(numbers, surface, rows)
    p = np.array([float(row["p_defective"]) for row in rows])
    label = np.array([row["label"] == "defective" for row in rows])
    place = np.minimum((p * 15).astype(int), 14)
    gaps = {one: abs(label[place == one].mean() - p[place == one].mean()) for one in set(place.tolist())}
    numbers.add(surface, "ECE", float(sum(gap * (place == one).mean() for one, gap in gaps.items())))
    numbers.add(surface, "MCE", float(max(gaps.values())))
    numbers.add(surface, "Brier", float(((p - label) ** 2).mean()))


def _of_wrong(numbers: Numbers, surface: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Note what `castproof compare` tells of these rows, whose parts have photos of one kind alone."""
    wrong, losses, brier = (defaultdict(list) for _ in range(3))
    for row in rows:
        defective, p = row["label"] == "defective", float(row["p_defective"])
        key = row["label"], row["part"]
        wrong[key].append((row["verdict"] == "ACCEPT") == defective)
        losses[key].append(-np.log(p if defective else 1 - p))
        brier[key].append((p - defective) ** 2)
    good = [np.mean(one) for (label, _), one in wrong.items() if label == "good"]
    numbers.add(surface, "good not passed: share", float(np.mean(good)))
    for quantity, by_part in (
        ("wrong verdicts", wrong),
        ("log loss of parts", losses),
        ("Brier of parts", brier),
    ):
        numbers.add(surface, quantity, float(np.mean([np.mean(one) for one in by_part.values()])))
    called = [row["verdict"] != "ACCEPT" for row in rows]
    numbers.add(
        surface,
        "macro-F1",
        float(f1_score([row["label"] == "defective" for row in rows], called, average="macro")),
    )


def of_explored(
    numbers: Numbers, surface: str, gate: Mapping[str, Any], rows: Sequence[Mapping[str, str]]
) -> None:
    """Note what the gate itself does with the photos of photos.csv, which the explorer of the report starts from."""
    at, made = gate["thresholds"], gate["calibrator"]
    assert made["method"] in ("none", "temperature", "platt")
    for kind in ("defective", "good"):
        by_part = defaultdict(list)
        for row in rows:
            if row["label"] == kind:
                network = float(row["p_network"])
                logit = made["slope"] * np.log(network / (1 - network)) + made["offset"]
                p = 1 / (1 + np.exp(-logit))
                verdict = 0 if p < at["threshold"] else 1 if p < at["reject_from"] else 2
                by_part[row["part"]].append(VERDICTS[verdict])
        for verdict_name in VERDICTS:
            of = f"{kind} {verdict_name} of the evidence"
            hits = [[one == verdict_name for one in part] for part in by_part.values()]
            numbers.add(surface, f"{of}: share", float(np.mean([np.mean(one) for one in hits])))
            numbers.add(surface, f"{of}: photos hit", sum(map(sum, hits)))
            numbers.add(surface, f"{of}: parts hit", sum(map(any, hits)))


def of_comparison(numbers: Numbers, surface: str, screen: str, content: Mapping[str, Any]) -> None:
    """Note what `castproof compare` tells of A, on the screen and in its JSON file."""
    names = {
        "missed defects": "defective ACCEPT: share",
        "good not passed": "good not passed: share",
        "wrong verdicts": "wrong verdicts",
        "macro-F1 of all photos": "macro-F1",
        "Brier, equal weight per part": "Brier of parts",
        "log loss, equal weight per part": "log loss of parts",
    }
    for name, a, b, *_ in (cells for cells in rows_on(screen) if cells[0] in names):
        numbers.add(f"{surface} screen", names[name], a)
        numbers.add(f"{surface} screen", names[name], b)
    keys = ("missed_defects", "good_not_passed", "wrong_verdicts", "macro_f1", "brier", "log_loss")
    told = {one["name"]: one["a"] for one in content["differences"]}
    for key, quantity in zip(keys, names.values(), strict=True):
        numbers.add(f"{surface} JSON", quantity, told[key])


def of_metrics(numbers: Numbers, surface: str, screen: str, column: int = 1) -> None:
    """Note the column of a table of metrics, as train --full and evaluate print it."""
    known = {
        "photos": "n",
        "defective": "n_defective",
        "caught defects (TP)": "tp",
        "good not passed (FP)": "fp",
        "good passed (TN)": "tn",
        "missed defects (FN)": "fn",
        "recall": "recall",
        "specificity": "specificity",
        "precision": "precision",
        "accuracy": "accuracy",
        "macro-F1": "macro_f1",
        "AUC-ROC": "auc_roc",
        "AUC-PR": "auc_pr",
        "Brier": "brier",
        "ECE": "ece",
        "MCE": "mce",
        "log loss": "log_loss",
    }
    for cells in rows_on(screen):
        if cells[0] in known and len(cells) > column and cells[column] != "n/a":
            numbers.add(surface, f"metric {known[cells[0]]}", cells[column])


def of_metrics_json(numbers: Numbers, surface: str, metrics: Mapping[str, Any]) -> None:
    """Note the metrics of one split in metrics.json."""
    for name, value in metrics.items():
        if isinstance(value, int | float):
            numbers.add(surface, f"metric {name}", float(value))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
