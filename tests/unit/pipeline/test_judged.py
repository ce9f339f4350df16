import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.errors import BrokenRunError, DataError, RunError
from castproof.gate.evidence import Evidence
from castproof.pipeline.judged import CROSSVAL, RUN, Judged, open_source, part_numbers
from castproof.recipes import recipe_settings


def photo(split: str, part: str, number: int, *, defective: bool) -> Photo:
    kind = "crack" if defective else "ok"
    name = f"{split}/{kind}/{part}_{number}.png"
    return Photo(name, split, kind, defective, kind if defective else "", part, f"{name:>064}", 1.0)


def photos_of(splits: dict[str, list[tuple[str, bool]]]) -> list[Photo]:
    """Return two photos of each part, by split."""
    return [
        photo(split, part, number, defective=defective)
        for split, parts in splits.items()
        for part, defective in parts
        for number in range(2)
    ]


def p_of(one: Photo) -> float:
    return 0.9 if one.defective else 0.1


def write_run(folder: Path, photos: list[Photo]) -> Path:
    """Write what a complete run leaves behind, without a network."""
    folder.mkdir(parents=True)
    manifest = Manifest(folder, Classes(("ok",), ("crack",)), tuple(photos))
    manifest.write_csv(folder / "manifest.csv")
    settings = recipe_settings("fast", data=str(folder)).to_json()
    (folder / "hparams.json").write_text(
        json.dumps({"settings": settings, "weights_hash": "w"}), encoding="utf-8"
    )
    (folder / "metrics.json").write_text("{}", encoding="utf-8")
    write_predictions(folder, [(one.file, p_of(one), 0) for one in photos])
    return folder


def write_predictions(folder: Path, rows: list[tuple[str, float, int]]) -> None:
    with (folder / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "p_defective", "fold"))
        writer.writerows(rows)


def write_crossval(folder: Path, photos: list[Photo], folds: list[int]) -> Path:
    unsplit = [replace(one, split="train") for one in photos]
    write_run(folder / "fold_1", unsplit)
    settings = recipe_settings("fast", data=str(folder)).to_json()
    (folder / "crossval.json").write_text(
        json.dumps({"settings": settings, "weights_hash": "w"}), encoding="utf-8"
    )
    (folder / "metrics.json").write_text("{}", encoding="utf-8")
    write_predictions(folder, [(one.file, p_of(one), fold) for one, fold in zip(photos, folds, strict=True)])
    return folder


SPLITS = {
    "train": [("a", False), ("b", True), ("seen", True)],
    "val": [("c", False), ("d", True), ("seen", True)],
    "test": [("e", False), ("f", True), ("seen", True), ("d", True)],
}


def test_photos_of_parts_that_the_network_knows_count_for_nothing(tmp_path: Path) -> None:
    source = open_source(write_run(tmp_path / "run", photos_of(SPLITS)))
    assert source.kind == source.evidence_kind == RUN
    assert {one.part for one in source.evidence.photos} == {"c", "d"}
    assert source.tested is not None
    assert {one.part for one in source.tested.photos} == {"e", "f"}
    assert source.known == 6
    assert source.evidence.evidence.logit == pytest.approx(np.log(9) * np.array([-1, -1, 1, 1]))


def test_a_run_whose_validation_parts_are_all_known_decides_nothing(tmp_path: Path) -> None:
    splits = {"train": [("a", False), ("b", True)], "val": [("a", False), ("b", True)]}
    with pytest.raises(DataError, match="show parts in train"):
        open_source(write_run(tmp_path / "run", photos_of(splits)))


def test_a_part_with_both_labels_is_two_parts_and_names_of_classes_do_not_matter() -> None:
    photos = photos_of({"val": [("x", False), ("x", True), ("y", True)]})
    numbers = part_numbers(photos)
    assert len(set(numbers.tolist())) == 3
    renamed = [replace(one, class_name="zzz" if one.class_name == "ok" else "aaa") for one in photos]
    assert part_numbers(renamed).tolist() == numbers.tolist()
    assert part_numbers(photos[::-1]).tolist() == numbers[::-1].tolist()


