import pytest

from castproof.data.photo_sets import PhotoSet, choose_set, find_sets, read_set
from castproof.errors import DataError


def listed(*folders: str) -> list[str]:
    return [f"{folder}/{name}.jpeg" for folder in folders for name in ("1", "2")]


def sets_of(*folders: str, ok: tuple[str, ...] = ()) -> dict[str, PhotoSet]:
    return {one.name: one for one in find_sets(listed(*folders), ok, source="SRC")}


PUBLIC = (
    *(f"casting_512x512/casting_512x512/{name}" for name in ("def_front", "ok_front")),
    *(
        f"casting_data/casting_data/{split}/{name}"
        for split in ("train", "test")
        for name in ("def_front", "ok_front")
    ),
)


@pytest.mark.parametrize("above", ["", "archive/", "a/b/c/"])
def test_the_public_archive_holds_two_sets_and_the_split_one_is_taken(above: str) -> None:
    sets = sets_of(*(above + folder for folder in PUBLIC))
    assert {name: (len(one.files), one.has_splits) for name, one in sets.items()} == {
        "casting_512x512": (4, False),
        "casting_data": (8, True),
    }
    chosen = choose_set(list(sets.values()))
    assert chosen.folder == f"{above}casting_data/casting_data"
    photo = read_set(chosen)[0]
    assert (photo.file, photo.split, photo.class_name, photo.below) == (
        f"{above}casting_data/casting_data/test/def_front/1.jpeg",
        "test",
        "def_front",
        "1.jpeg",
    )
    for name in ("casting_512x512", "CASTING_512X512", f"{above}casting_512x512/casting_512x512"):
        assert choose_set(list(sets.values()), name) == sets["casting_512x512"]
    assert {one.split for one in read_set(sets["casting_512x512"])} == {""}


@pytest.mark.parametrize(
    ("folders", "name", "folder"),
    [
        (("ok", "def"), "SRC", ""),
        (("data/ok", "data/def"), "data", "data"),
        (("train/ok", "test/def"), "SRC", ""),
        (("A", "B"), "SRC", ""),
        (("ok/monday", "def/monday/late"), "SRC", ""),
        (("x/x/x/ok", "x/x/x/blowhole"), "x", "x/x/x"),
        (("defects/train/ok", "defects/test/def"), "defects", "defects"),
        (("good parts/Training/ok", "good parts/Testing/def"), "good parts", "good parts"),
    ],
)
def test_the_one_set_is_found(folders: tuple[str, ...], name: str, folder: str) -> None:
    (one,) = sets_of(*folders).values()
    assert (one.name, one.folder, len(one.files)) == (name, folder, 4)
    assert len(read_set(choose_set([one]))) == 4


def test_ok_tells_class_folders_whose_photos_lie_deeper() -> None:
    folders = ("A/1/x", "B/1/x")
    assert [one.folder for one in sets_of(*folders, ok=("A",)).values()] == [""]
    assert {photo.below for photo in read_set(sets_of(*folders, ok=("A",))["SRC"])} == {
        "1/x/1.jpeg",
        "1/x/2.jpeg",
    }


def test_of_several_sets_one_must_be_named() -> None:
    sets = list(
        sets_of("defects 2023/ok", "defects 2023/def", "defects 2024/ok", "defects 2024/def").values()
    )
    with pytest.raises(DataError, match="There are 2 data sets") as caught:
        choose_set(sets)
    assert caught.value.items == ("defects 2023: 4 photos", "defects 2024: 4 photos")
    with pytest.raises(DataError, match="no set 'defects'"):
        choose_set(sets, "defects")
    assert choose_set(sets, "defects 2024").folder == "defects 2024"


def test_sets_whose_short_names_are_alike_get_longer_ones() -> None:
    folders = [f"{above}/{kind}" for above in ("m/m/z", "m/z", "k") for kind in ("ok", "def")]
    sets = sets_of(*folders)
    assert {name: one.folder for name, one in sets.items()} == {"m/m/z": "m/m/z", "m/z": "m/z", "k": "k"}
    for name, one in sets.items():
        assert choose_set(list(sets.values()), name) == one


@pytest.mark.parametrize("above", [("c/c/d", "c/d"), ("Line/a", "line/a")])
def test_the_name_that_a_set_is_listed_by_chooses_it(above: tuple[str, ...]) -> None:
    sets = sets_of(*(f"{folder}/{kind}" for folder in above for kind in ("ok", "def")))
    assert len(sets) == 2
    for name, one in sets.items():
        assert choose_set(list(sets.values()), name) == one


def test_split_folders_inside_of_class_folders_are_refused() -> None:
    with pytest.raises(DataError, match="inside the class folders") as caught:
        choose_set(list(sets_of("ok/train", "ok/test", "def/train", "def/test").values()))
    assert "train/ok" in caught.value.fix


@pytest.mark.parametrize("stray", ["train/1.jpeg", "1.jpeg", "other/1.jpeg"])
def test_photos_beside_the_class_folders_are_refused(stray: str) -> None:
    files = [*listed("train/ok", "train/def", "test/ok", "test/def"), stray]
    (one,) = find_sets(files, source="SRC")
    with pytest.raises(DataError, match="1 photo is outside") as caught:
        read_set(one)
    assert caught.value.items == (stray,)


def test_loose_photos_alone_are_no_set() -> None:
    with pytest.raises(DataError, match="no class folders"):
        find_sets(["1.jpeg", "2.jpeg"], source="SRC")


def test_folders_with_two_spellings_are_refused() -> None:
    with pytest.raises(DataError, match="two folders for the split train"):
        read_set(sets_of("train/ok", "Training/def")["SRC"])
    with pytest.raises(DataError, match="differ in letter case"):
        read_set(sets_of("train/ok", "test/OK")["SRC"])
