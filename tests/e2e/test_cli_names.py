"""No command prints a file name in a way that drives the terminal, turns the reading direction or fakes a line."""

import re
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest
from castproof_process import Done, Server
from small_run import ROUND, SMALL, fill_splits, only_run

from castproof.apps.cli import console
from castproof.apps.cli.main import COMMANDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs file names with any characters")
FORGED = "FORGED"
# Clears the screen, sets a title, rings, turns the direction of reading, goes back in the line, begins a new one.
HOSTILE = f"a\x1b[2J\x1b]0;title\x07\u202e\u200f\x9b\rb\n{FORGED}[bold]:warning:"


def check(done: Done, code: int | None = 0) -> None:
    """Fail where anything but plain text was printed, or where a name begins a line of its own."""
    assert code is None or done.code == code, done.text
    assert "Traceback" not in done.text
    odd = {one for one in done.text if not one.isprintable() and one != "\n"}
    assert {one for one in odd if unicodedata.category(one) != "Zs"} == set()
    befores = [before.rstrip("│ \n") for before in done.text.split(FORGED)[:-1]]
    assert all(before.endswith(("\ufffd", "\\n", "\\x0a")) for before in befores), done.text


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return photos with splits; folder, class and photos have hostile names."""
    data = fill_splits(
        tmp_path_factory.mktemp("hostile") / f"photos {HOSTILE}", {"train": 6, "val": 4, "test": 4}
    )
    for folder in sorted(data.rglob("Riß")):
        folder.rename(folder.with_name(f"Riß {HOSTILE}"))
    for number, photo in enumerate(sorted(data.rglob("*.png"))):
        photo.rename(photo.with_name(f"{HOSTILE} {number}.png"))
    return data


def test_every_command_that_reads_them_prints_hostile_names_plainly(castproof: Server, photos: Path) -> None:
    here, walked = photos.parent, set[str]()

    def walk(*words: str | Path, code: int | None = 0) -> Done:
        done = castproof.run(list(words), here)
        check(done, code)
        walked.add(str(words[0]))
        return done

    broken = next(photos.rglob("*.png")).with_name(f"{HOSTILE} broken.png")
    broken.write_bytes(b"no photo")
    walk("audit", photos, "--no-bars", code=1)
    walk("import", photos, f"to {HOSTILE}", code=1)
    broken.unlink()
    with zipfile.ZipFile(here / f"{HOSTILE}.zip", "w") as archive:
        archive.writestr(f"ok/{HOSTILE}.jpg", b"x")
    walk("import", here / f"{HOSTILE}.zip", "elsewhere", code=1)
    walk("import", photos, f"imported {HOSTILE}", "--no-bars")
    walk("audit", photos, "--outdir", f"audit {HOSTILE}", "--no-bars")
    walk("split", photos, f"split {HOSTILE}", "--no-bars")
    walk(
        "train", "--data", photos, "--recipe", "reference", "--no-gate", "--outdir", f"runs {HOSTILE}", *SMALL
    )
    run = only_run(here / f"runs {HOSTILE}")
    walk("evaluate", run, "--data", photos, "--outdir", f"evaluation {HOSTILE}", "--no-bars")
    cross = here / f"crossval {HOSTILE}"
    walk("crossval", photos, *ROUND, "--folds", "3", "--epochs", "1", "--no-gate", "--outdir", cross)
    walk("decide", cross, "--policy", "manual", "--threshold", "0.5")
    walk("report", cross)
    walk("compare", cross, run)
    model = here / f"model {HOSTILE}.onnx"
    walk("export", run, "-o", model)
    walk("card", model)
    walk("predict", model, photos, "--csv", f"verdicts {HOSTILE}.csv", "--no-bars")
    walk("predict", run, photos, "--no-bars")
    walk("collect", f"verdicts {HOSTILE}.csv", f"collected {HOSTILE}", code=None)
    walk("doctor")
    walk("validate", run, "--data", photos, "--outdir", f"validation {HOSTILE}", code=1)  # it knows them all
    assert walked | {"demo", "convert", "inspector"} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_fails_with_a_hostile_name_in_its_message(
    command: str, castproof: Server, tmp_path: Path
) -> None:
    (tmp_path / HOSTILE).write_bytes(b"neither a model nor photos")
    for words in (
        [HOSTILE, HOSTILE],
        [f"none {HOSTILE}", f"none {HOSTILE}"],
        [f"--{HOSTILE}"],
        ["--outdir", HOSTILE],
    ):
        done = castproof.run([command, *words], tmp_path)
        check(done, None)
        assert done.code != 0


def test_no_module_of_the_command_line_prints_another_way() -> None:
    for module in Path(console.__file__).parent.glob("*.py"):
        if module != Path(console.__file__):
            text = module.read_text(encoding="utf-8")
            assert not re.search(
                r"rich\.markup|rich\.console|rich import|(?<![.\w])print\(|sys\.std(?:out|err)\.", text
            ), module
