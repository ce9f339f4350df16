import io
import os
import stat
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from castproof.data import archive
from castproof.data.archive import open_archive
from castproof.errors import DataError

Entry = str | zipfile.ZipInfo


def pack(path: Path, entries: list[tuple[Entry, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as zipped:
        for name, data in entries:
            zipped.writestr(name, data, packing)
    return path


def info(name: str, mode: int) -> zipfile.ZipInfo:
    one = zipfile.ZipInfo(name)
    one.create_system = 3
    one.external_attr = mode << 16
    return one


def names_in(path: Path) -> list[str]:
    with open_archive(path) as found:
        return [photo.name for photo in found.photos]


def read_all(path: Path) -> list[bytes]:
    with open_archive(path) as found:
        return [photo.read() for photo in found.photos]


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_all(path)
    return str(caught.value)


def test_only_photos_are_offered_by_name_and_read_as_they_are(tmp_path: Path) -> None:
    content = os.urandom(3000)
    path = pack(
        tmp_path / "a.zip",
        [
            ("set/ok/b.JPEG", b"b"),
            ("./set/ok/ä 鋳.png", content),
            ("set/ok/raw.heic", b"h"),
            ("set/readme.txt", b"t"),
            ("set/more.zip", b"z"),
            ("__MACOSX/set/ok/b.jpeg", b"m"),
            ("set/ok/._b.jpeg", b"m"),
            ("set/empty/", b""),
        ],
    )
    with open_archive(path) as found:
        assert [photo.name for photo in found.photos] == [
            "set/ok/b.JPEG",
            "set/ok/raw.heic",
            "set/ok/ä 鋳.png",
        ]
        assert found.nested == ("set/more.zip",)
        assert found.others == ("set/readme.txt",)
        photo = found.photos[-1]
        assert (photo.size, photo.path) == (3000, None)
        assert photo.read() == content == photo.read()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/a.jpg",
        "../a.jpg",
        "ok/../../a.jpg",
        "ok/..",
        "C:/a.jpg",
        "c:a.jpg",
        r"ok\a.jpg",
        r"..\a.jpg",
        "ok//a.jpg",
        "ok/.. /a.jpg",
        "ok/.../a.jpg",
        "ok/ /a.jpg",
        "ok/a\n.jpg",
        "ok/a\x9b31m.jpg",
        "d/" * 50 + "a.jpg",
        "ok/" + "ä" * 200 + ".jpg",
    ],
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    text = refusal(pack(tmp_path / "a.zip", [("ok/fine.jpg", b"x"), (name, b"x")]))
    assert "refused" in text
    assert repr(name) in text


def test_a_name_that_hides_its_end_behind_a_zero_byte_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg~.txt", b"x")])
    path.write_bytes(path.read_bytes().replace(b"a.jpg~", b"a.jpg\0"))
    assert "control character" in refusal(path)


@pytest.mark.parametrize(
    ("mode", "said"), [(stat.S_IFLNK | 0o777, "it is a link"), (stat.S_IFIFO | 0o644, "it is no file")]
)
def test_links_and_special_files_are_refused(mode: int, said: str, tmp_path: Path) -> None:
    assert said in refusal(pack(tmp_path / "a.zip", [(info("ok/a.jpg", mode), b"/etc/passwd")]))


def test_plain_modes_are_fine(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "a.zip", [(info("ok/a.jpg", stat.S_IFREG | 0o600), b"x"), (info("ok/b.jpg", 0), b"x")]
    )
    assert names_in(path) == ["ok/a.jpg", "ok/b.jpg"]


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", b"x")], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusal(path)


@pytest.mark.parametrize("other", ["ok/a.jpg", "OK/A.jpg", "./ok/a.jpg", "ok/a.JPG"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one_file_on_some_disks_are_refused(other: str, tmp_path: Path) -> None:
    assert "letter case" in refusal(pack(tmp_path / "a.zip", [("ok/a.jpg", b"x"), (other, b"y")]))


def test_composed_and_decomposed_letters_are_one_name(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/\u00e4.jpg", b"x"), ("ok/a\u0308.jpg", b"y")])
    assert "occur twice" in refusal(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FROM_BYTES", 2**20)
    one = pack(tmp_path / "one.zip", [("ok/a.bmp", bytes(2**21))])
    assert "ok/a.bmp: 2097152 bytes" in refusal(one)
    many = pack(tmp_path / "many.zip", [(f"ok/{i}.bmp", bytes(2**18)) for i in range(8)])
    assert "would unpack to 2 MiB" in refusal(many)
    text = pack(tmp_path / "text.zip", [("ok/a.jpg", b"x"), ("log.txt", bytes(2**21))])
    assert names_in(text) == ["ok/a.jpg"], "what is never unpacked may be large"


def test_limits_on_size_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", os.urandom(500)), ("ok/b.jpg", os.urandom(500))])
    assert len(names_in(path)) == 2
    for limit, value in (("MAX_FILE_BYTES", 499), ("MAX_TOTAL_BYTES", 999), ("MAX_ENTRIES", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(archive, limit, value)
            assert "refused" in refusal(path)


def with_central_size(data: bytes, size: int) -> bytes:
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


@pytest.mark.parametrize(
    "packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]
)
@pytest.mark.parametrize("claimed", [100, 5000])
def test_a_photo_that_lies_about_its_size_is_refused(claimed: int, packing: int, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", os.urandom(1000))], packing)
    assert names_in(path) == ["ok/a.jpg"]
    path.write_bytes(with_central_size(path.read_bytes(), claimed))
    assert "broken or cut off" in refusal(path)


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", b"1" * 50), ("ok/b.jpg", b"2" * 50)], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 10)
    path.write_bytes(data)
    assert "share the same bytes" in refusal(path)


def with_packing(data: bytes, number: int) -> bytes:
    at = data.index(b"PK\x01\x02") + 10
    return data[:8] + bytes([number]) + data[9:at] + bytes([number]) + data[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut off"),
        pytest.param(lambda data: data[:-30], id="end cut off"),
        pytest.param(lambda data: data[:60] + bytes([data[60] ^ 255]) + data[61:], id="one byte changed"),
        pytest.param(lambda data: with_packing(data, 99), id="unknown way of packing"),
        pytest.param(lambda data: data[:4] + bytes(26) + data[30:], id="header wiped"),
    ],
)
def test_a_broken_archive_is_told(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", os.urandom(900)), ("ok/b.jpg", os.urandom(900))])
    path.write_bytes(spoil(path.read_bytes()))
    assert "broken or cut off" in refusal(path)


def test_every_cut_and_many_changed_bytes_end_in_a_data_error_or_the_right_bytes(tmp_path: Path) -> None:
    first, second = os.urandom(200), os.urandom(100)
    whole = pack(tmp_path / "a.zip", [("ok/a.jpg", first), ("ok/b.jpg", second)]).read_bytes()
    path = tmp_path / "spoilt.zip"
    for at in range(len(whole)):
        for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
            path.write_bytes(data)
            try:
                read = read_all(path)
            except DataError:
                continue
            assert set(read) <= {first, second}


def sound(path: Path, whole: dict[str, bytes]) -> bool:
    """Return whether the archive at `path` is refused, or gives the photos of `whole` and nothing else."""
    try:
        with open_archive(path) as found:
            return {photo.name: photo.read() for photo in found.photos} == whole
    except DataError:
        return True


@pytest.mark.parametrize("comment", [b"", b"castings of May"])
def test_no_flipped_bit_of_the_directory_takes_away_photos(comment: bytes, tmp_path: Path) -> None:
    """Every 7th of 3,648 flips. Of all of them 245 lost photos when entries were not counted, nor names compared."""
    whole = {f"ok/{number}.jpg": os.urandom(40) for number in range(7)}
    path = pack(tmp_path / "a.zip", [("readme.txt", b"t"), *whole.items()], zipfile.ZIP_STORED)
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.comment = comment
        start = zipped.start_dir
    data = path.read_bytes()
    for bit in range(8 * start, 8 * len(data), 7):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert sound(path, whole), f"bit {bit % 8} of byte {bit // 8 - start} of the directory"


def with_end_record(data: bytes, count: int, *, zip64: bool) -> bytes:
    """Return a zip archive without a comment whose end record counts `count` entries."""
    *start, _, size, offset, _ = struct.unpack("<4s4H2LH", data[-22:])
    if not zip64:
        return data[:-22] + struct.pack("<4s4H2LH", *start, count, size, offset, 0)
    return (
        data[:-22]
        + struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
        + struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


@pytest.mark.parametrize("zip64", [False, True])
def test_entries_are_compared_with_the_end_record(zip64: bool, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", b"a"), ("ok/b.jpg", b"b")])
    data = path.read_bytes()
    path.write_bytes(with_end_record(data, 2, zip64=zip64))
    assert names_in(path) == ["ok/a.jpg", "ok/b.jpg"]
    path.write_bytes(with_end_record(data, 3, zip64=zip64))
    assert "its end counts 3 entries, its directory has 2" in refusal(path)


def test_more_entries_than_16_bits_hold_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for number in range(2**16 + 1):
            zipped.writestr(f"{number}.jpg", b"")
    data = path.read_bytes()
    size, offset = struct.unpack("<2Q", data[-22 - 20 - 16 : -22 - 20])
    plain = data[: -22 - 20 - 56] + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, offset, 0)
    path.write_bytes(plain)  # as some programs write it, without the records of zip64
    assert len(names_in(path)) == 2**16 + 1


@pytest.mark.parametrize(
    ("name", "content", "found", "fix"),
    [
        ("a.tar", bytes(257) + b"ustar\x0000" + bytes(300), "It is a tar archive.", "Unpack it"),
        ("a.zip", b"Rar!\x1a\x07\x01\x00", "It is a RAR archive.", "Unpack it"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\x00\x04", "It is a 7z archive.", "Unpack it"),
        ("a.tgz", b"\x1f\x8b\x08\x00", "It is a gzip archive.", "Unpack it"),
        ("a.zip", b"", "It is empty.", "Download or copy it again"),
        ("a.JPG", b"\xff\xd8\xff\xe0", "It is a single photo.", "Give the folder that contains"),
        ("notes.txt", b"Castings of May", "It is no archive at all.", "Give the folder of the photos"),
    ],
)
def test_other_files_are_told_for_what_they_are(
    name: str, content: bytes, found: str, fix: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    told = refusal(tmp_path / name)
    assert "is not a zip archive" in told
    assert f"{found} {fix}" in told


def test_an_archive_that_is_gone_is_told(tmp_path: Path) -> None:
    assert "Cannot read" in refusal(tmp_path / "missing.zip")


@pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs rights"
)
def test_an_archive_without_read_permission_is_told(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", b"x")])
    path.chmod(0)
    assert "Cannot read" in refusal(path)


def test_an_archive_in_an_archive_stays_closed(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as zipped:
        zipped.writestr("../evil.jpg", b"x")
    path = pack(tmp_path / "a.zip", [("ok/a.jpg", b"x"), ("inner.zip", inner.getvalue())])
    assert names_in(path) == ["ok/a.jpg"]
