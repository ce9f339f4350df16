from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from castproof.data.classes import Classes
from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.data.splits import split_photos
from castproof.errors import DataError, SettingError


def manifest_of(counts: dict[str, int], parts: dict[str, int] | None = None) -> Manifest:
    """Return photos of the classes in `counts`, good where the name starts with ok, of `parts` parts."""
    photos = [
        Photo(
            f"{name}/{number:04d}.png",
            "",
            name,
            not name.startswith("ok"),
            "" if name.startswith("ok") else name,
            f"{name} part {number % parts[name]}" if parts else "",
        )
        for name, count in counts.items()
        for number in range(count)
    ]
    good = tuple(sorted(name for name in counts if name.startswith("ok")))
    return Manifest(Path("data"), Classes(good, tuple(sorted(set(counts) - set(good)))), tuple(photos))


def splits_of(manifest: Manifest) -> dict[str, str]:
    return {photo.file: photo.split for photo in manifest.photos}


def test_shares_are_kept_in_every_class() -> None:
    manifest = manifest_of({"ok": 200, "crack": 60, "hole": 20})
    assert split_photos(manifest).counts() == {
        "train": {"ok": 140, "crack": 42, "hole": 14},
        "val": {"ok": 30, "crack": 9, "hole": 3},
        "test": {"ok": 30, "crack": 9, "hole": 3},
    }
    counts = split_photos(manifest, val=0.25, test=0.5).counts()
    assert [counts[split]["ok"] for split in SPLITS] == [50, 50, 100]


def test_photos_are_the_same_but_for_the_split() -> None:
    manifest = manifest_of({"ok": 20, "def": 20})
    result = split_photos(manifest)
    assert tuple(replace(photo, split="") for photo in result.photos) == manifest.photos
    assert set(splits_of(result).values()) == set(SPLITS)


def test_the_split_depends_on_the_seed_and_not_on_the_order() -> None:
    manifest = manifest_of({"ok": 40, "def": 40})
    first = splits_of(split_photos(manifest))
    assert splits_of(split_photos(manifest)) == first
    assert splits_of(split_photos(replace(manifest, photos=manifest.photos[::-1]))) == first
    assert splits_of(split_photos(manifest, seed=1)) != first


def test_a_further_class_leaves_the_split_of_the_others() -> None:
    first = splits_of(split_photos(manifest_of({"ok": 40, "def": 40})))
    more = splits_of(split_photos(manifest_of({"ok": 40, "def": 40, "hole": 9})))
    assert first.items() <= more.items()


def test_the_split_is_random_within_a_class() -> None:
    files = [p.file for p in split_photos(manifest_of({"ok": 100, "def": 100})).of_split("test")]
    numbers = sorted(int(file[-8:-4]) for file in files if file.startswith("ok"))
    assert numbers != list(range(numbers[0], numbers[0] + len(numbers)))


def test_parts_stay_together_and_shares_are_close() -> None:
    manifest = manifest_of({"ok": 400, "def": 300}, {"ok": 20, "def": 60})
    result = split_photos(manifest)
    homes = defaultdict(set)
    for photo in result.photos:
        homes[photo.part].add(photo.split)
    assert all(len(splits) == 1 for splits in homes.values())
    counts = result.counts()
    for name, total in (("ok", 400), ("def", 300)):
        assert abs(counts["test"][name] / total - 0.15) <= 0.05
        assert abs(counts["val"][name] / total - 0.15) <= 0.05


def test_a_part_with_both_labels_stays_together() -> None:
    manifest = manifest_of({"ok": 30, "def": 30}, {"ok": 10, "def": 10})
    shared = tuple(
        replace(p, part="both") if p.part in ("ok part 0", "def part 0") else p for p in manifest.photos
    )
    result = split_photos(replace(manifest, photos=shared))
    assert len({photo.split for photo in result.photos if photo.part == "both"}) == 1


def test_one_huge_part_goes_to_train() -> None:
    manifest = manifest_of({"ok": 12, "def": 12})
    photos = tuple(
        replace(p, part="huge" if int(p.file[-8:-4]) < 8 else p.file)
        for p in manifest.photos
        if not p.defective
    )
    rest = tuple(p for p in manifest.photos if p.defective)
    result = split_photos(replace(manifest, photos=photos + rest))
    assert {photo.split for photo in result.photos if photo.part == "huge"} == {"train"}
    assert all(counts["ok"] for counts in result.counts().values())


def test_three_of_each_kind_suffice() -> None:
    counts = split_photos(manifest_of({"ok": 3, "def": 3})).counts()
    assert counts == {split: {"ok": 1, "def": 1} for split in SPLITS}


def test_rare_defect_types_fill_the_splits_together() -> None:
    result = split_photos(manifest_of({"ok": 10, "a": 1, "b": 1, "c": 1}))
    assert Counter(p.split for p in result.photos if p.defective) == {"train": 1, "val": 1, "test": 1}


def test_a_single_photo_of_a_rare_type_goes_to_train() -> None:
    result = split_photos(manifest_of({"ok": 10, "a": 10, "b": 1}))
    assert [p.split for p in result.photos if p.class_name == "b"] == ["train"]


@pytest.mark.parametrize(
    ("counts", "kind"), [({"ok": 2, "def": 9}, "good"), ({"ok": 9, "a": 1, "b": 1}, "defective")]
)
def test_too_few_photos(counts: dict[str, int], kind: str) -> None:
    with pytest.raises(DataError, match=f"too few {kind}") as caught:
        split_photos(manifest_of(counts))
    assert "There are 2" in caught.value.found
    assert "at least 3" in caught.value.rule


def test_too_few_parts() -> None:
    with pytest.raises(DataError, match="too few good") as caught:
        split_photos(manifest_of({"ok": 100, "def": 30}, {"ok": 2, "def": 10}))
    assert "100 good photos of 2 parts" in caught.value.found


def test_photos_that_have_a_split_are_refused() -> None:
    with pytest.raises(DataError, match="split already"):
        split_photos(split_photos(manifest_of({"ok": 9, "def": 9})))


@pytest.mark.parametrize(
    "shares", [(0, 0.1), (0.1, 0), (0.5, 0.5), (-0.1, 0.2), (float("nan"), 0.1), (1, 0.1)]
)
def test_shares_out_of_range(shares: tuple[float, float]) -> None:
    with pytest.raises(SettingError):
        split_photos(manifest_of({"ok": 9, "def": 9}), val=shares[0], test=shares[1])


def test_negative_seed() -> None:
    with pytest.raises(SettingError, match="seed"):
        split_photos(manifest_of({"ok": 9, "def": 9}), seed=-1)
