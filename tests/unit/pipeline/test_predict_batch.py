"""Verdicts on many photos: nothing is lost, doubled or mixed, however often it is stopped, in bounded memory."""

import csv
import gc
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.data.folders import photos_below
from castproof.errors import DataError, MissingExtraError, OutputError, SettingError
from castproof.gate.calibrator import Calibrator
from castproof.gate.combine import Combine
from castproof.gate.gate import Gate
from castproof.gate.policy import MANUAL, Policy
from castproof.measure.decision import Thresholds, Verdict
from castproof.pipeline.predict import Asked, Table, predict_all
from castproof.pipeline.predicting import tables
from castproof.pipeline.predicting.heat_files import heat_map_path
from castproof.pipeline.predicting.prediction import Prediction, Rules
from castproof.pipeline.predicting.summary import LISTED
from castproof.pipeline.predicting.tables import COLUMNS, CSV, JSON, PARQUET
from castproof.pipeline.predicting.unfinished import ROWS
from castproof.pipeline.predicting.walk import Shard, Unit, walk

DARK = "far too dark"


def gate_of(threshold: float, reject_from: float, combine: str = "single") -> Gate:
    thresholds = Thresholds(threshold, reject_from)
    return Gate(
        Calibrator(), thresholds, Policy(MANUAL, thresholds=thresholds, combine=Combine.parse(combine))
    )


class SizeJudge:
    """A judge to whom the bytes of a photo are p_defective; it knows whom it judged."""

    def __init__(self, gate: Gate | None = None, model_id: str = "a" * 64, pause_s: float = 0) -> None:
        self.name = "model.onnx"
        self.rules = Rules(gate or gate_of(0.4, 0.6), ("ok_front",), ("def_front",), model_id)
        self.workers, self.chunk, self.only_checksummed = 3, 8, False
        self.judged: list[str] = []
        self.pause_s = pause_s
        self.stop_at = -1

    def judge(self, units: Sequence[Unit]) -> list[Prediction]:
        time.sleep(self.pause_s)
        return [self._one(unit) for unit in units]

    def _one(self, unit: Unit) -> Prediction:
        self.judged.append(unit.name)
        if len(self.judged) == self.stop_at:
            raise KeyboardInterrupt
        texts = [photo.read_text() if photo.is_file() else "nan" for photo in unit.photos]
        p = max(float(text.split()[0]) for text in texts) if "nan" not in texts else float("nan")
        return self.rules.prediction(unit, p, (f"{DARK}: {p}",) if "dark" in texts[0] else ())


def fill(root: Path, count: int, seed: int = 1) -> Path:
    """Write `count` photos of each class, in several folders, a few of them dark or unreadable."""
    rng = np.random.default_rng(seed)
    for name in ("def_front", "ok_front"):
        for number in range(count):
            folder = root / ("test", "a", "a-b", "a.b")[number % 4] / name
            folder.mkdir(parents=True, exist_ok=True)
            p = rng.beta(4, 2) if name == "def_front" else rng.beta(2, 4)
            text = "nan" if number % 31 == 30 else f"{p:.6f}" + (" dark" if number % 7 == 6 else "")
            (folder / f"{number}.jpg").write_text(text)
    return root


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        return list(csv.DictReader(file))


def table_of(root: Path, out: Path, **asked: Any) -> list[dict[str, str]]:
    predict_all(SizeJudge(), Asked([root], table=Table(CSV, out), **asked))
    return rows_of(out)


NAMES = st.sampled_from(
    ["a", "a-b", "a.b", "a b", "ab", "A", "ä", "鋳", "0", "a.jpg", "a-.png", "b.jpg", ".x.jpg"]
)


