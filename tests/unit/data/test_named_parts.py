"""Parts by file, by folder and by pattern."""

from pathlib import Path

import pytest

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.data.named_parts import below_class, by_folder, by_pattern, each_its_own
from castproof.errors import DataError

FILES = ("train/ok/17/1_a.png", "train/bad/17/2_a.png", "test/ok/s/18/1_b.png")


def photos() -> Manifest:
    made = [Photo(one, "", one.split("/")[1], "bad" in one, "", sha256=one[-5]) for one in FILES]
    return Manifest(Path(), Classes(("ok",), ("bad",)), tuple(made))


def named(found: Manifest) -> list[str]:
    return [one.part for one in found.photos]


def test_the_path_below_the_class_folder_counts_with_and_without_splits() -> None:
    assert [below_class(one) for one in photos().photos] == ["17/1_a.png", "17/2_a.png", "s/18/1_b.png"]
    assert below_class(Photo("ok/x/1.png", "", "ok", False, "")) == "x/1.png"
    assert below_class(Photo("x/1.png", "", "", False, "")) == "x/1.png"


def test_one_part_per_folder_whatever_the_split_and_class() -> None:
    found = by_folder(photos())
    assert named(found) == ["17", "17", "s/18"]
    assert {(one.confidence, one.part_from) for one in found.photos} == {(None, "folder")}
    loose = Manifest(Path(), Classes(("ok",), ()), (Photo("ok/1.png", "", "ok", False, ""),))
    with pytest.raises(DataError, match=r"ok/1\.png"):
        by_folder(loose)


def test_the_first_group_or_the_whole_match_is_the_part() -> None:
    assert named(by_pattern(photos(), r"(\d)_([ab])")) == ["1", "2", "1"]
    assert named(by_pattern(photos(), r"\d_[ab]")) == ["1_a", "2_a", "1_b"]
    assert by_pattern(photos(), "_").photos[0].part_from == "pattern _"


@pytest.mark.parametrize("pattern", ["s/(.*)/", "(x)?_", "x*"])
def test_a_photo_without_a_match_is_named(pattern: str) -> None:
    with pytest.raises(DataError, match="It is not known which part train/ok/17/1_a") as refused:
        by_pattern(photos(), pattern)
    assert refused.value.items


def test_every_file_is_a_part_except_for_copies() -> None:
    found = each_its_own(photos())
    assert found.photos[0].part == found.photos[1].part != found.photos[2].part
    assert {(one.confidence, one.part_from) for one in found.photos} == {(1.0, "file")}
