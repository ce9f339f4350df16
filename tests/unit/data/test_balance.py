from pathlib import Path

import pytest

from castproof.data.balance import balance
from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo


def photo(file: str, split: str, name: str, part: str = "") -> Photo:
    return Photo(file, split, name, name != "ok", "" if name == "ok" else name, part)


def test_photos_parts_and_classes_are_counted_by_split() -> None:
    photos = (
        photo("1", "train", "ok", "a"),
        photo("2", "train", "ok", "a"),
        photo("3", "train", "crack", "a"),
        photo("4", "train", "ok"),
        photo("5", "train", "ok"),
        photo("6", "test", "crack", "b"),
        photo("7", "val", "ok", "a"),
        photo("8", "val", "crack", "c"),
    )
    found = balance(Manifest(Path("data"), Classes(("ok",), ("crack",)), photos))
    assert [split.name for split in found.splits] == ["train", "val", "test"]
    train, val, test = found.splits
    assert (train.photos, train.share, train.parts) == (5, pytest.approx(5 / 8), 3)
    assert list(train.photos_of.items()) == [("ok", 4), ("crack", 1)]
    assert train.parts_of == {"ok": 3, "crack": 1}
    assert val.parts_of == {"ok": 1, "crack": 1}
    assert train.parts_of_kind == {"good": 3, "defective": 1}
    assert test.parts_of_kind == {"good": 0, "defective": 1}
    assert test.photos_of == {"ok": 0, "crack": 1}
    assert found.shared_parts == 1