def test_folds_are_those_that_judged_the_photos(tmp_path: Path) -> None:
    photos = photos_of({"train": [("a", False), ("b", True), ("c", False), ("d", True)]})
    folds = [1, 1, 2, 2, 2, 2, 1, 1]
    source = open_source(write_crossval(tmp_path / "cv", photos, folds))
    assert source.kind == source.evidence_kind == CROSSVAL
    assert source.tested is None
    assert source.evidence.evidence.fold.tolist() == folds
    assert source.network_of(photos[2]).path == tmp_path / "cv" / "fold_2"


def test_folds_of_the_run_itself_are_its_evidence_and_its_test_is_left_out_of_them(tmp_path: Path) -> None:
    photos = photos_of(SPLITS)
    run = write_run(tmp_path / "run", photos)
    learnt = [one for one in photos if one.split == "train"]
    write_crossval(run / "crossval", learnt, [1, 1, 2, 2, 2, 2])
    source = open_source(run)
    assert (source.kind, source.evidence_kind) == (RUN, CROSSVAL)
    assert source.evidence_folder == run / "crossval"
    assert not source.evidence_chose_the_network
    assert {one.part for one in source.evidence.photos} == {"a", "b", "seen"}
    assert source.tested is not None
    assert {one.part for one in source.tested.photos} == {"e", "f"}
    assert source.network_of(learnt[0]).path == run / "crossval" / "fold_1"
    assert source.network_of(source.tested.photos[0]).path == run


def test_a_run_that_learnt_from_all_photos_rests_on_its_folds_or_on_nothing(tmp_path: Path) -> None:
    photos = photos_of({"train": [("a", False), ("b", True), ("c", False), ("d", True)]})
    run = write_run(tmp_path / "run", photos)
    with pytest.raises(DataError, match="too few for folds"):
        open_source(run)
    write_crossval(run / "crossval", photos, [1, 1, 1, 1, 2, 2, 2, 2])
    source = open_source(run)
    assert len(source.evidence.photos) == len(photos)
    assert source.tested is None
    assert source.known == 0


def test_parts_of_a_test_are_found_by_content_whatever_they_are_called(tmp_path: Path) -> None:
    photos = photos_of({"train": [("a", False), ("b", True), ("c", False), ("d", True)]})
    evidence = Evidence(
        np.array([one.defective for one in photos]), np.zeros(8), part_numbers(photos), np.ones(8, np.int64)
    )
    tested = [replace(photos[2], part="another name")]
    left = Judged(tuple(photos), evidence).without_parts_of(tested)
    assert {one.part for one in left.photos} == {"a", "c", "d"}
    with pytest.raises(DataError, match="All of its parts"):
        Judged(tuple(photos), evidence).without_parts_of(photos)


@pytest.mark.parametrize("rows", [[("train/ok/a_0.png", 0.1, 0)], [("x", 1.5, 0)], [("x", float("nan"), 0)]])
def test_a_table_that_does_not_tell_all_photos_is_refused(
    tmp_path: Path, rows: list[tuple[str, float, int]]
) -> None:
    run = write_run(tmp_path / "run", photos_of(SPLITS))
    write_predictions(run, rows)
    with pytest.raises(BrokenRunError, match=r"predictions\.csv"):
        open_source(run)


def test_what_is_not_complete_is_told_how_to_go_on(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", photos_of(SPLITS))
    (run / "metrics.json").unlink()
    with pytest.raises(RunError, match="--resume"):
        open_source(run)
    crossval = write_crossval(
        tmp_path / "cv", photos_of({"train": [("a", False), ("b", True)]}), [1, 1, 2, 2]
    )
    (crossval / "metrics.json").unlink()
    with pytest.raises(RunError, match="continues where it stopped"):
        open_source(crossval)
