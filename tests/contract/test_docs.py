"""What the pages say must be what the code does: commands, flags, defaults, metrics, files, links, examples."""

import csv
import doctest
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from PIL import Image
from typer.testing import CliRunner

from castproof.apps.cli import console
from castproof.apps.cli.main import app
from castproof.apps.cli.training_options import TRAINING_OPTIONS
from castproof.data.classes import reading_of
from castproof.data.folders import FOREIGN_SUFFIXES
from castproof.data.manifest import COLUMNS as MANIFEST_COLUMNS
from castproof.images import IMAGE_SUFFIXES, MAX_SIDE_PX
from castproof.measure.metrics import metrics
from castproof.photo_files import limits
from castproof.recipes import AUTO, OF_RECIPE, RECIPES, recipe_settings
from castproof.run_folder import RunFolder
from castproof.settings import TABLE_SUFFIXES, TrainSettings
from write_commands import commands_page

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DOCS = ROOT / "docs"
RUN = Path("runs/mobilenet_linear_20260101_120000")
BY_EPOCHS = Path("runs/by epochs")
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@dataclass(frozen=True)
class DocTable:
    """One table of a page, under its nearest heading."""

    heading: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in languages]


def tables(text: str) -> list[DocTable]:
    found: list[DocTable] = []
    heading, lines = "", []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append(_cells(line))
            continue
        if lines:
            found.append(DocTable(heading, lines[0], tuple(lines[2:])))
            lines = []
        if line.startswith("#"):
            heading = line.lstrip("# ")
    return found


def table(name: str, heading: str) -> DocTable:
    return tables_under(name, heading)[0]


def tables_under(name: str, heading: str) -> list[DocTable]:
    return [one for one in tables(page(name)) if one.heading == heading]


def names_in(cells: Iterator[str] | list[str]) -> list[str]:
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def first_names(one: DocTable) -> list[str]:
    return names_in([row[0] for row in one.rows])


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1])


def _page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Commands and flags


def documented_commands() -> list[str]:
    lines = [
        line.removeprefix("$ ").removeprefix("uv run ")
        for path in PAGES
        for body in blocks(path.read_text(encoding="utf-8"), "console", "bash")
        for whole in body.replace("\\\n", " ").splitlines()
        for line in whole.split(" && ")
    ]
    helps = [inspect.getdoc(command.callback) or "" for command in COMMANDS.values()]
    lines += [line.strip() for text in helps for line in text.splitlines()]
    return sorted({line for line in lines if line.startswith("castproof ")})


@pytest.mark.parametrize("line", documented_commands())
def test_every_command_line_in_the_pages_and_the_help_is_understood(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: True)
    arguments = shlex.split(line)[1:]
    if arguments == ["--version"]:
        assert CliRunner().invoke(app, arguments).exit_code == 0
        return
    name, *rest = arguments
    given = COMMANDS[name].make_context(name, rest).params
    if name in ("train", "crossval"):
        known = {field.name for field in fields(TrainSettings)} - {"data", "ok"}
        assert name == "crossval" or (given["data"] is None) != (given["resume"] is None)
        recipe_settings(data="photos", **{key: value for key, value in given.items() if key in known})


def test_the_pages_show_every_command() -> None:
    shown = {line.split()[1] for line in documented_commands()} - {"--version"}
    assert shown == set(COMMANDS)


def options_of(command: str) -> dict[str, Any]:
    """Return the options of a command by flag; an argument by its name in the help."""
    parameters = (one for one in COMMANDS[command].params if one.name != "help")
    return {one.opts[0] if one.opts[0].startswith("--") else one.metavar: one for one in parameters}


def test_recipes_are_told_as_they_are() -> None:
    one = table("training.md", "Recipes")
    names = [name.strip("`*") for name in one.header[1:]]
    assert names == [one for one in RECIPES if one != AUTO]
    flags = [row[0].strip("`").removeprefix("--").replace("-", "_") for row in one.rows]
    told = {name: [row[column + 1] for row in one.rows] for column, name in enumerate(names)}
    for recipe in names:
        settings = recipe_settings(recipe, data="photos").to_json()
        for flag, cell in zip(flags, told[recipe], strict=True):
            value = settings[flag]
            assert (float(cell) if isinstance(value, float) else cell) == (
                value if isinstance(value, float) else str(value)
            )
    assert set(flags) == OF_RECIPE


def test_crossval_learns_with_the_options_of_train() -> None:
    of_train, of_crossval = options_of("train"), options_of("crossval")
    shared = [flag for flag, one in of_train.items() if one.name in TRAINING_OPTIONS]
    assert shared
    for flag in shared:
        here, there = of_crossval[flag], of_train[flag]
        assert (here.help, here.default) == (there.help, there.default)


