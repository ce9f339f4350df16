import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from castproof.data.folders import read_folders
from castproof.data.importing import Plan, Shares, check_photos, make_plan, open_source
from castproof.data.photo_sets import choose_set, find_sets, read_set
from castproof.data.splits import split_photos
from castproof.errors import ClassNameError, DataError, SettingError, UnreadableError

ClassFolder = Callable[..., Path]
DEST = Path("dest")
DEFAULT = Shares()
TWO = {split: {"ok_front": 20, "def_front": 40} for split in ("train", "test")}


def plan_of(source: Path, *, shares: Shares = DEFAULT, ok: tuple[str, ...] = (), skip: bool = False) -> Plan:
    with open_source(source) as opened:
        photos = read_set(choose_set(find_sets(list(opened.photos), ok, source="SRC")))
        hashes, _ = check_photos(photos, opened.photos, skip_unreadable=skip)
        return make_plan(photos, opened.photos, hashes, DEST, ok=ok, shares=shares)


def targets(plan: Plan) -> dict[str, str]:
    return {one.target: one.sha256 for one in plan.placements}


def zipped(folder: Path, above: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, above + file.relative_to(folder).as_posix())
    return path


def test_val_is_made_out_of_train_and_test_stays(class_folder: ClassFolder) -> None:
    root = class_folder(TWO)
    plan = plan_of(root)
    assert plan.made == ("val",)
    assert plan.manifest.counts() == {
        "train": {"ok_front": 17, "def_front": 34},
        "val": {"ok_front": 3, "def_front": 6},
        "test": {"ok_front": 20, "def_front": 40},
    }
    for one in plan.placements:
        split, class_name, name = one.target.split("/")
        origin = root / ("test" if split == "test" else "train") / class_name / name
        assert one.source.path == origin
        assert one.sha256 == hashlib.sha256(origin.read_bytes()).hexdigest()
    assert [photo.file for photo in plan.manifest.photos] == [one.target for one in plan.placements]
    assert len(targets(plan)) == 120


def test_a_folder_and_its_archive_give_the_same_plan(class_folder: ClassFolder) -> None:
    root = class_folder(TWO)
    assert targets(plan_of(zipped(root, "data/data/"))) == targets(plan_of(root))


def test_the_seed_and_the_share_decide_what_becomes_val(class_folder: ClassFolder) -> None:
    root = class_folder(TWO)
    assert targets(plan_of(root)) == targets(plan_of(root))
    assert targets(plan_of(root)) != targets(plan_of(root, shares=Shares(seed=1)))
    larger = plan_of(root, shares=Shares(val=0.4)).manifest.counts()["val"]
    assert larger == {"ok_front": 8, "def_front": 16}


def test_three_splits_are_kept_under_their_plain_names(class_folder: ClassFolder) -> None:
    root = class_folder(
        {
            "Training": {"ok": 2, "def": {"a": 1, "b": 1}},
            "valid": {"ok": 1, "def": 1},
            "TEST": {"ok": 1, "def": 1},
        }
    )
    plan = plan_of(root)
    assert plan.made == ()
    assert sorted(targets(plan)) == [
        "test/def/photo 000.png",
        "test/ok/photo 000.png",
        "train/def/a/photo 000.png",
        "train/def/b/photo 000.png",
        "train/ok/photo 000.png",
        "train/ok/photo 001.png",
        "val/def/photo 000.png",
        "val/ok/photo 000.png",
    ]


def test_without_splits_the_photos_are_split_as_training_would_split_them(class_folder: ClassFolder) -> None:
    root = class_folder({"ok": 20, "def": {"monday": 10, "tuesday": 12}, "blowhole": 9})
    plan = plan_of(root, shares=Shares(seed=3))
    assert plan.made == ("train", "val", "test")
    expected = split_photos(read_folders(root), seed=3)
    assert sorted(targets(plan)) == sorted(f"{photo.split}/{photo.file}" for photo in expected.photos)


