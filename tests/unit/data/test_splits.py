import csv
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.data.classes import Classes
from castproof.data.folders import read_folders
from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.data.splits import part_key, split_photos
from castproof.data.synthetic import write_dataset
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


def test_a_further_defect_type_leaves_the_split_of_the_good_photos() -> None:
    first = splits_of(split_photos(manifest_of({"ok": 40, "def": 40})))
    more = splits_of(split_photos(manifest_of({"ok": 40, "def": 40, "hole": 9})))
    assert {file for file in first if first[file] != more[file]} <= {f for f in first if f.startswith("def")}


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
    assert "Found 2 " in caught.value.found
    assert "at least 3" in caught.value.rule


def test_too_few_parts() -> None:
    with pytest.raises(DataError, match="too few good") as caught:
        split_photos(manifest_of({"ok": 100, "def": 30}, {"ok": 2, "def": 10}))
    assert "100 good photos of 2 parts" in caught.value.found


def castings(rng: Random) -> Manifest:
    """Return photos like those of the public castings: few good parts, one of them huge and with both labels."""
    sizes = {f"good {number}": (rng.randint(20, 90), 0) for number in range(16)}
    sizes["huge"] = (300, 16)
    sizes |= {f"bad {number}": (0, rng.randint(16, 60)) for number in range(110)}
    photos = [
        Photo(f"{name}/{part} {number}.png", "", name, name == "def", "def" if name == "def" else "", part)
        for part, (good, defective) in sizes.items()
        for name, count in (("ok", good), ("def", defective))
        for number in range(count)
    ]
    return Manifest(Path("data"), Classes(("ok",), ("def",)), tuple(photos))


def test_castings_with_a_huge_part_come_out_balanced() -> None:
    manifest = castings(Random(5))
    result = split_photos(manifest)
    assert homes_of(result)["huge"] == {"train"}
    totals = Counter(photo.class_name for photo in manifest.photos)
    for split, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        for name, count in result.counts()[split].items():
            assert count / totals[name] == pytest.approx(share, abs=0.01)
    good_parts = {split: {p.part for p in result.of_split(split) if not p.defective} for split in SPLITS}
    assert min(len(parts) for parts in good_parts.values()) >= 2


def homes_of(manifest: Manifest) -> dict[str, set[str]]:
    homes: dict[str, set[str]] = defaultdict(set)
    for photo in manifest.photos:
        homes["".join(part_key(photo)[1:])].add(photo.split)
    return homes


def test_generated_castings_are_split_by_their_true_parts(tmp_path: Path) -> None:
    data = write_dataset(
        tmp_path / "data", parts_per_class=12, photos_per_part=3, size=32, per_defect_type=True, workers=1
    )
    with (data / "truth.csv").open(encoding="utf-8", newline="") as file:
        part_of = {row["file"]: row["part"] for row in csv.DictReader(file)}
    manifest = read_folders(data, ok=["ok"])
    known = tuple(replace(photo, part=part_of[photo.file]) for photo in manifest.photos)
    result = split_photos(replace(manifest, photos=known))
    assert {len(splits) for splits in homes_of(result).values()} == {1}
    parts_of = Counter(name for _, name in {(photo.part, photo.class_name) for photo in known})
    for name, parts in parts_of.items():
        filled = {photo.split for photo in result.photos if photo.class_name == name}
        assert parts < len(SPLITS) or filled == set(SPLITS), name
    assert {split: counts["ok"] for split, counts in result.counts().items()} == {
        "train": 24,
        "val": 6,
        "test": 6,
    }


def test_a_class_of_three_parts_gets_into_every_split_though_that_costs_balance() -> None:
    manifest = manifest_of({"ok": 90, "crack": 300, "hole": 81}, {"ok": 30, "crack": 60, "hole": 1})
    sizes = [("hole a", 1), ("hole b", 40), ("hole c", 40)]
    parts = iter([part for part, size in sizes for _ in range(size)])
    photos = tuple(
        replace(photo, part=next(parts)) if photo.class_name == "hole" else photo for photo in manifest.photos
    )
    counts = split_photos(replace(manifest, photos=photos)).counts()
    assert sorted(counts[split]["hole"] for split in SPLITS) == [1, 40, 40]


def test_the_names_of_the_parts_do_not_matter() -> None:
    manifest = manifest_of({"ok": 60, "def": 60}, {"ok": 12, "def": 15})
    renamed = tuple(replace(p, part=f"{hash_of(p.part)} x") for p in manifest.photos)
    assert splits_of(split_photos(replace(manifest, photos=renamed))) == splits_of(split_photos(manifest))


def hash_of(part: str) -> int:
    return sum((index + 1) * ord(letter) for index, letter in enumerate(part[::-1])) * 7919 % 100_003


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Return at least three good and three defective parts of any size, some with photos of several classes."""
    names = ["ok", *draw(st.sampled_from([["def"], ["crack", "hole"], ["crack", "hole", "scar"]]))]
    parts = [["ok"]] * 3 + [[names[1]]] * 3
    parts += draw(st.lists(st.lists(st.sampled_from(names), min_size=1, max_size=2), max_size=12))
    unknown = draw(st.booleans())
    photos = [
        Photo(
            f"{name}/{part}_{index}_{number}.png",
            "",
            name,
            name != "ok",
            "" if name == "ok" else name,
            "" if unknown and part % 3 == 0 else f"p{part}",
        )
        for part, classes in enumerate(parts)
        for index, name in enumerate(classes)
        for number in range(draw(st.integers(1, 6)))
    ]
    return Manifest(Path("data"), Classes(("ok",), tuple(names[1:])), tuple(photos))


@settings(max_examples=80, deadline=None)
@given(manifests(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_whatever_the_parts_every_split_gets_both_kinds_and_no_part_is_in_two(
    manifest: Manifest, rng: Random, seed: int
) -> None:
    result = split_photos(manifest, seed=seed)
    assert tuple(replace(photo, split="") for photo in result.photos) == manifest.photos
    assert all(len(splits) == 1 for splits in homes_of(result).values())
    for split in SPLITS:
        assert {photo.defective for photo in result.of_split(split)} == {False, True}
    shuffled = list(manifest.photos)
    rng.shuffle(shuffled)
    again = split_photos(replace(manifest, photos=tuple(shuffled)), seed=seed)
    assert splits_of(again) == splits_of(result)


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
