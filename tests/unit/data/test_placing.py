import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from castproof.data.placing import FileSource, Placed, Placement, check_apart, place, survey
from castproof.errors import DataError, ImageError, OutputError
from castproof.progress import Task

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need extra rights")


@dataclass(frozen=True)
class Bytes:
    """A source that is no file, as an entry of an archive."""

    data: bytes
    name: str = "memory"
    path: Path | None = None

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self) -> bytes:
        return self.data


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def photos(tmp_path: Path) -> list[Placement]:
    """Return three photos in tmp_path/source for train/ok/0.png and so on."""
    (tmp_path / "source").mkdir()
    placements = []
    for number in range(3):
        path = tmp_path / "source" / f"{number}.png"
        path.write_bytes(b"photo" * (number + 1))
        placements.append(Placement(FileSource(path), f"train/ok/{number}.png", sha256(path.read_bytes())))
    return placements


WHOLE = {f"train/ok/{number}.png": b"photo" * (number + 1) for number in range(3)}


def test_photos_are_copied_and_a_second_time_left_alone(photos: list[Placement], tmp_path: Path) -> None:
    dest = tmp_path / "new" / "dest"
    assert place(photos, dest, link=False) == Placed(copied=3, linked=0, present=0, size=30)
    assert content(dest) == WHOLE
    before = {path: path.stat().st_mtime_ns for path in dest.rglob("*")}
    assert place(photos, dest, link=False) == Placed(0, 0, 3, 0)
    assert {path: path.stat().st_mtime_ns for path in dest.rglob("*")} == before
    assert content(tmp_path / "source") == {f"{n}.png": b"photo" * (n + 1) for n in range(3)}


def test_hard_links_share_the_file_and_keep_its_mode(photos: list[Placement], tmp_path: Path) -> None:
    source = tmp_path / "source" / "0.png"
    source.chmod(0o440)
    before = source.stat()
    assert place(photos, tmp_path / "dest", link=True) == Placed(copied=0, linked=3, present=0, size=0)
    after = source.stat()
    assert (tmp_path / "dest/train/ok/0.png").samefile(source)
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


@needs_links
def test_a_symbolic_link_in_the_source_is_linked_to_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"x")
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    place([Placement(FileSource(tmp_path / "link.png"), "a.png")], tmp_path / "dest", link=True)
    there = tmp_path / "dest" / "a.png"
    assert there.samefile(tmp_path / "real.png")
    assert not there.is_symlink()


def test_what_cannot_be_linked_is_copied(
    photos: list[Placement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def refuse_first(source: Path, target: Path) -> None:
        if target.name == "0.png":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "link", refuse_first)
    archived = Placement(Bytes(b"zipped"), "val/ok/z.png", sha256(b"zipped"))
    assert place([*photos, archived], tmp_path / "dest", link=True) == Placed(2, 2, 0, 5 + 6)
    assert content(tmp_path / "dest") == WHOLE | {"val/ok/z.png": b"zipped"}


def test_other_content_stops_it_before_anything_is_written(photos: list[Placement], tmp_path: Path) -> None:
    mine = tmp_path / "dest" / "train" / "ok" / "2.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"1 file in .* other content") as caught:
        place(photos, tmp_path / "dest", link=False)
    assert caught.value.items == ("train/ok/2.png",)
    assert content(tmp_path / "dest") == {"train/ok/2.png": b"mine"}


@pytest.mark.parametrize("stranger", ["notes.txt", "train/ok/9.png", "val/x/1.png"])
def test_files_that_do_not_belong_there_stop_it(
    stranger: str, photos: list[Placement], tmp_path: Path
) -> None:
    path = tmp_path / "dest" / stranger
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(DataError, match="1 file that does not belong there") as caught:
        place(photos, tmp_path / "dest", link=False)
    assert caught.value.items == (stranger,)
    assert content(tmp_path / "dest") == {stranger: b"mine"}
    assert place(photos, tmp_path / "dest", link=False, allowed=[stranger]).copied == 3


def test_system_files_are_passed_over(photos: list[Placement], tmp_path: Path) -> None:
    (tmp_path / "dest").mkdir()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / "dest" / name).write_bytes(b"x")
    assert place(photos, tmp_path / "dest", link=False).copied == 3


