"""The photos of a folder, or some that were chosen, and what their folders say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_inspections import DEFECTIVE, GOOD, ROOT, photos, rules

from castproof.errors import DataError
from castproof.pipeline.inspecting.photo_list import PhotoList, chosen_photos, list_photos

words = st.sampled_from(("ok", "crack", "blowhole", "scrap", "OK", "ok.png", "ź ż"))
names = st.lists(words, min_size=1, max_size=4).map("/".join)


@given(st.lists(names, unique=True), st.sampled_from(("/lots/ok", "/lots/lot 17", "/crack")))
def test_the_folder_is_the_one_that_the_photo_lies_in_and_labels_follow_from_it(
    found: list[str], root: str
) -> None:
    listed = photos(*found, root=Path(root))
    assert len(listed) == len(found)
    labels = listed.labels(rules())
    assert labels.dtype == np.int8
    for place, name in enumerate(found):
        folder = (Path(root) / name).parent.name
        assert listed.path(place) == Path(root) / name
        assert listed.folder(place) == folder
        assert labels[place] == (1 if folder in DEFECTIVE else 0 if folder in GOOD else -1)


def test_without_a_model_no_folder_says_anything() -> None:
    assert photos("ok/a.png", "crack/b.png").labels(None).tolist() == [-1, -1]


def test_a_folder_is_listed_with_its_subfolders_in_the_order_of_paths(tmp_path: Path) -> None:
    given_names = ("b.png", "ok/9.JPG", "ok/10.jpeg", "ok/deep/x.tif", "crack/a.webp", "a.bmp")
    for name in (*given_names, "ok/notes.txt", "ok/.hidden.png", "lot.verdicts.sqlite"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    listed = list_photos(tmp_path)
    assert listed.names == tuple(sorted(given_names))
    assert (listed.root, listed.single) == (tmp_path, False)


def test_a_relative_folder_is_found_again_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ok").mkdir()
    (tmp_path / "ok" / "a.png").touch()
    monkeypatch.chdir(tmp_path)
    listed = list_photos(Path("ok"))
    monkeypatch.chdir("/")
    assert listed.path(0).is_file()
    assert listed.folder(0) == "ok"


def test_looking_is_told_of_and_can_be_ended(tmp_path: Path) -> None:
    for number in range(1100):
        (tmp_path / f"{number:04}.png").touch()
    counts: list[int] = []

    def found(count: int) -> bool:
        counts.append(count)
        return True

    assert len(list_photos(tmp_path, found)) == 1100
    assert counts == [500, 1000]
    assert len(list_photos(tmp_path, lambda count: count < 1000)) == 1000


@pytest.mark.parametrize(
    ("make", "words"), [("nothing", "no folder"), ("file", "no folder"), ("empty", "no photos")]
)
def test_no_photos_is_a_problem_that_a_person_can_act_on(tmp_path: Path, make: str, words: str) -> None:
    folder = tmp_path / "lot"
    if make == "file":
        folder.touch()
    elif make == "empty":
        folder.mkdir()
        (folder / "notes.txt").touch()
    with pytest.raises(DataError, match=words) as raised:
        list_photos(folder)
    assert str(folder) in str(raised.value)
    assert raised.value.fix


@given(st.lists(names.map(lambda name: ROOT / name), min_size=1))
def test_chosen_photos_lie_below_the_folder_that_holds_all_of_them(chosen: list[Path]) -> None:
    listed = chosen_photos(chosen)
    assert listed.single
    assert [listed.path(place) for place in range(len(listed))] == list(dict.fromkeys(chosen))
    parents = [set(one.parents) for one in chosen]
    assert listed.root == max(set.intersection(*parents), key=lambda one: len(one.parts))


def test_no_chosen_photo_is_a_problem() -> None:
    with pytest.raises(DataError, match="cannot be opened together"):
        chosen_photos([])


def test_a_list_is_compared_by_identity() -> None:
    assert PhotoList(ROOT, ("a.png",)) != PhotoList(ROOT, ("a.png",))


def test_a_folder_above_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ok" / "inside").mkdir(parents=True)
    (tmp_path / "ok" / "a.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path / "ok" / "inside")
    assert list_photos(Path("..")).folder(0) == "ok"
