import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from castproof.data.folders import read_folders, verify_photos
from castproof.errors import ClassNameError, DataError, UnreadableError
from castproof.progress import Task

ClassFolder = Callable[..., Path]
THREE = {split: {"ok_front": 2, "def_front": 3} for split in ("train", "val", "test")}
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need extra rights")


def test_split_folders(class_folder: ClassFolder) -> None:
    root = class_folder(THREE)
    manifest = read_folders(root)
    assert manifest.root == root
    assert manifest.counts() == {split: {"ok_front": 2, "def_front": 3} for split in ("train", "val", "test")}
    first = manifest.photos[0]
    assert (first.file, first.split, first.class_name) == (
        "test/def_front/photo 000.png",
        "test",
        "def_front",
    )
    assert (first.defective, first.defect_type) == (True, "def_front")
    good = manifest.of_split("train")[-1]
    assert (good.defective, good.defect_type, good.part, good.sha256) == (False, "", "", "")
    assert all(manifest.path(photo).is_file() for photo in manifest.photos)


def test_class_folders_without_splits(class_folder: ClassFolder) -> None:
    manifest = read_folders(class_folder({"ok": 2, "crack": 1, "気孔 Lunker": 1}))
    assert manifest.counts() == {"": {"ok": 2, "crack": 1, "気孔 Lunker": 1}}
    assert [photo.file for photo in manifest.photos] == sorted(photo.file for photo in manifest.photos)


@pytest.mark.parametrize("name", ["valid", "validation", "VAL", "Validation"])
def test_other_names_of_the_splits(class_folder: ClassFolder, name: str) -> None:
    manifest = read_folders(
        class_folder({"Train": THREE["train"], name: THREE["val"], "TEST": THREE["test"]})
    )
    assert list(manifest.counts()) == ["train", "val", "test"]
    assert manifest.of_split("val")[0].file.startswith(f"{name}/")


def test_doubled_top_folder(class_folder: ClassFolder) -> None:
    root = class_folder({"data": THREE})
    manifest = read_folders(root)
    assert manifest.root == root / "data"
    assert len(manifest.photos) == 15
    flat = read_folders(class_folder({"x": {"ok": 1, "def": 1}}, name="other"))
    assert flat.counts() == {"": {"ok": 1, "def": 1}}


def test_subfolders_belong_to_their_class_and_system_files_do_not_count(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": {"monday": 2, "late shift": {"camera 2": 1}}, "def": 1, ".git": {"ok": 1}})
    (root / "ok" / "Thumbs.db").write_bytes(b"x")
    (root / "ok" / ".DS_Store").write_bytes(b"x")
    (root / "ok" / "._photo.png").write_bytes(b"x")
    (root / "ok" / "notes.txt").write_text("x")
    (root / "readme.txt").write_text("x")
    manifest = read_folders(root)
    assert manifest.counts() == {"": {"ok": 3, "def": 1}}
    assert "ok/late shift/camera 2/photo 000.png" in [photo.file for photo in manifest.photos]


def test_every_suffix_in_any_case(class_folder: ClassFolder) -> None:
    root = class_folder({"def": 1})
    (root / "ok").mkdir()
    for suffix in (".JPG", ".jpeg", ".PNG", ".bmp", ".TIF", ".tiff", ".webp"):
        Image.new("L", (4, 4), 200).save(root / "ok" / f"a{suffix}")
    assert verify_photos(read_folders(root), skip_unreadable=False).counts()[""]["ok"] == 7


@needs_links
def test_links_back_into_the_data_are_not_followed(class_folder: ClassFolder, tmp_path: Path) -> None:
    root = class_folder({"ok": {"sub": 2}, "def": 1})
    outside = class_folder({"box": {"inner": 2}}, name="outside")
    (root / "ok" / "loop").symlink_to(root / "ok")
    (root / "ok" / "sub" / "up").symlink_to(root)
    (root / "ok" / "top").symlink_to(tmp_path)
    (root / "ok" / "other class").symlink_to(root / "def")
    (root / "ok" / "itself").symlink_to(root / "ok" / "itself")
    (root / "ok" / "drive").symlink_to(outside / "box")
    (root / "ok" / "drive again").symlink_to(outside / "box")
    (outside / "box" / "inner" / "round").symlink_to(outside / "box")
    (outside / "box" / "inner" / "home").symlink_to(root / "def")
    files = [photo.file for photo in read_folders(root).photos if photo.class_name == "ok"]
    assert files == [
        "ok/drive/inner/photo 000.png",
        "ok/drive/inner/photo 001.png",
        "ok/sub/photo 000.png",
        "ok/sub/photo 001.png",
    ]


@needs_links
def test_a_broken_link_is_an_unreadable_photo(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 1, "def": 1})
    (root / "ok" / "gone.png").symlink_to(root / "nowhere.png")
    with pytest.raises(UnreadableError, match=r"ok/gone\.png"):
        verify_photos(read_folders(root), skip_unreadable=False)