@needs_links
@pytest.mark.parametrize("where", ["train", "train/ok", "train/ok/0.png"])
def test_a_link_in_the_destination_leads_nowhere_else(
    where: str, photos: list[Placement], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = photos[0].source.path if where.endswith(".png") else outside
    (tmp_path / "dest" / where).parent.mkdir(parents=True)
    (tmp_path / "dest" / where).symlink_to(target or outside)
    with pytest.raises(DataError):
        place(photos, tmp_path / "dest", link=False)
    assert content(outside) == {}


class Interrupter:
    """Progress that stops the work when `after` photos were written."""

    def __init__(self, after: int) -> None:
        self.left = after

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        self.counts = description != "looking at DEST"
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.left -= self.counts
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("link", [False, True])
def test_a_stopped_run_leaves_whole_files_and_goes_on(
    link: bool, photos: list[Placement], tmp_path: Path
) -> None:
    dest = tmp_path / "dest"
    with pytest.raises(KeyboardInterrupt):
        place(photos, dest, link=link, progress=Interrupter(2))
    assert content(dest) == {name: WHOLE[name] for name in list(WHOLE)[:2]}
    done = place(photos, dest, link=link)
    assert (done.copied + done.linked, done.present) == (1, 2)
    assert content(dest) == WHOLE


def test_what_a_killed_run_left_is_cleaned_up(photos: list[Placement], tmp_path: Path) -> None:
    folder = tmp_path / "dest" / "train" / "ok"
    folder.mkdir(parents=True)
    (folder / ".castproof-1-ab_d3fgh.png").write_bytes(b"half")
    others = dict.fromkeys((".castproof-mine-ab_d3fgh.png", ".1-ab_d3fgh.png"), b"not from here")
    for name, data in others.items():
        (folder / name).write_bytes(data)
    place(photos, tmp_path / "dest", link=False)
    assert content(tmp_path / "dest") == WHOLE | {f"train/ok/{name}": data for name, data in others.items()}


def test_ctrl_c_right_after_a_temporary_file_was_made_leaves_none(
    photos: list[Placement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def interrupted(path: os.PathLike[str], *how: int) -> int:
        handle = real(path, *how)
        os.close(handle)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place(photos, tmp_path / "dest", link=False)
    assert content(tmp_path / "dest") == {}


@pytest.mark.parametrize("link", [False, True])
def test_a_source_that_changed_meanwhile_is_noticed(
    link: bool, photos: list[Placement], tmp_path: Path
) -> None:
    (tmp_path / "source" / "1.png").write_bytes(b"other")
    with pytest.raises(DataError, match="has changed since"):
        place(photos, tmp_path / "dest", link=link)
    assert content(tmp_path / "dest") == {"train/ok/0.png": b"photo"}


def test_a_disk_that_does_not_keep_what_is_written_is_noticed(
    photos: list[Placement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: path.open("wb").write(data[:-1]))
    with pytest.raises(OutputError, match="does not read back"):
        place(photos, tmp_path / "dest", link=False)
    assert content(tmp_path / "dest") == {}


def test_too_little_room_is_told_before(
    photos: list[Placement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 29}))
    with pytest.raises(OutputError, match="too little room"):
        place(photos, tmp_path / "dest", link=False)
    assert not (tmp_path / "dest").exists()
    assert place(photos, tmp_path / "dest", link=True).linked == 3, "links take no room"


def test_room_is_needed_for_what_cannot_be_linked(
    photos: list[Placement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    archived = Placement(Bytes(b"of an archive"), "val/ok/z.png")
    with pytest.raises(OutputError, match="too little room"):
        place([*photos, archived], tmp_path / "dest", link=True)
    assert not (tmp_path / "dest").exists()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("castproof.data.placing.device_of", lambda path: hash(path))
        with pytest.raises(OutputError, match="too little room"):
            place(photos, tmp_path / "dest", link=True)
    assert not (tmp_path / "dest").exists()


def test_room_is_checked_when_links_fail_against_expectation(
    photos: list[Placement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 29}))
    with pytest.raises(OutputError, match="too little room"):
        place(photos, tmp_path / "dest", link=True)
    assert content(tmp_path / "dest") == {}
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 30}))
    assert place(photos, tmp_path / "dest", link=True).copied == 3


@pytest.mark.parametrize("target", ["/etc/a.png", "../a.png", "train/../../a.png", "", "a\0.png"])
def test_a_target_outside_of_the_destination_is_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not in the destination"):
        place([Placement(Bytes(b"x"), target)], tmp_path / "dest", link=False)


@pytest.mark.parametrize("other", ["ok/a.png", "OK/A.png", "ok/a.png/b.png"])
def test_targets_that_get_into_each_others_way_are_refused(other: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ok/a\.png"):
        place(
            [Placement(Bytes(b"x"), "ok/a.png"), Placement(Bytes(b"y"), other)], tmp_path / "dest", link=False
        )
    assert not (tmp_path / "dest").exists()


def test_a_survey_tells_what_is_missing_and_writes_nothing(photos: list[Placement], tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    found = survey(photos, dest)
    assert (found.missing, found.present, found.size) == (tuple(photos), 0, 30)
    assert not dest.exists()
    place(photos[:1], dest, link=False)
    unknown = [Placement(one.source, one.target) for one in photos]
    again = survey(unknown, dest)
    assert ([one.target for one in again.missing], again.present, again.size) == (list(WHOLE)[1:], 1, 25)


def test_a_source_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"There is no file .*gone\.png"):
        place([Placement(FileSource(tmp_path / "gone.png"), "a.png")], tmp_path / "dest", link=False)
    assert content(tmp_path) == {}


def test_a_file_instead_of_a_folder_is_told(photos: list[Placement], tmp_path: Path) -> None:
    (tmp_path / "dest").write_bytes(b"x")
    with pytest.raises(DataError, match="is not a folder"):
        place(photos, tmp_path / "dest", link=False)


def test_source_and_destination_lie_apart(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    check_apart(tmp_path / "a", tmp_path / "ab")
    for one, other in (("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "a/new/folder"), ("a/b", "a/b/../../a")):
        with pytest.raises(DataError, match="are inside one another"):
            check_apart(tmp_path / one, tmp_path / other)
    if sys.platform != "win32":
        (tmp_path / "alias").symlink_to(tmp_path / "a")
        with pytest.raises(DataError, match="are inside one another"):
            check_apart(tmp_path / "a", tmp_path / "alias" / "new")
