"""A table of parts is read as any spreadsheet writes it, and refused as a whole where it does not fit."""

import csv
import io
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo, UnreadablePhoto
from castproof.data.part_table import read_part_table, with_table
from castproof.errors import DataError

FILES = ("ok/a b.png", "ok/Riß.png", "bad/sub/c.png", "bad/d.png")


def manifest(tmp_path: Path, files: tuple[str, ...] = FILES) -> Manifest:
    photos = tuple(Photo(one, "", one.split("/")[0], one.startswith("bad"), "", sha256="ab") for one in files)
    return Manifest(tmp_path, Classes(("ok",), ("bad",)), photos)


def parts(tmp_path: Path, data: bytes, photos: Manifest | None = None) -> dict[str, str]:
    (tmp_path / "t.csv").write_bytes(data)
    told = with_table(photos or manifest(tmp_path), read_part_table(tmp_path / "t.csv"))
    assert {one.part_from for one in told.photos} == {"table t.csv"}
    assert {one.confidence for one in told.photos} == {None}
    return {one.file: one.part for one in told.photos}


PLAIN = "file,part\nok/a b.png,1\nok/Riß.png,1\nbad/sub/c.png,2\nbad/d.png,x y\n"
EXPECTED = dict(zip(FILES, ("1", "1", "2", "x y"), strict=True))


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n").replace(",", ";").encode("utf-8-sig"),
        PLAIN.replace(",", ";").encode("cp1252"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        ("sep=;\r\n" + PLAIN.replace(",", ";")).encode(),
        PLAIN.replace("ok/", "ok\\").replace("bad/sub/", "bad\\sub\\").encode(),
        PLAIN.replace("ok/", "").replace("bad/sub/", "").replace("bad/", "./bad/").encode(),
        PLAIN.replace("file,part", '"File", PART').encode(),
        (PLAIN + "\n,\nok/a b.png,1\n").encode(),
        "".join(f"{line},note\n" for line in PLAIN.splitlines()).replace("part,note", "part,n").encode(),
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, data: bytes) -> None:
    assert parts(tmp_path, data) == EXPECTED


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            PLAIN.replace("bad/d.png,x y\n", "").encode(),
            ["does not name the part of every photo", "bad/d.png"],
        ),
        (PLAIN.replace("x y", " ").encode(), ["does not name the part of every photo", "bad/d.png"]),
        ((PLAIN + "ok/gone.png,3\n").encode(), ["not among the photos", "line 6: 'ok/gone.png' is no photo"]),
        ((PLAIN + "d.png,4\n").encode(), ["names two parts for one photo", "'x y' in line 5, '4' in line 6"]),
        (PLAIN.replace("part", "serial").encode(), ["not a table of parts", "file, serial"]),
        (PLAIN.replace("file,part", "file,part,part").encode(), ["two columns part"]),
        (PLAIN.replace("x y", "x,y,z").encode(), ["line 5 has more cells"]),
        (b"", ["its columns are missing"]),
        (PLAIN.replace("x y", '"x').encode(), ["no table"]),
        (b"file,part\nok/\x81.png,1\n", ["no text"]),
        (b"file,part,sha256\n" + b"".join(f"{one},1,cd\n".encode() for one in FILES), ["some have changed"]),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, data: bytes, told: list[str]) -> None:
    with pytest.raises(DataError) as refused:
        parts(tmp_path, data)
    for words in told:
        assert words in str(refused.value)
    assert refused.value.rule
    assert refused.value.found
    assert refused.value.fix


def test_a_name_that_two_photos_have_must_be_told_apart(tmp_path: Path) -> None:
    photos = manifest(tmp_path, ("ok/1.png", "bad/1.png"))
    with pytest.raises(DataError, match="more than one photo"):
        parts(tmp_path, b"file,part\n1.png,a\nbad/1.png,b\n", photos)
    assert parts(tmp_path, b"file,part\nok/1.png,a\nbad/1.png,b\n", photos) == {
        "ok/1.png": "a",
        "bad/1.png": "b",
    }


def test_a_photo_that_cannot_be_read_may_stand_in_the_table(tmp_path: Path) -> None:
    photos = manifest(tmp_path)
    photos = replace(photos, photos=photos.photos[:3], unreadable=(UnreadablePhoto("bad/d.png", "cut off"),))
    assert parts(tmp_path, PLAIN.encode(), photos) == {file: EXPECTED[file] for file in FILES[:3]}


def test_a_table_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_part_table(tmp_path / "none.csv")


def test_the_manifest_of_castproof_is_a_table_and_keeps_what_it_knows(tmp_path: Path) -> None:
    photos = manifest(tmp_path)
    known = [
        replace(one, part=f"=p{number}", confidence=value, part_from=origin)
        for number, (one, value, origin) in enumerate(
            zip(
                photos.photos,
                (None, 0.25, 1.0, 0.0),
                ("pattern x", "picture", "file", "unknown"),
                strict=True,
            )
        )
    ]
    replace(photos, photos=tuple(known)).write_csv(tmp_path / "m.csv")
    assert with_table(photos, read_part_table(tmp_path / "m.csv")).photos == tuple(known)


NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="/\\"), min_size=1
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.dictionaries(NAME.filter(lambda one: one not in (".", "..")), NAME, min_size=1, max_size=6),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_names_come_back_from_any_spreadsheet(
    tmp_path: Path, told: dict[str, str], delimiter: str, encoding: str, end: str
) -> None:
    # Two names that differ in their spelling in Unicode alone are one name to most disks.
    files = {unicodedata.normalize("NFC", file): (file, part) for file, part in told.items()}
    told = {f"ok/{file}": part.removeprefix("'") or "p" for file, part in files.values()}
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows([("file", "part"), *told.items()])
    assert parts(tmp_path, text.getvalue().encode(encoding), manifest(tmp_path, tuple(told))) == told
