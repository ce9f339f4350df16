"""The chain on a few real photos of castings, where there are any."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from castproof_process import Server
from small_run import only_run

REPOSITORY = Path(__file__).parents[2]
PHOTOS = Path(os.environ.get("CASTPROOF_DATA", REPOSITORY.parent / "shared" / "data" / "casting"))
COUNTS = {"train": 30, "val": 15, "test": 15}

pytestmark = pytest.mark.skipif(
    not (PHOTOS / "train" / "ok_front").is_dir(),
    reason="needs real photos: set CASTPROOF_DATA to a folder that holds train/ok_front and so on",
)


def link_some(target: Path) -> Path:
    """Link a few photos of every split and class, evenly spaced over the folder."""
    for split, count in COUNTS.items():
        for name in ("ok_front", "def_front"):
            photos = sorted((PHOTOS / split / name).iterdir())
            (target / split / name).mkdir(parents=True)
            for photo in photos[:: len(photos) // count][:count]:
                (target / split / name / photo.name).symlink_to(photo)
    return target


def test_real_photos_are_read_learnt_from_and_judged(castproof: Server, tmp_path: Path) -> None:
    data = link_some(tmp_path / "casting_data")
    flags = ["--weights", "none", "--img-size", "96", "--no-bars"]
    done = castproof.run(["train", "--data", "casting_data", *flags], tmp_path)
    assert done.code == 0, done.text
    run = only_run(tmp_path / "runs")
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["classes"] == {"good": ["ok_front"], "defective": ["def_front"]}
    assert {split: one["n"] for split, one in metrics["splits"].items()} == {
        split: 2 * count for split, count in COUNTS.items()
    }
    assert metrics["splits"]["train"]["auc_roc"] > 0.9, "it learns"
    judged = castproof.run(["predict", run, data / "test", "--csv", "verdicts.csv"], tmp_path)
    assert judged.code == 0, judged.text
    with (tmp_path / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        verdicts = Counter(row["verdict"] for row in csv.DictReader(file))
    assert sum(verdicts.values()) == 30
    assert set(verdicts) <= {"ACCEPT", "REVIEW", "REJECT"}
