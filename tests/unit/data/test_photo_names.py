from random import Random

from castproof.data.manifest import Photo
from castproof.data.photo_names import names_in_class


def photo(file: str, split: str = "") -> Photo:
    parts = file.split("/")
    return Photo(file, split, parts[1] if split else parts[0], False, "")


def test_names_stay_as_they_were() -> None:
    assert names_in_class([photo("ok/1.jpg"), photo("ok/day 2/1.jpg"), photo("def/1.jpg")]) == {
        "ok/1.jpg": "ok/1.jpg",
        "ok/day 2/1.jpg": "ok/day 2/1.jpg",
        "def/1.jpg": "def/1.jpg",
    }
    assert names_in_class([photo("training/ok/1.jpg", "train")]) == {"training/ok/1.jpg": "ok/1.jpg"}


def test_equal_names_of_several_splits_get_their_split() -> None:
    photos = [
        photo("train/ok/1.jpg", "train"),
        photo("Test/ok/1.JPG", "test"),
        photo("Test/ok/2.jpg", "test"),
    ]
    assert names_in_class(photos) == {
        "train/ok/1.jpg": "ok/1_train.jpg",
        "Test/ok/1.JPG": "ok/1_test.JPG",
        "Test/ok/2.jpg": "ok/2.jpg",
    }


def test_no_two_names_are_alike_on_any_disk_and_the_order_does_not_matter() -> None:
    photos = [
        photo("train/ok/a.jpg", "train"),
        photo("train/ok/A.jpg", "train"),
        photo("val/ok/a.jpg", "val"),
        photo("test/ok/a_train.jpg", "test"),
        photo("test/ok/u\u0308.jpg", "test"),
        photo("train/ok/\u00fc.jpg", "train"),
    ]
    names = names_in_class(photos)
    assert names["test/ok/a_train.jpg"] == "ok/a_train.jpg"
    assert sorted(names[f"train/ok/{name}.jpg"] for name in "Aa") == ["ok/A_train_2.jpg", "ok/a_train_3.jpg"]
    assert len({name.casefold() for name in names.values()}) == len(photos)
    assert names["train/ok/\u00fc.jpg"] == "ok/\u00fc_train.jpg"
    Random(1).shuffle(photos)
    assert names_in_class(photos) == names
