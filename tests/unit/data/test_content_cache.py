"""The cache by content: what was added comes back, whatever else lies there is computed again."""

import hashlib
import sys
from pathlib import Path

import pytest

from castproof.data import content_cache
from castproof.data.content_cache import PhotoEntries, Results, cache_folder


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_what_was_added_comes_back_beside_what_was_there(tmp_path: Path) -> None:
    first = {digest(number): {"value": number} for number in range(600)}
    second = {digest(number): {"value": number} for number in range(600, 700)}
    PhotoEntries(tmp_path, "statistics", 1).add(first)
    PhotoEntries(tmp_path, "statistics", 1).add(second)
    again = PhotoEntries(tmp_path, "statistics", 1)
    assert {key: again.get(key) for key in (*first, *second)} == first | second
    assert again.get(digest(1000)) is None
    assert len(list((tmp_path / "statistics").iterdir())) <= 256


def test_another_version_or_kind_is_not_read(tmp_path: Path) -> None:
    PhotoEntries(tmp_path, "statistics", 1).add({digest(1): 5})
    assert PhotoEntries(tmp_path, "statistics", 2).get(digest(1)) is None
    assert PhotoEntries(tmp_path, "other", 1).get(digest(1)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'{"version": 1, "entries": 7}',
        b'{"version": 1}',
        b'{"version": 1, "entries": {"a": NaN}}',
        b"[" * 100_000,
    ],
)
def test_a_broken_file_counts_as_empty_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    entries = PhotoEntries(tmp_path, "statistics", 1)
    entries.add({digest(1): 5})
    (path,) = (tmp_path / "statistics").iterdir()
    path.write_bytes(content)
    broken = PhotoEntries(tmp_path, "statistics", 1)
    assert broken.get(digest(1)) is None
    broken.add({digest(1): 6})
    assert PhotoEntries(tmp_path, "statistics", 1).get(digest(1)) == 6


def test_the_oldest_entries_go_where_a_file_grows_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_cache, "MAX_ENTRIES_PER_FILE", 3)
    keys = [f"aa{number:062d}" for number in range(5)]
    for number, key in enumerate(keys):
        PhotoEntries(tmp_path, "statistics", 1).add({key: number})
    kept = PhotoEntries(tmp_path, "statistics", 1)
    assert [kept.get(key) for key in keys] == [None, None, 2, 3, 4]


def test_results_come_back_and_only_the_newest_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path, "parts")
    results.write(digest(1), {"parts": ["a"]})
    assert results.read(digest(1)) == {"parts": ["a"]}
    assert results.read(digest(2)) == {}
    monkeypatch.setattr(content_cache, "MAX_RESULTS", 4)
    for number in range(10):
        results.write(digest(number), {"parts": [str(number)]})
    assert len(list((tmp_path / "parts").iterdir())) == 4
    assert results.read(digest(9)) == {"parts": ["9"]}


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    entries, results = PhotoEntries(tmp_path / "file", "statistics", 1), Results(tmp_path / "file", "parts")
    entries.add({digest(1): 5, digest(2): 6})
    results.write(digest(1), {"a": 1})
    assert results.read(digest(1)) == {}
    assert PhotoEntries(tmp_path / "file", "statistics", 1).get(digest(1)) is None
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASTPROOF_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("CASTPROOF_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / "home" / ".cache" / "castproof"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cache_folder() == tmp_path / "xdg" / "castproof"
