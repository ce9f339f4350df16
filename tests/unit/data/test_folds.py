import csv
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.data.balance import balance_of
from castproof.data.classes import Classes
from castproof.data.folds import fold_photos
from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.errors import DataError, SettingError


def manifest_of(good: list[int], defective: list[int]) -> Manifest:
    """Return photos of parts with these numbers of photos; the first good part carries one defective photo too."""
    photos = [
        Photo(
            f"{name}/{part}_{number}.png",
            "",
            name,
            name == "def",
            "def" if name == "def" else "",
            f"{name} {part}",
        )
        for name, sizes in (("ok", good), ("def", defective))
        for part, size in enumerate(sizes)
        for number in range(size)
    ]
    photos.append(Photo("def/odd.png", "", "def", True, "def", "ok 0"))
    return Manifest(Path("data"), Classes(("ok",), ("def",)), tuple(photos))


SIZES = st.lists(st.integers(1, 9), min_size=6, max_size=20)


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, st.integers(3, 6), st.randoms(use_true_random=False))
def test_no_part_is_in_two_folds_and_each_fold_holds_both_kinds(
    good: list[int], defective: list[int], count: int, rng: Random
) -> None:
    manifest = manifest_of(good, defective)
    folds = fold_photos(manifest, count, seed=2)
    homes = defaultdict(set)
    kinds = defaultdict(set)
    for photo, fold in zip(folds.manifest.photos, folds.of_photo, strict=True):
        homes[photo.part].add(fold)
        kinds[fold].add(photo.defective)
    assert all(len(found) == 1 for found in homes.values())
    assert dict(kinds) == {fold: {False, True} for fold in range(1, count + 1)}
    order = list(range(len(manifest.photos)))
    rng.shuffle(order)
    again = fold_photos(replace(manifest, photos=tuple(manifest.photos[i] for i in order)), count, seed=2)
    assert again.of_photo == tuple(folds.of_photo[i] for i in order)


def test_each_photo_is_tested_once_and_validates_once() -> None:
    manifest = manifest_of([4] * 10, [3] * 12)
    folds = fold_photos(manifest, 5)
    rounds = [folds.split(number) for number in range(1, 6)]
    for photos in zip(*(one.photos for one in rounds), strict=True):
        assert Counter(photo.split for photo in photos) == {"train": 3, "val": 1, "test": 1}
        assert len({replace(photo, split="") for photo in photos}) == 1
    for number, one in enumerate(rounds, start=1):
        tested = {p.file for p, fold in zip(manifest.photos, folds.of_photo, strict=True) if fold == number}
        assert {photo.file for photo in one.of_split("test")} == tested
    assert rounds[4].of_split("val")[0].file in {photo.file for photo in rounds[0].of_split("test")}


def test_folds_are_of_like_size() -> None:
    manifest = manifest_of([60, 30, 30, *[10] * 24], [5] * 40)
    folds = fold_photos(manifest, 4)
    names = [str(number) for number in range(1, 5)]
    reached = balance_of(manifest.photos, [str(fold) for fold in folds.of_photo], names)
    assert [split.name for split in reached.splits] == names
    assert reached.shared_parts == 0
    for split in reached.splits:
        assert split.photos_of["ok"] == 90
        assert abs(split.photos_of["def"] - 50) <= 5


def test_other_seeds_give_other_folds() -> None:
    manifest = manifest_of([2] * 20, [2] * 20)
    assert fold_photos(manifest, 4, seed=1).of_photo != fold_photos(manifest, 4, seed=2).of_photo


def test_the_table_names_the_fold_of_every_photo(tmp_path: Path) -> None:
    folds = fold_photos(manifest_of([2] * 3, [1] * 4), 3)
    folds.write_csv(tmp_path / "folds.csv")
    with (tmp_path / "folds.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [photo.file for photo in folds.manifest.photos]
    assert tuple(int(row["fold"]) for row in rows) == folds.of_photo
    assert {(row["class"], row["part"]) for row in rows} >= {
        ("ok", "ok 0"),
        ("def", "ok 0"),
        ("def", "def 3"),
    }


def test_three_folds_are_train_val_and_test() -> None:
    split = fold_photos(manifest_of([1] * 3, [1] * 3), 3).split(3)
    assert {photo.split for photo in split.photos} == set(SPLITS)


def test_too_few_parts_for_the_folds() -> None:
    with pytest.raises(DataError, match="too few good parts") as caught:
        fold_photos(manifest_of([50] * 4, [9] * 9), 5)
    assert "200 good photos of 4 parts" in caught.value.found
    assert "at least 5" in caught.value.rule
    assert caught.value.fix == "Give --folds 4 or less, or add photos of more good parts."
    assert fold_photos(manifest_of([50] * 4, [9] * 9), 4).count == 4


def test_the_largest_number_of_folds_is_that_of_the_rarer_kind() -> None:
    with pytest.raises(DataError, match="too few good parts") as caught:
        fold_photos(manifest_of([1] * 8, [1] * 4), 50)
    assert "--folds 5 or less" in caught.value.fix, "the first good part shows a defective photo, too"
    with pytest.raises(DataError) as caught:
        fold_photos(manifest_of([1] * 2, [1] * 9), 3)
    assert caught.value.fix == "Add photos of more good parts."


@pytest.mark.parametrize("folds", [2, 1, 0, -3])
def test_too_few_folds(folds: int) -> None:
    with pytest.raises(SettingError, match="too few folds") as caught:
        fold_photos(manifest_of([9] * 9, [9] * 9), folds)
    assert str(folds) in caught.value.found
