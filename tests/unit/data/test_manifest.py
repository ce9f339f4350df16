import csv
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo, UnreadablePhoto, read_csv
from castproof.errors import DataError

CLASSES = Classes(('ok, "fine"',), ("=risse", "吹き穴"))
PHOTOS = (
    Photo('train/ok, "fine"/a b.png', "train", 'ok, "fine"', False, "", "part 1", "ab12", 0.875),
    Photo("train/=risse/line\nbreak\r.png", "train", "=risse", True, "=risse", flags=("leak", "dark")),
    Photo("'quoted.png", "val", "吹き穴", True, "吹き穴", "@7", "cd"),
    Photo("=1+1.png", "val", 'ok, "fine"', False, ""),
    Photo("test/吹き穴/latin\udce9.png", "test", "吹き穴", True, "吹き穴", sha256="ef"),
)
MANIFEST = Manifest(Path("root"), CLASSES, PHOTOS, (UnreadablePhoto("-x.png", 'cut, "off"'),))


def test_csv_round_trip_with_awkward_names(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "manifest.csv"
    MANIFEST.write_csv(path)
    assert read_csv(path, Path("root")) == MANIFEST


texts = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=8)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
def test_csv_round_trip_of_any_text(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    names = tuple(sorted({name for _, name in pairs}))
    photos = tuple(Photo("d/" + file.replace("..", "_"), "", name, True, name, file) for file, name in pairs)
    manifest = Manifest(Path(), Classes((), names), photos)
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    manifest.write_csv(path)
    assert read_csv(path, Path()) == manifest


def test_no_cell_starts_like_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    MANIFEST.write_csv(path)
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        cells = list(itertools.chain.from_iterable(csv.reader(file)))
    assert "'=risse" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_a_file_that_excel_saved_again_with_a_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    MANIFEST.write_csv(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_csv(path, Path("root")) == MANIFEST


def test_counts_path_and_of_split() -> None:
    assert MANIFEST.counts() == {
        "train": {'ok, "fine"': 1, "=risse": 1, "吹き穴": 0},
        "val": {'ok, "fine"': 1, "=risse": 0, "吹き穴": 1},
        "test": {'ok, "fine"': 0, "=risse": 0, "吹き穴": 1},
    }
    assert [photo.file for photo in MANIFEST.of_split("val")] == ["'quoted.png", "=1+1.png"]
    assert MANIFEST.path(PHOTOS[3]) == Path("root/=1+1.png")


def test_data_hash_depends_on_content_and_not_on_order_or_root() -> None:
    value = MANIFEST.data_hash()
    assert len(value) == 64
    assert replace(MANIFEST, root=Path("elsewhere"), photos=PHOTOS[::-1]).data_hash() == value
    first = PHOTOS[0]
    for changed in (
        replace(first, file="x"),
        replace(first, sha256="x"),
        replace(first, split="test"),
        replace(first, class_name="吹き穴"),
    ):
        assert replace(MANIFEST, photos=(changed, *PHOTOS[1:])).data_hash() != value


def test_data_hash_separates_its_fields() -> None:
    one, two = Photo("a", "", "c", True, "c", sha256="b1"), Photo("a", "", "c", True, "c", sha256="b")
    hashes = {
        replace(MANIFEST, photos=(p,)).data_hash() for p in (one, two, replace(two, file="ab", sha256="1"))
    }
    assert len(hashes) == 3


HEAD = "file,split,class,defective,defect_type,sha256,part,confidence,flags,unreadable\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "missing"),
        ("a,b\n", "columns are a, b"),
        (HEAD + "a.png,train,ok\n", "line 2"),
        (HEAD + "a.png,train,ok,0,,,,,,,extra\n", "line 2"),
        (HEAD + "a.png,holdout,ok,0,,,,,,\n", "line 2"),
        (HEAD + "a.png,train,ok,yes,,,,,,\n", "line 2"),
        (HEAD + "../a.png,train,ok,0,,,,,,\n", "not below"),
        (HEAD + "/etc/a.png,train,ok,0,,,,,,\n", "not below"),
        (HEAD + "a.png,train,ok,0,,,,,,\nb.png,train,ok,1,ok,,,,,\n", "'ok' is good in one line"),
        (HEAD + "a.png,train,ok,0,,,p1,1.5,,\n", "confidence '1.5'"),
        (HEAD + "a.png,train,ok,0,,,p1,nan,,\n", "confidence 'nan'"),
        (HEAD + '"a.png', "unexpected end"),
    ],
)
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_csv(path, tmp_path)
    assert found in caught.value.found
    assert str(path) in caught.value.problem


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_csv(tmp_path / "none.csv", tmp_path)