def test_the_page_of_all_commands_is_their_help() -> None:
    renew = "The help has changed: uv run python scripts/write_commands.py"
    assert page("commands.md") == commands_page(), renew


@pytest.mark.parametrize("command", list(COMMANDS))
def test_the_help_of_all_commands_has_one_form(command: str) -> None:
    options = options_of(command)
    assert [
        flag for flag, one in options.items() if "default" in (getattr(one, "help", "") or "").lower()
    ] == []
    lines = (inspect.getdoc(COMMANDS[command].callback) or "").splitlines()
    shown = [line for line in lines if line.strip().startswith("castproof ")]
    assert shown
    assert [line for line in shown if line.startswith(" ")] == []
    assert any(line in ("[bold]Example[/]", "[bold]Examples[/]") for line in lines)


def test_options_of_the_same_name_are_told_in_the_same_words() -> None:
    told: dict[str, set[str]] = {}
    for command in COMMANDS:
        for flag, one in options_of(command).items():
            if flag in ("--ok", "--link", "--seed", "--skip-unreadable", "--device", "--no-bars", "DATA"):
                told.setdefault(flag, set()).add("/".join([*one.opts, *one.secondary_opts, one.help or ""]))
    assert {flag: words for flag, words in told.items() if len(words) > 1} == {}


def test_flags_named_in_running_text_exist() -> None:
    known = {flag for command in COMMANDS for flag in options_of(command)} | {"--help", "--version"}
    prose = [re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL) for path in PAGES]
    flags = {flag for text in prose for flag in re.findall(r"`(--[a-z][a-z-]*)", text)}
    assert flags - known == set()


def test_exit_codes_are_those_of_the_code() -> None:
    told = {int(row[0]) for row in table("troubleshooting.md", "Exit codes").rows}
    own = {value for name, value in vars(console).items() if name.startswith("EXIT_")}
    assert told == own | {0, 2}


def test_augmentation_limits_are_those_of_the_code() -> None:
    from castproof.model.augmentation import LEVELS

    units = (1, 1, 100, 100, 100, 1, 100, 1)
    told = {
        row[0]: [float(cell.rstrip("°% ")) / unit for cell, unit in zip(row[1:], units, strict=True)]
        for row in table("training.md", "Augmentation").rows
    }
    assert told == {name: list(asdict(level).values()) for name, level in LEVELS.items()}


# Photos and class names


def test_class_names_are_read_as_documented() -> None:
    rows = table("data.md", "Class names").rows
    told = {name: row[0] for row in rows for name in names_in([row[1]])}
    assert {name: reading_of(name) for name in told} == told


def test_formats_and_limits_are_those_of_the_decoder() -> None:
    text = page("data.md")
    told = set(re.findall(r"(?<=[ (])\.[a-z]+\d?\b", text))
    assert told == IMAGE_SUFFIXES | FOREIGN_SUFFIXES | set(TABLE_SUFFIXES)
    for limit in (
        f"{MAX_SIDE_PX} pixels",
        f"{limits.MAX_PIXELS // 10**6} megapixels",
        f"{limits.MAX_WEBP_PIXELS // 10**6} in a WebP",
        f"{limits.MAX_SCANNED_PIXELS // 10**6} million",
        f"{limits.MAX_LONG_SIDE_PX} pixels",
        f"{limits.MAX_STORED_BYTES // 10**6} MB",
        f"file | {limits.MAX_FILE_BYTES >> 20} MiB",
        f"in a TIFF, {limits.MAX_JPEG_BYTES >> 20} MiB",
        f"PackBits in a TIFF {limits.MAX_COUNTED_BYTES >> 20} MiB",
        f"pages) | {limits.MAX_SEGMENTS}",
    ):
        assert limit in text


def test_manifest_columns_are_those_of_the_file() -> None:
    assert first_names(table("data.md", "manifest.csv")) == list(MANIFEST_COLUMNS)


# Metrics and run folders


def test_every_metric_is_described_in_its_order() -> None:
    found = metrics(np.array([True, False]), np.array([0.9, 0.1]), 0.5, 1, 1)
    assert sorted(first_names(table("results.md", "Metrics"))) == sorted(found)


