"""The page that shows a gate to a customer: one HTML file that needs nothing else."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from castproof.report.charts import SIDE, SPREAD_HEIGHT, SPREAD_WIDTH, WIDE, Reliability, Spread, Tradeoff
from castproof.report.page import Card, Group, Table, Tile, rendered
from castproof.report.thumbnails import Picture

EXPLORER_SCRIPT: Final = "explorer.js"
Facts = Sequence[tuple[str, str]]
Kinds = Mapping[str, Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Labels:
    """What a page says about itself, in the words of whoever hands it over; nothing of it is checked.

    Args:
        title: its heading, "" for the usual one.
        facts: product, line, author, as pairs of a term and a text.
        signers: who signs it, a line each.
    """

    title: str = ""
    facts: Facts = ()
    signers: Sequence[str] = ()


UNLABELLED: Final = Labels()


@dataclass(frozen=True)
class Section:
    """One chapter of the page.

    Args:
        lead: the sentence that opens it.
        facts: what is asked or found, as pairs of a term and a sentence.
        tables: figures.
        notes: sentences below them.
    """

    lead: str
    facts: Facts = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Example:
    """A photo that the explorer may show.

    Args:
        p: calibrated p_defective of its inspection.
        defective: its label.
        part: its part.
        file: its path below the data folder.
        picture: the photo, small.
    """

    p: float
    defective: bool
    part: str
    file: str
    picture: Picture


@dataclass(frozen=True)
class Setting:
    """What the explorer can be set to.

    Args:
        accept: ACCEPT below this p_defective.
        reject: REJECT from this one.
        defect_rate: share of defective parts, in (0, 1); None where it is not known.
        miss, false_alarm, review: costs of one part.
    """

    accept: float
    reject: float
    defect_rate: float | None
    miss: float
    false_alarm: float
    review: float


@dataclass(frozen=True)
class ExplorerRow:
    """One figure of the explorer; `key` names it for the script."""

    key: str
    name: str
    share: str
    photos: str
    parts: str


@dataclass(frozen=True, eq=False)
class Explorer:
    """The threshold explorer, as it stands before anybody moves a handle.

    Args:
        text: the sentence that opens it.
        warning: what a threshold found here is worth.
        setting: where it stands.
        spread: the distributions of good and defective photos.
        rows: its figures.
        load: REVIEW load, in words.
        cost: expected cost per part, in words.
        sentence: what happens to many parts.
        counted: whether inspections are photos that can be counted; they are parts, or choices of photos, else.
        p: by "good" and "defective", p_defective of the inspections of each part.
        weight: the same for their weights, where they are not alike; None else.
        examples: photos that it may show.
        groups: those that it shows, by the names of the groups.
        pool: how they were picked, a sentence.
    """

    text: str
    warning: str
    setting: Setting
    spread: Spread
    rows: Sequence[ExplorerRow]
    load: str
    cost: str
    sentence: str
    counted: bool
    p: Kinds
    weight: Kinds | None
    examples: Sequence[Example]
    groups: Sequence["ExampleGroup"]
    pool: str

    @property
    def data(self) -> Markup:
        """What the script reads, as JSON that cannot end its element."""
        content: dict[str, Any] = {
            "setting": asdict(self.setting),
            "low": self.spread.low,
            "high": self.spread.high,
            "p": self.p,
            "weight": self.weight,
            "examples": [
                {
                    "p": one.p,
                    "defective": one.defective,
                    "part": one.part,
                    "file": one.file,
                    "source": one.picture.source,
                    "width": one.picture.width,
                    "height": one.picture.height,
                }
                for one in self.examples
            ],
        }
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        return Markup(text.replace("<", "\\u003c"))

    def place(self, p: float) -> float:
        """Return where a p_defective lies along the axis, in percent of its width, with three decimals."""
        return round(place_of(p, self.spread.low, self.spread.high), 3)


@dataclass(frozen=True)
class ExampleGroup:
    """Photos that the explorer shows under one name; `key` names the group for the script."""

    key: str
    name: str
    none: str
    tiles: Sequence[tuple[Example, str]]


@dataclass(frozen=True)
class Judged:
    """A photo and what the network looked at, beside each other.

    Args:
        photo: with its caption.
        heat: the photo with its heat map; None where there is none.
        verdict: ACCEPT, REVIEW or REJECT.
    """

    photo: Tile
    heat: Picture | None
    verdict: str


@dataclass(frozen=True)
class JudgedGroup:
    """Photos of one kind of error."""

    title: str
    text: str
    photos: Sequence[Judged]


@dataclass(frozen=True, eq=False)
class GatePage:
    """Everything that the page shows; all texts are plain and are escaped by the template.

    Args:
        name: of the run.
        made: when and with which version it was made.
        verdict: the sentence that one signs.
        state: "fine", "warn" or "alarm".
        notes: what belongs to that sentence.
        cards: the figures at the top.
        asked: what was asked for.
        data: the photos.
        results: what the gate does.
        promise: what is promised, and what it rests on.
        others: other thresholds.
        tradeoff: the picture of these.
        calibration: how far p_defective can be taken at its word.
        reliability: the pictures of that, before and after.
        explorer: the threshold explorer.
        errors_text: what the pictures of errors show.
        errors: these pictures.
        slices: results by slices.
        worst: pictures of the worst slices.
        limits: what this does not prove.
        reproduce: versions, seeds and hashes.
        commands: what to type.
        labels: title, product, line, author and signatures.
    """

    name: str
    made: str
    verdict: str
    state: str
    notes: Sequence[str]
    cards: Sequence[Card]
    asked: Section
    data: Section
    results: Section
    promise: Section
    others: Section
    tradeoff: Tradeoff
    calibration: Section
    reliability: Sequence[Reliability]
    explorer: Explorer
    errors_text: str
    errors: Sequence[JudgedGroup]
    slices: Section
    worst: Sequence[Group]
    limits: Sequence[str]
    reproduce: Section
    commands: Sequence[str]
    labels: Labels = UNLABELLED


def place_of(p: float, low: float, high: float) -> float:
    """Return where a p_defective lies on an axis of logits from `low` to `high`, in percent, cut off at its ends."""
    if p <= 0 or p >= 1:
        return 0.0 if p <= 0 else 100.0
    share = (math.log(p) - math.log1p(-p) - low) / (high - low)
    return 100 * min(max(share, 0.0), 1.0)


def gate_html(page: GatePage) -> str:
    """Return the page as HTML with one script, the only one that its content security policy allows to run."""
    script = files("castproof.report").joinpath("templates", EXPLORER_SCRIPT).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return rendered(
        "gate.html.j2",
        page=page,
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        side=SIDE,
        wide=WIDE,
        spread_width=SPREAD_WIDTH,
        spread_height=SPREAD_HEIGHT,
    )