def test_missing_folder_and_file(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_folders(tmp_path / "none")
    assert str(caught.value) == f"There is no folder {str(tmp_path / 'none')!r}. Check the path."
    for odd in ("a\0b", "x" * 5000):
        with pytest.raises(DataError, match="Cannot read the folder"):
            read_folders(Path(odd))
    (tmp_path / "file.zip").touch()
    with pytest.raises(DataError, match="is a file"):
        read_folders(tmp_path / "file.zip")


def test_no_photos_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no photos"):
        read_folders(tmp_path)
    (tmp_path / "ok").mkdir()
    (tmp_path / "def").mkdir()
    with pytest.raises(DataError, match="no photos"):
        read_folders(tmp_path)


@pytest.mark.parametrize("missing", ["train", "val", "test"])
def test_a_missing_split_is_named(class_folder: ClassFolder, missing: str) -> None:
    root = class_folder({split: content for split, content in THREE.items() if split != missing})
    with pytest.raises(DataError, match=f"has no folder {missing}") as caught:
        read_folders(root)
    assert "castproof then splits" in caught.value.fix


def test_two_folders_for_one_split(class_folder: ClassFolder) -> None:
    with pytest.raises(DataError, match="two folders for the split val") as caught:
        read_folders(class_folder({**THREE, "valid": THREE["val"]}))
    assert "'valid'" in caught.value.found


@pytest.mark.parametrize("content", [{}, {"ok_front": 0, "def_front": 0}])
def test_an_empty_split_is_named(class_folder: ClassFolder, content: dict[str, int]) -> None:
    with pytest.raises(DataError, match=r"split folder .*val contains no photos"):
        read_folders(class_folder({**THREE, "val": content}))


def test_an_empty_class_is_named(class_folder: ClassFolder) -> None:
    with pytest.raises(DataError, match=r"class folder .*crack is empty"):
        read_folders(class_folder({"ok": 2, "def": 2, "crack": 0}))
    with pytest.raises(DataError, match=r"val.ok_front is empty"):
        read_folders(class_folder({**THREE, "val": {"ok_front": 0, "def_front": 1}}, name="splits"))


def test_a_class_folder_without_photos_is_named(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 2, "def": 2, "labels": 0})
    (root / "labels" / "all.csv").write_text("x")
    with pytest.raises(DataError, match=r"class folder .*labels contains files, but no photos") as caught:
        read_folders(root)
    assert caught.value.items == ("labels/all.csv",)


def test_one_class_only(class_folder: ClassFolder) -> None:
    with pytest.raises(DataError, match="no defective class"):
        read_folders(class_folder({"ok": 3}))
    with pytest.raises(DataError, match="no good class"):
        read_folders(class_folder({split: {"def": 2} for split in THREE}, name="splits"))


def test_a_split_needs_both_kinds_but_not_every_defect_type(class_folder: ClassFolder) -> None:
    fine = {
        "train": {"ok": 2, "crack": 2, "hole": 2},
        "val": {"ok": 1, "crack": 1},
        "test": {"ok": 1, "hole": 1},
    }
    assert read_folders(class_folder(fine)).counts()["val"] == {"ok": 1, "crack": 1, "hole": 0}
    with pytest.raises(DataError, match="split val has no defective photos") as caught:
        read_folders(class_folder({**fine, "val": {"ok": 1}}, name="lacking"))
    assert "crack, hole" in caught.value.fix
    with pytest.raises(DataError, match="split test has no good photos"):
        read_folders(class_folder({**fine, "test": {"hole": 1}}, name="lacking good"))