@settings(deadline=None, max_examples=40)
@given(st.sets(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=12))
def test_the_walk_finds_the_photos_of_a_data_set_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, paths: set[tuple[str, ...]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for steps in paths:
        path = root.joinpath(*steps)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError:
            continue  # a file lies where a folder would
    units = list(walk([root]))
    assert [unit.path for unit in units] == photos_below(root)
    assert [unit.key for unit in units] == sorted(unit.key for unit in units)
    parts = list(walk([root], part_per_folder=True))
    assert [unit.key for unit in parts] == sorted(unit.key for unit in parts)
    assert sorted(photo for part in parts for photo in part.photos) == sorted(unit.path for unit in units)
    assert all({photo.parent for photo in part.photos} == {part.path} for part in parts)


def test_links_lead_outside_once_and_never_back(tmp_path: Path) -> None:
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "other" / "deep").mkdir(parents=True)
    for file in ("data/a/1.jpg", "other/2.jpg", "other/deep/3.jpg"):
        (tmp_path / file).touch()
    (tmp_path / "data" / "back").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "up").symlink_to(tmp_path)
    (tmp_path / "data" / "once").symlink_to(tmp_path / "other")
    (tmp_path / "data" / "twice").symlink_to(tmp_path / "other")
    (tmp_path / "other" / "deep" / "round").symlink_to(tmp_path / "other")
    assert [unit.name for unit in walk([tmp_path / "data"])] == ["a/1.jpg", "once/2.jpg", "once/deep/3.jpg"]


def test_photos_given_one_by_one_are_grouped_to_parts_by_their_folder(tmp_path: Path) -> None:
    root = fill(tmp_path, 8)
    one, two = photos_below(root / "a")[:2], photos_below(root / "test")[:2]
    given_photos = [one[0], two[0], root / "a-b", two[1], one[1]]
    parts = list(walk(given_photos, part_per_folder=True))
    assert [part.path for part in parts] == [
        one[0].parent,
        two[0].parent,
        root / "a-b" / "def_front",
        root / "a-b" / "ok_front",
    ]
    assert parts[0].photos == (one[0], one[1])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 13])
def test_every_photo_is_in_exactly_one_shard_and_stays_there(tmp_path: Path, count: int) -> None:
    root = fill(tmp_path, 200)
    shards = [[unit.name for unit in walk([root], shard=Shard(i + 1, count))] for i in range(count)]
    everything = [unit.name for unit in walk([root])]
    assert sorted(name for shard in shards for name in shard) == sorted(everything)
    assert all(shard == [name for name in everything if name in set(shard)] for shard in shards)
    expected, spread = 400 / count, np.sqrt(400 / count)
    assert all(abs(len(shard) - expected) < 4 * spread for shard in shards)
    (root / "0.jpg").touch()
    after = [
        {unit.name for unit in walk([root], shard=Shard(i + 1, count))} - {"0.jpg"} for i in range(count)
    ]
    assert after == [set(shard) for shard in shards]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "a/b", "1/2/3", "-1/4", "1/1000000"])
def test_what_is_no_shard_is_told(text: str) -> None:
    with pytest.raises(SettingError, match="--shard"):
        Shard.parse(text)


def test_the_tables_of_all_shards_are_that_of_the_whole(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 40)
    whole = table_of(root, tmp_path / "whole.csv")
    parts = [table_of(root, tmp_path / f"{i}.csv", shard=Shard(i, 3)) for i in (1, 2, 3)]
    assert sorted((row for part in parts for row in part), key=str) == sorted(whole, key=str)
    with pytest.raises(SettingError, match="exists already"):
        table_of(root, tmp_path / "1.csv", shard=Shard(2, 3))
    assert rows_of(tmp_path / "1.csv") == parts[0]


def test_rows_and_summary_say_what_the_files_say(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 150)
    judge = SizeJudge()
    summary = predict_all(judge, Asked([root], table=Table(CSV, tmp_path / "v.csv")))
    rows = rows_of(tmp_path / "v.csv")
    assert tuple(rows[0]) == COLUMNS
    assert [row["file"] for row in rows] == [path.as_posix() for path in photos_below(root)]
    cases: Counter[tuple[str, str]] = Counter()
    for row in rows:
        text = Path(row["file"]).read_text()
        p = float(text.split()[0])
        expected = "REVIEW" if "dark" in text or 0.4 <= p < 0.6 else "REJECT" if p >= 0.6 else "ACCEPT"
        expected = "NOT_INSPECTED" if text == "nan" else expected
        label = "defective" if "def_front" in row["file"] else "good"
        right = {("ACCEPT", "good"), ("REJECT", "defective")}
        correct = str(int((expected, label) in right)) if expected in ("ACCEPT", "REJECT") else ""
        assert row["verdict"] == expected
        assert row["p_defective"] == ("" if text == "nan" else str(p))
        assert (row["label"], row["correct"]) == (label, correct)
        assert (row["class"], row["model"]) == (Path(row["file"]).parent.name, "a" * 64)
        assert bool(row["reason"]) == (text == "nan")
        assert row["warnings"] == (f"{DARK}: {p}" if "dark" in text else "")
        cases[label, expected] += 1
    assert summary.labelled == {(label, Verdict(name)): count for (label, name), count in cases.items()}
    assert (summary.missed_count, summary.false_alarm_count) == (
        cases["defective", "ACCEPT"],
        cases["good", "REJECT"],
    )
    assert (summary.count, summary.kept, len(judge.judged)) == (300, 0, 300)
    missed = [row["file"] for row in rows if row["label"] == "defective" and row["correct"] == "0"]
    alarms = [row["file"] for row in rows if row["label"] == "good" and row["correct"] == "0"]
    assert len(missed) > 3
    assert [one.path.as_posix() for one in summary.missed] == missed[:LISTED]
    assert [one.path.as_posix() for one in summary.false_alarms] == alarms[:LISTED]
    assert summary.warnings == {DARK: sum(bool(row["warnings"]) for row in rows)}
    assert list((tmp_path).glob("v.csv.part")) == []