@pytest.mark.parametrize(("given", "made"), [(("train", "val"), ("test",)), (("train",), ("val", "test"))])
def test_whatever_is_missing_beside_train_is_made(
    given: tuple[str, ...], made: tuple[str, ...], class_folder: ClassFolder
) -> None:
    plan = plan_of(class_folder(dict.fromkeys(given, TWO["train"])))
    assert plan.made == made
    counts = plan.manifest.counts()
    assert sum(sum(one.values()) for one in counts.values()) == 60 * len(given)
    for split in made:
        assert counts[split] == {"ok_front": 3, "def_front": 6}


def test_splits_without_train_are_refused(class_folder: ClassFolder) -> None:
    with pytest.raises(DataError, match=r"no folder train\. .*Found val and test"):
        plan_of(class_folder({"val": TWO["train"], "test": TWO["test"]}))


def test_a_split_with_one_kind_alone_is_refused(class_folder: ClassFolder) -> None:
    with pytest.raises(DataError, match="test would have no defective photos"):
        plan_of(class_folder({"train": TWO["train"], "test": {"ok_front": 4}}))
    with pytest.raises(DataError, match=r"val.* needs at least one good photo"):
        plan_of(class_folder({"train": {"ok": 1, "def": 9}, "test": {"ok": 1, "def": 1}}, name="few"))


def test_unclear_class_names_need_ok(class_folder: ClassFolder) -> None:
    root = class_folder({"A": 5, "B": 5})
    with pytest.raises(ClassNameError):
        plan_of(root)
    plan = plan_of(root, ok=("A",))
    assert plan.manifest.classes.good == ("A",)
    assert {(photo.class_name, photo.defective, photo.defect_type) for photo in plan.manifest.photos} == {
        ("A", False, ""),
        ("B", True, "B"),
    }


@pytest.mark.parametrize("packed", [False, True])
def test_unreadable_photos_are_all_listed_or_left_out(packed: bool, class_folder: ClassFolder) -> None:
    root = class_folder(TWO)
    (root / "train" / "ok_front" / "empty.png").write_bytes(b"")
    (root / "test" / "def_front" / "text.png").write_bytes(b"text")
    (root / "test" / "def_front" / "phone.heic").write_bytes(b"heic")
    source = root
    if packed:
        source = zipped(root)
        with zipfile.ZipFile(source, "a") as archive:
            archive.writestr("test/def_front/phone.heic", b"heic")
    with pytest.raises(UnreadableError, match="3 of 123 photos") as caught:
        plan_of(source)
    assert [item.split(":")[0] for item in caught.value.items] == [
        "test/def_front/phone.heic",
        "test/def_front/text.png",
        "train/ok_front/empty.png",
    ]
    assert len(plan_of(source, skip=True).placements) == 120


def test_a_broken_archive_is_refused_even_if_unreadable_photos_are_skipped(class_folder: ClassFolder) -> None:
    path = zipped(class_folder(TWO))
    data = bytearray(path.read_bytes())
    data[100] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match="broken or cut off"):
        plan_of(path, skip=True)


def test_a_source_without_photos_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder or archive"), open_source(tmp_path / "gone"):
        pass
    with pytest.raises(DataError, match=r"There are no photos"), open_source(tmp_path):
        pass
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", b"x")
    for source, inside in ((tmp_path, "outer.zip"), (tmp_path / "outer.zip", "inner.zip")):
        with pytest.raises(DataError, match=rf"no photos .*archives {inside}"), open_source(source):
            pass


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="needs names in any bytes")
def test_names_that_are_no_valid_unicode_are_kept(class_folder: ClassFolder) -> None:
    root = class_folder(TWO)
    odd = root / "train" / "ok_front" / os.fsdecode(b"\xff.png")
    (root / "train" / "ok_front" / "photo 000.png").rename(odd)
    assert [one.source.path for one in plan_of(root).placements].count(odd) == 1


@pytest.mark.parametrize("wrong", [{"val": 0.0}, {"test": 1.0}, {"val": 0.5, "test": 0.5}, {"seed": -1}])
def test_shares_and_seed_have_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        Shares(**wrong)  # type: ignore[arg-type]