def test_loose_photos_are_listed(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 1, "def": 1})
    for number in range(7):
        Image.new("L", (2, 2)).save(root / f"loose {number}.png")
    with pytest.raises(DataError, match=r"7 photos .* outside of the class folders") as caught:
        read_folders(root)
    assert caught.value.items[0] == "loose 0.png"
    assert caught.value.items[-1] == "and 2 more"


@pytest.mark.parametrize("place", ["train/x.png", "x.png", "raw/ok/x.png"])
def test_photos_beside_the_splits_are_listed(class_folder: ClassFolder, place: str) -> None:
    root = class_folder(THREE)
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (2, 2)).save(root / place)
    with pytest.raises(DataError, match="outside of the class folders") as caught:
        read_folders(root)
    assert caught.value.items == (place,)


def test_class_names_that_differ_in_case_only(class_folder: ClassFolder) -> None:
    with pytest.raises(DataError, match="letter case only"):
        read_folders(class_folder({**THREE, "val": {"OK_front": 1, "def_front": 1}}))


def test_unclear_names_and_ok(class_folder: ClassFolder) -> None:
    root = class_folder({"0": 2, "1": 1})
    with pytest.raises(ClassNameError, match="--ok"):
        read_folders(root)
    assert read_folders(root, ok=["1"]).classes.good == ("1",)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_read_permission(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 1, "def": 1})
    (root / "ok").chmod(0)
    try:
        with pytest.raises(DataError, match="Cannot read the folder"):
            read_folders(root)
    finally:
        (root / "ok").chmod(0o755)


class Counter:
    def __init__(self) -> None:
        self.total = self.done = 0

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        self.total = total
        yield self


def test_verify_fills_the_hashes_and_counts_every_photo(class_folder: ClassFolder) -> None:
    manifest = read_folders(class_folder({"ok": 200, "def": 100}, size_px=4))  # more than one block
    progress = Counter()
    verified = verify_photos(manifest, skip_unreadable=False, progress=progress)
    assert (progress.total, progress.done) == (300, 300)
    assert [photo.file for photo in verified.photos] == [photo.file for photo in manifest.photos]
    for photo in verified.photos:
        assert photo.sha256 == hashlib.sha256(manifest.path(photo).read_bytes()).hexdigest()
    assert verified.unreadable == ()


def damage(root: Path) -> list[str]:
    whole = (root / "ok" / "photo 000.png").read_bytes()
    bad = {
        "cut.png": whole[: len(whole) // 2],
        "empty.jpg": b"",
        "text.bmp": b"hello",
        "phone.HEIC": b"\0\0\0\x18ftyp",
    }
    for name, data in bad.items():
        (root / "def" / name).write_bytes(data)
    return [f"def/{name}" for name in sorted(bad)]


def test_unreadable_photos_stop_with_the_whole_list(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 2, "def": 2})
    bad = damage(root)
    with pytest.raises(UnreadableError, match="4 of 8 photos") as caught:
        verify_photos(read_folders(root), skip_unreadable=False)
    assert [item.split(":")[0] for item in caught.value.items] == bad
    assert "--skip-unreadable" in caught.value.fix


def test_unreadable_photos_are_kept_apart_when_skipped(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 2, "def": 2})
    bad = damage(root)
    verified = verify_photos(read_folders(root), skip_unreadable=True)
    assert [one.file for one in verified.unreadable] == bad
    assert "0 bytes" in next(one.reason for one in verified.unreadable if one.file == "def/empty.jpg")
    assert verified.counts() == {"": {"ok": 2, "def": 2}}


def test_a_class_whose_photos_are_all_unreadable_stops_the_run(class_folder: ClassFolder) -> None:
    root = class_folder(THREE)
    for path in (root / "val" / "ok_front").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="No photo of class 'ok_front' in val"):
        verify_photos(read_folders(root), skip_unreadable=True)