def test_the_three_tables_hold_the_same(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 40)
    strange = Path(os.fsdecode(os.fsencode(root) + b"/a \xff.jpg"))
    strange.write_text("0.1 dark")
    for kind, name in ((CSV, "v.csv"), (JSON, "v.jsonl"), (PARQUET, "v.parquet")):
        predict_all(SizeJudge(), Asked([root], table=Table(kind, tmp_path / name)))
    rows = rows_of(tmp_path / "v.csv")
    lines = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text(encoding="utf-8").splitlines()]
    parquet = pq.read_table(tmp_path / "v.parquet").to_pylist()
    assert [tuple(line) for line in lines] == [COLUMNS] * len(rows)
    assert lines[0]["file"] == strange.as_posix()
    assert parquet[0].pop("file") == os.fsencode(strange).replace(b"\xff", rb"\xed\xb3\xbf").decode()
    lines[0].pop("file")
    assert parquet == lines
    for row, line in zip(rows, lines, strict=True):
        assert row["verdict"] == line["verdict"]
        assert row["p_defective"] == ("" if line["p_defective"] is None else str(line["p_defective"]))
        assert row["correct"] == ("" if line["correct"] is None else str(int(line["correct"])))
        assert row["warnings"] == "; ".join(line["warnings"])


def stopped_after(count: int, root: Path, out: Path) -> None:
    """Let a judge be interrupted at its photo number `count`."""
    judge = SizeJudge()
    judge.workers, judge.chunk, judge.stop_at = 1, 2, count
    with pytest.raises(KeyboardInterrupt):
        predict_all(judge, Asked([root], table=Table(CSV, out)))


def test_it_goes_on_where_it_was_interrupted_again_and_again(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 100)
    expected = table_of(root, tmp_path / "whole.csv")
    out, rows = tmp_path / "v.csv", tmp_path / "v.csv.part" / ROWS
    for count in (60, 40, 50):
        stopped_after(count, root, out)
        rows.write_bytes(rows.read_bytes()[:-9])  # torn in the middle of the last row
        assert not out.exists()
    judge = SizeJudge()
    summary = predict_all(judge, Asked([root], table=Table(CSV, out)))
    assert rows_of(out) == expected
    assert summary.count == 200
    unreadable = sum(row["verdict"] == "NOT_INSPECTED" for row in expected)
    lost = (
        3 * (3 * 2 + 2) + 3 * unreadable
    )  # chunks in work and a torn row each time, and what is tried each time
    assert 150 - lost <= summary.kept < 150
    assert len(judge.judged) == summary.count - summary.kept
    assert not (tmp_path / "v.csv.part").exists()