def test_null_is_told_of_the_metrics_that_can_be_none() -> None:
    cases = [(label, p) for label in ([True, False], [True], [False]) for p in (0.1, 0.5, 0.9)]
    results = [metrics(np.array(label), np.full(len(label), p), 0.5, 1, 1) for label, p in cases]
    can_be_none = {name for found in results for name, value in found.items() if value is None}
    rows = table("results.md", "Metrics").rows
    assert {names_in([row[0]])[0] for row in rows if row[2] != "never"} == can_be_none


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos in data/, two runs trained on them, an evaluation in scored/ and verdicts.csv.

    Its model file is model.onnx; part_17.jpg is like its photos, dark.jpg is not, and broken.jpg is no photo.
    """
    place = tmp_path_factory.mktemp("docs")
    rng = np.random.default_rng(5)
    for split in ("train", "val", "test"):
        for kind, base in (("ok", 120), ("crack", 60)):
            folder = place / "data" / split / kind
            folder.mkdir(parents=True)
            for number in range(4):
                pixels = rng.integers(base, base + 90, (32, 32), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    broken = place / "broken.jpg"
    broken.write_bytes(b"no photo")
    settings = ["--weights", "none", "--img-size", "32", "--epochs", "1", "--device", "cpu", "--no-bars"]
    data, run = str(place / "data"), str(place / RUN)
    (place / "runs").mkdir()
    for recipe, target in (("fast", RUN), ("reference", BY_EPOCHS)):
        made = place / f"made {recipe}"
        call(["train", "--data", data, "--recipe", recipe, "--outdir", str(made), *settings])
        next(made.iterdir()).rename(place / target)
    call(["evaluate", run, "--data", f"{data}/test", "--outdir", str(place / "scored"), "--device", "cpu"])
    call(["predict", run, data, str(broken), "--csv", str(place / "verdicts.csv")], exit_code=3)
    call(["export", run, "--data", data, "-o", str(place / "model.onnx"), "--no-bars"])
    for name, base in (("part_17.jpg", 120), ("dark.jpg", 5)):
        pixels = rng.integers(base, base + 90 * base // 120 + 1, (32, 32), dtype=np.uint8)
        Image.fromarray(pixels).save(place / name)
    return place


def call(arguments: list[str], exit_code: int = 0) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == exit_code, result.output or result.exception


def columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def test_every_file_of_a_run_is_described(workplace: Path) -> None:
    usual, by_epochs = (first_names(one) for one in tables_under("results.md", "The run folder"))
    assert sorted(usual) == sorted(path.name for path in (workplace / RUN).iterdir())
    own = {path.name for path in (workplace / BY_EPOCHS).iterdir()} - set(usual)
    assert sorted(by_epochs) == sorted(own)
    described = {*usual, *by_epochs}
    properties = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]
    paths = [getattr(RunFolder(Path("run")), name) for name in properties]
    assert {path.name for path in paths if isinstance(path, Path)} <= {*described, "features.npy"}


def test_every_file_of_an_evaluation_is_described(workplace: Path) -> None:
    section = page("results.md").split("### An evaluation folder")[1].split("\n## ")[0]
    files = {name for name in names_in([section]) if "." in name}
    assert files == {path.name for path in (workplace / "scored").iterdir()}


def test_every_column_of_the_tables_is_described(workplace: Path) -> None:
    run = workplace / RUN
    described = {
        heading: first_names(table("results.md", heading))
        for heading in ("predictions.csv", "Verdicts of predict", "strengths.csv", "history.csv")
    }
    assert described["predictions.csv"] == columns(run / "predictions.csv")
    assert described["Verdicts of predict"] == columns(workplace / "verdicts.csv")
    assert described["strengths.csv"] == columns(run / "strengths.csv")
    assert described["history.csv"] == columns(workplace / BY_EPOCHS / "history.csv")


def test_every_key_of_metrics_json_is_described(workplace: Path) -> None:
    described = set(first_names(table("results.md", "metrics.json")))
    found = [
        set(json.loads((folder / "metrics.json").read_text(encoding="utf-8")))
        for folder in (workplace / RUN, workplace / "scored")
    ]
    assert described == set.union(*found)


def test_labels_and_verdicts_in_the_tables_are_described(workplace: Path) -> None:
    with (workplace / RUN / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = {names_in([row[0]])[0]: row[1] for row in table("results.md", "predictions.csv").rows}
    assert {row["label"] for row in rows} == set(names_in([told["label"]]))
    assert {row["verdict"] for row in rows} <= set(re.findall(r"[A-Z_]{6,}", told["verdict"]))


# Examples and links


@pytest.mark.parametrize(
    "path", [p for p in PAGES if blocks(p.read_text(encoding="utf-8"), "python")], ids=_page_id
)
def test_python_examples_give_what_they_show(
    path: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    source = "\n".join(blocks(path.read_text(encoding="utf-8"), "python"))
    test = doctest.DocTestParser().get_doctest(source, {}, path.name, str(path), 0)
    assert test.examples, "an example without >>> would not be run"
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test, out=told.append)
    assert result.failed == 0, "".join(told)


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=_page_id)
def test_relative_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    broken = []
    for link in (link for link in links if "://" not in link):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        reachable = target.exists() and (not anchor or anchor in anchors(target.read_text(encoding="utf-8")))
        if not reachable:
            broken.append(link)
    assert broken == []
