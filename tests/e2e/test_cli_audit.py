"""`castproof audit`: what it writes, when it fails a pipeline, and what a second run does."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from castproof_process import Server
from PIL import Image

from castproof.data.synthetic import write_dataset

FILES = {"manifest.csv", "audit.json", "audit.html"}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return generated photos of eight parts, each of them in one split."""
    folder = tmp_path_factory.mktemp("photos") / "data"
    return write_dataset(
        folder, parts_per_class=4, photos_per_part=1, families=("impeller",), size=96, split=True, workers=1
    )


@pytest.fixture
def data(clean: Path, tmp_path: Path) -> Path:
    return shutil.copytree(clean, tmp_path / "data")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Return the environment with a cache of its own."""
    return {"CASTPROOF_CACHE": str(tmp_path / "cache")}


def found_in(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "audit.json").read_text(encoding="utf-8"))


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def some(data: Path, split: str, name: str) -> Path:
    return sorted((data / split / name).iterdir())[0]


def test_a_copy_in_another_split_is_a_leak_and_strict_fails_on_it(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    source = some(data, "train", "ok")
    shutil.copy(source, data / "test" / "ok" / "copy <b>.jpg")
    done = castproof.run(["audit", "data"], tmp_path, home)
    assert done.code == 0, done.text
    assert "→ Split by part: castproof split data data_by_part" in done.out
    assert {path.name for path in (tmp_path / "audit").iterdir()} == FILES
    found = found_in(tmp_path / "audit")
    assert not found["clean"]
    rows = rows_of(tmp_path / "audit")
    pair = [rows["test/ok/copy <b>.jpg"], rows[source.relative_to(data).as_posix()]]
    assert all({"duplicate", "leak"} <= set(row["flags"].split(";")) for row in pair)
    assert pair[0]["part"] == pair[1]["part"]
    assert pair[0]["part"] in found["leak"]["shared"]
    assert [sorted(one["files"]) for one in found["duplicates"]] == [sorted(row["file"] for row in pair)]
    page = (tmp_path / "audit" / "audit.html").read_text(encoding="utf-8")
    assert "copy &lt;b&gt;.jpg" in page
    assert "copy <b>" not in page
    (fix,) = re.findall("<pre>(.*)</pre>", page)
    assert f"→ Split by part: {fix}\n" in done.out
    assert castproof.run(["audit", "data", "--strict"], tmp_path, home).code == 4


def test_a_copy_with_the_other_label_is_a_conflict(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    shutil.copy(some(data, "train", "ok"), data / "train" / "defective" / "copy.jpg")
    done = castproof.run(["audit", "data", "--strict", "--outdir", "report"], tmp_path, home)
    assert done.code == 4, done.text
    assert "--set-aside" in done.out
    row = rows_of(tmp_path / "report")["train/defective/copy.jpg"]
    assert row["part"] in {one["part"] for one in found_in(tmp_path / "report")["label_conflicts"]}
    assert "label-conflict" in row["flags"].split(";")


def test_the_page_proposes_the_command_in_the_form_that_was_typed(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    shutil.copy(some(data, "train", "ok"), data / "test" / "ok" / "copy.jpg")
    shutil.copy(some(data, "train", "ok"), data / "test" / "defective" / "copy.jpg")
    for typed, target in (("data", "data_by_part"), (str(data), f"{data}_by_part")):
        done = castproof.run(["audit", typed], tmp_path, {**home, "UV": "/somewhere/uv"})
        assert done.code == 0, done.text
        page = (tmp_path / "audit" / "audit.html").read_text(encoding="utf-8")
        assert f"<pre>uv run castproof split {typed} {target} --set-aside</pre>" in page
        assert f"uv run castproof split {typed} {target} --set-aside\n" in done.out


def test_equal_pixels_in_another_format_are_found(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    source = some(data, "train", "ok")
    with Image.open(source) as image:
        image.save(source.with_suffix(".png"))
    done = castproof.run(["audit", "data"], tmp_path, home)
    assert done.code == 0, done.text
    (group,) = found_in(tmp_path / "audit")["duplicates"]
    assert group["same"] == "pixels"
    assert {Path(name).suffix for name in group["files"]} == {".jpg", ".png"}


def test_a_second_run_gives_the_same_and_a_broken_cache_does_no_harm(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    cache = Path(home["CASTPROOF_CACHE"])
    results = []
    for number, prepare in enumerate((None, None, "break", "disable")):
        for path in cache.rglob("*.json") if prepare == "break" else ():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        flags = ["--no-cache"] if prepare == "disable" else []
        done = castproof.run(["audit", "data", "--outdir", f"out{number}", *flags], tmp_path, home)
        assert done.code == 0, done.text
        results.append(
            [(tmp_path / f"out{number}" / name).read_bytes() for name in ("audit.json", "manifest.csv")]
        )
    assert results.count(results[0]) == 4


def test_what_is_kept_is_used(castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]) -> None:
    castproof.run(["audit", "data"], tmp_path, home)
    for path in (Path(home["CASTPROOF_CACHE"]) / "statistics").iterdir():
        shard = json.loads(path.read_text())
        for entry in shard["entries"].values():
            entry["pixel_hash"] = "changed"
        path.write_text(json.dumps(shard))
    castproof.run(["audit", "data"], tmp_path, home)
    assert found_in(tmp_path / "audit")["flags"]["same-pixels"] == 8
    castproof.run(["audit", "data", "--no-cache"], tmp_path, home)
    assert found_in(tmp_path / "audit")["flags"]["same-pixels"] == 0


def test_photos_without_splits_are_audited(
    castproof: Server, clean: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    for name in ("ok", "defective"):
        shutil.copytree(clean / "train" / name, tmp_path / "data" / name)
    done = castproof.run(["audit", "data"], tmp_path, home)
    assert done.code == 0, done.text
    found = found_in(tmp_path / "audit")
    assert found["leak"] is None
    assert all(row["split"] == "" for row in rows_of(tmp_path / "audit").values())


def test_unreadable_photos_stop_it_or_are_recorded(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    (data / "test" / "ok" / "half.jpg").write_bytes(some(data, "test", "ok").read_bytes()[:900])
    stopped = castproof.run(["audit", "data"], tmp_path, home)
    assert stopped.code == 1
    assert "half.jpg" in stopped.err
    assert not (tmp_path / "audit").exists()
    done = castproof.run(["audit", "data", "--skip-unreadable"], tmp_path, home)
    assert done.code == 0, done.text
    assert [one["file"] for one in found_in(tmp_path / "audit")["unreadable"]] == ["test/ok/half.jpg"]
    assert "half.jpg" in (tmp_path / "audit" / "audit.html").read_text(encoding="utf-8")
    assert rows_of(tmp_path / "audit")["test/ok/half.jpg"]["unreadable"]
    counted = {
        (one["split"], one["kind"]): one["photos"] for one in found_in(tmp_path / "audit")["leak"]["counts"]
    }
    assert counted["test", "good"] == len(list((data / "test" / "ok").iterdir())) - 1
    page = (tmp_path / "audit" / "audit.html").read_text(encoding="utf-8")
    assert "Photos that cannot be read show no part; they are not counted here." in page
    assert "photos that cannot be read (not counted above)" in done.out


@pytest.mark.parametrize("outdir", ["audit", "train/report"])
def test_the_results_never_go_into_the_data(
    castproof: Server, data: Path, home: dict[str, str], outdir: str
) -> None:
    before = sorted(data.rglob("*"))
    done = castproof.run(["audit", ".", "--outdir", outdir], data, home)
    assert done.code == 1
    assert "is in the data folder" in " ".join(done.err.split())
    assert sorted(data.rglob("*")) == before


def test_a_run_folder_is_left_alone(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "hparams.json").write_text("{}")
    done = castproof.run(["audit", "data", "--outdir", "run"], tmp_path, home)
    assert done.code == 1
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["hparams.json"]


def test_names_that_are_no_unicode_are_written(
    castproof: Server, data: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    shutil.copy(some(data, "train", "ok"), data / "test" / "ok" / name)
    folder = data.rename(tmp_path / b"M\xe4rz".decode("utf-8", "surrogateescape"))
    done = castproof.run(["audit", folder.name], tmp_path, home)
    assert done.code == 0, done.text
    (group,) = found_in(tmp_path / "audit")["duplicates"]
    assert "test/ok/caf\\udce9.jpg" in group["files"]
    page = (tmp_path / "audit" / "audit.html").read_text(encoding="utf-8")
    assert "Audit of <bdi>M\\udce4rz</bdi>" in page
    assert "<wbr>/caf\\udce9.jpg</bdi>" in page