def test_changed_new_and_gone_photos_are_noticed(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 100)
    out = tmp_path / "v.csv"
    stopped_after(150, root, out)
    rows_file = tmp_path / "v.csv.part" / ROWS
    rows_file.write_bytes(rows_file.read_bytes()[:-9])
    first = photos_below(root)
    first[3].write_text("0.99")
    first[4].write_text("0.98")
    first[5].unlink()
    (first[0].parent / "0 new.jpg").write_text("0.5")
    stopped_after(10, root, out)  # rows of a second sitting stand between those of the first
    first[3].write_text("0.9")
    judge = SizeJudge()
    summary = predict_all(judge, Asked([root], table=Table(CSV, out)))
    rows = rows_of(out)
    assert rows == table_of(root, tmp_path / "again.csv")
    assert [row["file"] for row in rows] == [path.as_posix() for path in photos_below(root)]
    assert summary.kept > 100
    assert first[3].relative_to(root).as_posix() in judge.judged
    assert first[4].relative_to(root).as_posix() not in judge.judged, "its later row counts"
    broken = sum(row["verdict"] == "NOT_INSPECTED" for row in rows)
    assert broken > 0, "these are tried again"
    assert len(judge.judged) == len(rows) - summary.kept


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_predict_batch import Asked, CSV, SizeJudge, Table, predict_all
predict_all(SizeJudge(pause_s=0.02), Asked([Path(sys.argv[2])], table=Table(CSV, Path(sys.argv[3]))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_process_leaves_rows_that_count_and_a_torn_one_that_does_not(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 400)
    out, part = tmp_path / "v.csv", tmp_path / "v.csv.part"
    before = b"an older table"
    out.write_bytes(before)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(root), str(out)]
    )
    try:
        stop = time.monotonic() + 60
        while not (part / ROWS).exists() or (part / ROWS).read_bytes().count(b"\n") < 100:
            assert process.poll() is None
            assert time.monotonic() < stop
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert out.read_bytes() == before
    kept = (part / ROWS).read_bytes()
    assert kept.count(b"\n") < 800
    (part / ROWS).write_bytes(kept[:-17])
    judge = SizeJudge()
    summary = predict_all(judge, Asked([root], table=Table(CSV, out)))
    assert summary.kept >= kept.count(b"\n") - 3
    assert len(judge.judged) + summary.kept == 800
    assert rows_of(out) == table_of(root, tmp_path / "whole.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "v.csv", "whole.csv"]


@settings(deadline=None, max_examples=60)
@given(place=st.integers(0, 10_000), kind=st.sampled_from(["cut", "flip", "zeros"]), seed=st.integers(0, 255))
def test_damaged_rows_never_change_the_table(
    tmp_path_factory: pytest.TempPathFactory, place: int, kind: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    root, out = fill(folder / "photos", 30), folder / "v.csv"
    expected = table_of(root, folder / "whole.csv")
    stopped_after(50, root, out)
    path = folder / "v.csv.part" / ROWS
    data = bytearray(path.read_bytes())
    first = data.index(b"\n") + 1
    place = first + place % (len(data) - first)
    if kind == "cut":
        del data[place:]
    elif kind == "zeros":
        data[place:] = bytes(len(data) - place)
    else:
        data[place] = seed
    path.write_bytes(data)
    assert table_of(root, out) == expected


def test_rows_with_another_number_than_was_written_are_judged_anew(tmp_path: Path) -> None:
    root, out = fill(tmp_path / "photos", 50), tmp_path / "v.csv"
    stopped_after(70, root, out)
    path = tmp_path / "v.csv.part" / ROWS
    header, sitting, *lines = path.read_text().splitlines()
    changed = []
    for line in lines:
        values = json.loads(line)
        changed.append(json.dumps([*values[:3], values[3] / 2, *values[4:]]))
    path.write_text("\n".join([header, sitting, *changed]) + "\n")
    assert table_of(root, out) == table_of(root, tmp_path / "whole.csv")


@pytest.mark.parametrize("change", ["model", "gate", "sources", "--shard"])
def test_rows_of_two_commands_never_mix(tmp_path: Path, change: str) -> None:
    root, out = fill(tmp_path / "photos", 50), tmp_path / "v.csv"
    stopped_after(40, root, out)
    kept = (tmp_path / "v.csv.part" / ROWS).read_bytes()
    judge = SizeJudge(
        gate_of(0.3, 0.7) if change == "gate" else None, model_id="b" * 64 if change == "model" else "a" * 64
    )
    asked = Asked(
        [root / "a" if change == "sources" else root],
        shard=Shard(1, 2) if change == "--shard" else None,
        table=Table(CSV, out),
    )
    with pytest.raises(SettingError, match=f"differ in: {change}\\."):
        predict_all(judge, asked)
    assert judge.judged == []
    assert (tmp_path / "v.csv.part" / ROWS).read_bytes() == kept


def test_what_no_row_was_finished_of_stands_in_nobodys_way(tmp_path: Path) -> None:
    root, out = fill(tmp_path / "photos", 20), tmp_path / "v.csv"
    stopped_after(1, root, out)
    predict_all(SizeJudge(model_id="b" * 64), Asked([root], table=Table(CSV, out)))
    assert {row["model"] for row in rows_of(out)} == {"b" * 64}


def test_a_second_process_with_the_same_table_is_kept_out(tmp_path: Path) -> None:
    root, out = fill(tmp_path / "photos", 20), tmp_path / "v.csv"

    class Nosy(SizeJudge):
        def judge(self, units: Sequence[Unit]) -> list[Prediction]:
            with pytest.raises(OutputError, match="Another command"):
                predict_all(SizeJudge(), Asked([root], table=Table(CSV, out)))
            return super().judge(units)

    assert predict_all(Nosy(), Asked([root], table=Table(CSV, out))).count == 40


def test_a_part_gets_one_verdict_and_a_wrong_gate_is_told(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 12)
    out = Table(CSV, tmp_path / "v.csv")
    with pytest.raises(SettingError, match="judges single photos"):
        predict_all(SizeJudge(), Asked([root], part_per_folder=True, table=out))
    judge = SizeJudge(gate_of(0.4, 0.6, "any/3"))
    with pytest.raises(SettingError, match="by several photos"):
        predict_all(judge, Asked([root], table=out))
    predict_all(judge, Asked([root], part_per_folder=True, table=out))
    rows = rows_of(tmp_path / "v.csv")
    assert [Path(row["file"]).name for row in rows] == ["def_front", "ok_front"] * 4
    for row in rows:
        texts = [path.read_text() for path in Path(row["file"]).iterdir()]
        assert float(row["p_defective"]) == max(float(text.split()[0]) for text in texts)


def test_wrong_names_are_told_before_anything_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, judge = fill(tmp_path / "photos", 4), SizeJudge()
    (tmp_path / "folder.csv").mkdir()
    for kind, name in ((CSV, "v.txt"), (JSON, "v.csv"), (PARQUET, "v.csv"), (CSV, "folder.csv")):
        with pytest.raises(SettingError, match="not the name of a table"):
            predict_all(judge, Asked([root], table=Table(kind, tmp_path / name)))
    with pytest.raises(SettingError, match="lies in"):
        predict_all(judge, Asked([root], heat_maps=root / "a" / "heat"))
    with pytest.raises(DataError, match="no photos in"):
        predict_all(judge, Asked([tmp_path / "folder.csv"]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"castproof's parquet extra.* --csv or --json"):
        predict_all(judge, Asked([root], table=Table(PARQUET, tmp_path / "v.parquet")))
    assert judge.judged == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "photos"]


def test_no_heat_map_takes_the_place_of_another(tmp_path: Path) -> None:
    names = ["a/1.png", "a/1.jpg", "../a/1.png", "/a/b/1.png", "a/1.png.jpg", "b/a/1.png"]
    paths = [heat_map_path(Path(name), tmp_path) for name in names]
    assert paths[0] == tmp_path / "a" / "1.png.jpg"
    assert len(set(paths)) == len(names)
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in paths)


class Forgetful(SizeJudge):
    """Keeps no list of what it judged, so that only the memory of the code under test is measured."""

    def _one(self, unit: Unit) -> Prediction:
        return self.rules.prediction(unit, 0.5, (f"{DARK}: {unit.name}",))


@pytest.mark.parametrize("kind", [CSV, PARQUET])
def test_memory_does_not_grow_with_the_number_of_photos(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 500)
    peaks = []
    for count in (1_000, 8_000):
        root = tmp_path / str(count)
        for number in range(count):
            if number % 500 == 0:
                (root / f"{number}").mkdir(parents=True)
            (root / f"{number - number % 500}" / f"{number}.jpg").touch()
        judge, table = Forgetful(), Table(kind, tmp_path / f"{count}.{kind}")
        predict_all(judge, Asked([root / "0"], table=Table(kind, tmp_path / f"warm {count}.{kind}")))
        gc.collect()
        gc.freeze()  # else what other tests left behind decides how seldom garbage is looked for
        gc.collect()
        tracemalloc.start()
        assert predict_all(judge, Asked([root], table=table)).count == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        gc.unfreeze()
    # The table of all interned strings, which pathlib uses, takes 2 MB and stays so; predictions would take 6 MB.
    assert peaks[1] < peaks[0] + 4_000_000
