"""Make the picture of the README from a folder that `castproof demo` made.

uv run python docs/images/make_result.py castproof-demo

The castings are generated ones. Shown are photos of one part that a split by photo puts on both sides, with whether the
truth agrees; verdicts with their place; and what the report of the run says at its top.
"""

import csv
import io
import sys
import tempfile
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from castproof import load
from castproof.data.manifest import Photo, read_csv
from castproof.images import decode
from castproof.measure.decision import Verdict
from castproof.pipeline.part_ids import with_parts
from castproof.pipeline.reporting.content import verdict
from castproof.pipeline.reporting.reported import reported
from castproof.pipeline.split_data import SplitSettings, split_data
from castproof.report.colours import DEFECTIVE, GOOD, INK, QUIET
from castproof.report.heat_pictures import heat_picture
from castproof.report.style import BODY_PT, finish, new_figure
from castproof.run_folder import find_run

DEST: Final = Path(__file__).with_name("result.png")
SEED: Final = 1
PAIRS: Final = 3
TILE_IN, GAP_IN, HEIGHT_IN = 1.3, 0.12, 5.5
WIDTHS_IN: Final = (3.3, 3.3, 4.6)
PICTURE_WIDTH_PX: Final = 1500
COLOURS: Final = 200
Pixels = NDArray[np.uint8]


def main() -> None:
    """Write the picture."""
    demo = Path(sys.argv[1])
    panels = [pixels(draw_leaks(demo)), pixels(draw_verdict(demo)), pixels(draw_promise(demo))]
    picture = Image.new("RGB", (sum(one.width for one in panels), max(one.height for one in panels)), "white")
    for index, one in enumerate(panels):
        picture.paste(one, (sum(before.width for before in panels[:index]), 0))
    height = round(picture.height * PICTURE_WIDTH_PX / picture.width)
    small = picture.resize((PICTURE_WIDTH_PX, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(DEST, optimize=True)
    print(f"{DEST}: {DEST.stat().st_size / 1000:.0f} kB")


def draw_leaks(demo: Path) -> Figure:
    """Return photos of one part in train and in test, as found in a split by photo of the demo's photos."""
    truth = {Path(row["file"]).name: row["part"] for row in read_rows(demo / "photos" / "truth.csv")}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "split"
        split_data(demo / "photos", home, SplitSettings(by="image", seed=SEED))
        manifest = read_csv(home / "manifest.csv", home)
        found, _ = with_parts(manifest)
        shared = leaks(found.photos)
        right = sum(truth[Path(a.file).name] == truth[Path(b.file).name] for a, b in shared)
        told = f"{len(shared)} found across splits, {right} right"
        figure = new_figure(WIDTHS_IN[0], HEIGHT_IN, "One part, twice", told)
        figure.set_layout_engine("none")
        for row, pair in enumerate(shared[:PAIRS]):
            for column, photo in enumerate(pair):
                show(figure, decode(home / photo.file), column, row, photo.split, GOOD)
    return finish(figure)


def leaks(photos: tuple[Photo, ...]) -> list[tuple[Photo, Photo]]:
    """Return of each part that was found in both a photo of train and one of test, the surest ones first."""
    of_part: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        of_part[photo.part].append(photo)
    pairs = []
    for group in of_part.values():
        sides = [[one for one in group if one.split == name] for name in ("train", "test")]
        if all(sides):
            pairs.append((sides[0][0], sides[1][0]))
    return sorted(pairs, key=lambda pair: -min(one.confidence or 0.0 for one in pair))


def draw_verdict(demo: Path) -> Figure:
    """Return defective test photos with their heat maps: of each defect type the one with the strongest evidence."""
    model = load(demo / "model.onnx")
    types = {row["file"]: row["defect_types"] for row in read_rows(demo / "photos" / "truth.csv")}
    best: dict[str, tuple[float, Path]] = {}
    for file, kind in types.items():
        if file.startswith("test/") and kind and "+" not in kind:
            seen = model.inspect(demo / "photos" / file)
            strongest = 0.0 if seen.heat_map is None else float(seen.heat_map.max())
            if seen.verdict is Verdict.REJECT:
                best[kind] = max(best.get(kind, (0.0, Path())), (strongest, demo / "photos" / file))
    figure = new_figure(
        WIDTHS_IN[1], HEIGHT_IN, "The verdict, with its place", "the clearest of three defect types"
    )
    figure.set_layout_engine("none")
    for row, (kind, (_, path)) in enumerate(sorted(best.items(), key=lambda one: -one[1][0])[:PAIRS]):
        seen = model.inspect(path)
        assert seen.heat_map is not None
        show(figure, decode(path), 0, row, kind.replace("_", " "), DEFECTIVE)
        heat = heat_picture(decode(path), seen.heat_map, 400)
        laid = np.asarray(Image.open(io.BytesIO(heat.jpeg)).convert("RGB"))
        show(figure, laid, 1, row, str(seen.verdict), DEFECTIVE)
    return finish(figure)


def draw_promise(demo: Path) -> Figure:
    """Return the sentence at the top of the report, and what the gate does."""
    told = reported(find_run(max((demo / "runs").iterdir())))
    results = told.decision.results
    figure = new_figure(
        WIDTHS_IN[2], HEIGHT_IN, "What may be promised", "the report of this run, in its words"
    )
    figure.set_layout_engine("none")
    lines = textwrap.wrap(verdict(told)[0], 46)
    figure.text(0.04, 0.78, "\n".join(lines), size=BODY_PT + 2, color=INK, va="top", linespacing=1.35)
    columns = ("ACCEPT", "REVIEW", "REJECT")
    rows = {"good photos": results.good, "defective photos": results.defective}
    for column, name in enumerate(columns):
        figure.text(0.56 + 0.18 * column, 0.4, name, size=BODY_PT, color=QUIET, ha="right")
    for row, (name, rates) in enumerate(rows.items()):
        figure.text(0.04, 0.32 - 0.08 * row, name, size=BODY_PT, color=QUIET)
        for column, rate in enumerate((rates.accepted, rates.reviewed, rates.rejected)):
            place = (0.56 + 0.18 * column, 0.32 - 0.08 * row)
            figure.text(*place, f"{rate.hits:,}", size=BODY_PT + 4, color=INK, ha="right")
    return finish(figure)


def show(figure: Figure, image: Pixels, column: int, row: int, text: str, colour: str) -> None:
    """Draw one photo with a caption."""
    width, height = figure.get_size_inches()
    left = 0.16 + column * (TILE_IN + GAP_IN)
    bottom = height - 0.8 - (row + 1) * TILE_IN - row * 0.24
    axes = figure.add_axes((left / width, bottom / height, TILE_IN / width, TILE_IN / height))
    axes.imshow(image, interpolation="lanczos")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=colour, linewidth=1.6)
    axes.set_xlabel(text, size=BODY_PT - 2, color=INK, labelpad=2)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pixels(figure: Figure) -> Image.Image:
    """Return the figure as a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    return Image.open(buffer).convert("RGB")


if __name__ == "__main__":
    main()
