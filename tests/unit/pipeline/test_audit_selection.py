"""Which photos the page of an audit shows: few, mixed, and the least sure among them."""

from collections import Counter
from pathlib import Path

from castproof.data.audit import Audit
from castproof.data.audit.parts import find_conflicts, find_leak, photos_by_part
from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.pipeline.audit_selection import (
    CONFLICT_PHOTOS,
    CONFLICTS,
    LARGEST_PARTS,
    PHOTOS_OF_PART,
    TYPICAL_PAIRS,
    UNSURE_PAIRS,
    mixed,
    select,
)


def photo(number: int, split: str, name: str, part: str, confidence: float = 0.9) -> Photo:
    return Photo(
        f"{split}/{name}/{number:05d}", split, name, name == "def", "", part, f"{number:064x}", confidence
    )


def audit_of(photos: list[Photo]) -> Audit:
    parts = photos_by_part(photos)
    manifest = Manifest(Path("data"), Classes(("ok",), ("def",)), tuple(photos))
    return Audit(manifest, parts, (), find_leak(parts), find_conflicts(parts), (), ())


def test_photos_are_taken_from_every_split_and_class_in_turn() -> None:
    photos = [photo(number, "train", "ok", "a") for number in range(50)]
    photos += [photo(50, "test", "ok", "a"), photo(51, "train", "def", "a"), photo(52, "val", "ok", "a")]
    shown = mixed(photos, 6)
    assert Counter((one.split, one.class_name) for one in shown) == {
        ("train", "ok"): 3,
        ("train", "def"): 1,
        ("val", "ok"): 1,
        ("test", "ok"): 1,
    }


def test_pairs_are_of_shared_parts_and_go_from_train_to_test() -> None:
    photos = []
    for part in range(40):
        splits = ("train", "train", "val", "test") if part % 2 else ("train", "train", "train", "train")
        for place, split in enumerate(splits):
            sure = 0.1 if (part, place) == (33, 2) else 0.9
            photos.append(photo(4 * part + place, split, "ok", f"part {part}", sure))
    pairs = select(audit_of(photos)).pairs
    typical, unsure = ([one for one in pairs if one.unsure == doubt] for doubt in (False, True))
    assert len(typical) == TYPICAL_PAIRS
    assert all((one.first.split, one.second.split) == ("train", "test") for one in typical)
    assert len({one.part for one in typical}) == TYPICAL_PAIRS
    assert 0 < len(unsure) <= UNSURE_PAIRS
    assert "part 33" in {one.part for one in unsure}
    doubtful = next(one for one in unsure if one.part == "part 33")
    assert doubtful.second.confidence == 0.1
    assert doubtful.first.split == "train"


def test_without_a_leak_pairs_are_of_any_part_and_never_of_one_photo() -> None:
    photos = [photo(number, "", "ok", f"part {number // 2}") for number in range(10)]
    photos += [photo(10, "", "def", "alone")]
    pairs = select(audit_of(photos)).pairs
    assert {one.part for one in pairs} == {f"part {number}" for number in range(5)}
    assert all(one.first != one.second for one in pairs)


def test_no_pair_is_shown_where_every_photo_is_a_part() -> None:
    chosen = select(audit_of([photo(number, "train", "ok", f"part {number}") for number in range(4)]))
    assert chosen.pairs == ()
    assert chosen.photos() == ()


def test_a_page_stays_small_whatever_the_data_set_holds() -> None:
    photos = [
        photo(number, "train", "def" if number % 4 == 0 else "ok", f"part {number % 500}")
        for number in range(20_000)
    ]
    for place in range(0, len(photos), 7):
        one = photos[place]
        photos[place] = photo(place, "test", "ok" if one.defective else "def", one.part)
    chosen = select(audit_of(photos))
    assert len(chosen.conflicts) == CONFLICTS
    assert sum(len(one.minority) + len(one.majority) for one in chosen.conflicts) <= CONFLICT_PHOTOS
    assert len(chosen.largest) == LARGEST_PARTS
    assert all(len(shown) == PHOTOS_OF_PART for shown in chosen.largest.values())
    assert len(chosen.photos()) <= CONFLICT_PHOTOS + LARGEST_PARTS * PHOTOS_OF_PART
