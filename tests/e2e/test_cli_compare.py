"""`castproof compare`: two runs on the same test photos, paired over parts."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from castproof_process import Server
from small_run import COUNTS, Trained


def sentence(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def rewritten(run: Path, target: Path, *, p_of_label: dict[str, float]) -> Path:
    """Return a copy of a run that gives every test photo the probability of its label."""
    shutil.copytree(run, target)
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["split"] == "test":
            row["p_defective"] = str(p_of_label[row["label"]])
    with (target / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return target


def test_a_run_that_misses_everything_is_worse_and_told_so(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    right = rewritten(trained.run, tmp_path / "right", p_of_label={"defective": 0.999, "good": 0.001})
    wrong = rewritten(trained.run, tmp_path / "wrong", p_of_label={"defective": 0.001, "good": 0.001})
    done = castproof.run(["compare", right, wrong, "--json", "out.json"], tmp_path)
    assert done.code == 0, done.text
    told = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert told["names"] == ["right", "wrong"]
    assert (told["photos"], told["parts"]) == (2 * COUNTS["test"], [COUNTS["test"]] * 2)
    found = {one["name"]: one for one in told["differences"]}
    assert (found["missed_defects"]["a"], found["missed_defects"]["b"]) == (0.0, 1.0)
    assert found["missed_defects"]["conclusion"] == "worse"
    assert found["good_not_passed"]["conclusion"] == "inconclusive"
    assert "wrong misses more defects, by 100.0 percentage points" in sentence(done.out)
    turned = castproof.run(["compare", wrong, right], tmp_path)
    assert "right misses fewer defects" in sentence(turned.out)


def test_a_run_is_not_compared_with_itself(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    same = tmp_path / "same"
    same.symlink_to(trained.run)
    for other in (trained.run, same):
        done = castproof.run(["compare", trained.run, other], tmp_path)
        assert (done.code, done.out) == (1, ""), done.text
        assert "cannot be compared with itself" in sentence(done.err)
        assert "Give the other run" in sentence(done.err)


def test_a_run_against_its_copy_cannot_be_told_and_is_not_called_equal(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.run, tmp_path / "a" / "run")
    shutil.copytree(trained.run, tmp_path / "b" / "run")
    done = castproof.run(["compare", "a/run", "b/run"], tmp_path)
    assert done.code == 0, done.text
    assert "a/run" in done.out
    assert "better" not in done.out.replace("B is", "")
    assert sentence(done.out).count("Cannot tell whether") == 7


def test_runs_without_a_common_photo_are_told(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    other = shutil.copytree(trained.run, tmp_path / "other")
    manifest = (other / "manifest.csv").read_text(encoding="utf-8")
    with (other / "manifest.csv").open(encoding="utf-8", newline="") as file:
        digests = [row["sha256"] for row in csv.DictReader(file)]
    for digest in digests:
        manifest = manifest.replace(digest, digest[::-1])
    (other / "manifest.csv").write_text(manifest, encoding="utf-8")
    done = castproof.run(["compare", trained.run, other], tmp_path)
    assert done.code == 1
    assert "none of them in both" in sentence(done.err)


@pytest.mark.parametrize("flags", [["--confidence", "2"], ["--cost-fn", "-1"]])
def test_settings_out_of_their_range_are_told(
    castproof: Server, trained: Trained, tmp_path: Path, flags: list[str]
) -> None:
    shutil.copytree(trained.run, tmp_path / "copy")
    done = castproof.run(["compare", trained.run, "copy", *flags], tmp_path)
    assert done.code == 1
    assert "cannot be used" in sentence(done.err)
