"""Make the picture of the README from a folder that `castproof demo` made.

uv run python docs/images/make_result.py castproof-demo
"""

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from castproof.images import decode
from castproof.measure.decision import Verdict
from castproof.measure.evaluation import score_split
from castproof.report.evaluation_plots import confusion_matrices
from castproof.report.style import BODY_PT, DEFECTIVE, GOOD, INK, finish, new_figure, shorten

DEST: Final = Path(__file__).with_name("result.png")
COLUMNS, ROWS = 4, 2
TILE_IN, HEIGHT_IN, WIDTH_IN = 1.5, 4.9, 6.9
PICTURE_WIDTH_PX: Final = 1500
COLOURS: Final = 200


@dataclass(frozen=True)
class Shown:
    """One test photo with what is known and what was said about it."""

    path: Path
    part: str
    truth: str
    defective: bool
    p_defective: float
    threshold: float
    verdict: str

    @property
    def is_right(self) -> bool:
        """Whether verdict and label agree."""
        return (self.verdict == Verdict.REJECT.value) == self.defective


def read_demo(demo: Path) -> list[Shown]:
    """Return the test photos of the latest run in the demo folder, by file name."""
    run = max(path.parent for path in demo.glob("runs/*/metrics.json"))
    truth = {row["file"]: row for row in read_rows(demo / "photos" / "truth.csv")}
    return [
        Shown(
            path=demo / "photos" / row["file"],
            part=truth[row["file"]]["part"],
            truth=truth[row["file"]]["defect_types"].replace("_", " ").replace("+", " + ") or "good",
            defective=bool(truth[row["file"]]["defect_types"]),
            p_defective=float(row["p_defective"]),
            threshold=float(row["threshold"]),
            verdict=row["verdict"],
        )
        for row in read_rows(run / "predictions.csv")
        if row["split"] == "test"
    ]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def choose(photos: list[Shown]) -> list[Shown]:
    """Return the worst error of each kind, then right verdicts, half defective, each of another part."""
    misses = sorted(
        (one for one in photos if one.defective and not one.is_right), key=lambda one: one.p_defective
    )
    alarms = sorted(
        (one for one in photos if not one.defective and not one.is_right), key=lambda one: -one.p_defective
    )
    chosen = [*misses[:1], *alarms[:1]]
    half = COLUMNS * ROWS // 2
    for defective in (True, False):
        room = half - sum(one.defective is defective for one in chosen)
        kinds: dict[str, Shown] = {}
        for one in photos:
            if one.defective is defective and one.is_right:
                kinds.setdefault(one.truth if defective else one.part, one)
        chosen += list(kinds.values())[:room]
    return sorted(chosen, key=lambda one: not one.defective)


def draw_verdicts(shown: list[Shown], count: int) -> Figure:
    """Return the sheet of photos with their verdicts."""
    told = f"{len(shown)} of {count} test photos; solid frame: defective part, dashed: good part"
    figure = new_figure(WIDTH_IN, HEIGHT_IN, "Verdicts on parts that it has never seen", told)
    figure.set_layout_engine("none")
    for index, one in enumerate(shown):
        row, column = divmod(index, COLUMNS)
        left = 0.16 + column * (TILE_IN + 0.16)
        bottom = HEIGHT_IN - 0.8 - (row + 1) * TILE_IN - row * 0.46
        axes = figure.add_axes((left / WIDTH_IN, bottom / HEIGHT_IN, TILE_IN / WIDTH_IN, TILE_IN / HEIGHT_IN))
        axes.imshow(decode(one.path), interpolation="lanczos")
        axes.set(xticks=[], yticks=[])
        color, dash = (DEFECTIVE, "-") if one.defective else (GOOD, "--")
        axes.spines[:].set(color=color, linewidth=2.2, linestyle=dash)
        error = "" if one.is_right else ", missed" if one.defective else ", false alarm"
        axes.set_xlabel(
            f"{one.verdict}  {one.p_defective:.3f}\n{shorten(one.truth, 24 - len(error))}{error}",
            size=BODY_PT - 1.5,
            weight="normal" if one.is_right else "bold",
            color=INK,
            labelpad=4,
        )
    return finish(figure)


def pixels(figure: Figure) -> Image.Image:
    """Return the figure as a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    return Image.open(buffer).convert("RGB")


def main() -> None:
    """Write the picture."""
    photos = read_demo(Path(sys.argv[1]))
    split = score_split(
        "test",
        np.array([one.defective for one in photos]),
        np.array([one.p_defective for one in photos]),
        photos[0].threshold,
        cost_fn=1,
        cost_fp=1,
    )
    left, right = pixels(draw_verdicts(choose(photos), len(photos))), pixels(confusion_matrices([split]))
    picture = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), "white")
    picture.paste(left, (0, 0))
    picture.paste(right, (left.width, 0))
    height = round(picture.height * PICTURE_WIDTH_PX / picture.width)
    small = picture.resize((PICTURE_WIDTH_PX, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(DEST, optimize=True)
    print(f"{DEST}: {DEST.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
