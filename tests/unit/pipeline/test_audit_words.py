"""The sentences of an audit and the command that it proposes."""

from pathlib import Path

import pytest

from castproof.data.audit import Audit, find_everything
from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo, UnreadablePhoto
from castproof.data.photo_statistics import APPEARANCE_LENGTH, PhotoStatistics
from castproof.pipeline.audit_words import fixing_command, share, verdict


def audit_of(rows: list[tuple[str, str, str]], unreadable: int = 0) -> Audit:
    """Return the audit of photos with these splits, classes and parts."""
    photos = tuple(
        Photo(f"{split}/{name}/{number}", split, name, name == "def", "", part, f"{number:064x}", 0.9)
        for number, (split, name, part) in enumerate(rows)
    )
    numbers, alike = [1.0] * 11, (1.0,) * APPEARANCE_LENGTH
    measured = {
        photo.sha256: PhotoStatistics(photo.sha256, 9, 9, 9, *numbers, appearance=alike) for photo in photos
    }
    bad = tuple(UnreadablePhoto(f"bad{number}", "empty") for number in range(unreadable))
    return find_everything(Manifest(Path("data"), Classes(("ok",), ("def",)), photos, bad), measured)


@pytest.mark.parametrize(
    ("count", "total", "words"),
    [
        (1148, 1148, "1,148 of 1,148 (100%)"),
        (1147, 1148, "1,147 of 1,148 (99.9%)"),
        (99_999, 100_000, "99,999 of 100,000 (>99.9%)"),
        (1, 100_000, "1 of 100,000 (<0.1%)"),
        (0, 7, "0 of 7 (0%)"),
        (0, 0, "none"),
    ],
)
def test_shares_say_none_and_all_only_where_it_is_so(count: int, total: int, words: str) -> None:
    assert share(count, total) == words


# Equal pixel hashes would be duplicates, so each photo has one of its own.
LEAK = [("train", "ok", "a"), ("test", "ok", "a"), ("test", "def", "b"), ("train", "def", "c")]
CONFLICT = [("train", "ok", "a")] * 5 + [("train", "def", "a"), ("test", "ok", "b"), ("test", "def", "c")]
CLEAN = [("train", "ok", "a"), ("train", "def", "b"), ("test", "ok", "c"), ("test", "def", "d")]


def test_the_verdict_tells_the_leak_and_the_conflict_with_their_numbers() -> None:
    assert verdict(audit_of(LEAK)) == "Leak: 1 of 2 test photos (50.0%) show a part that is also in train."
    assert verdict(audit_of(CONFLICT)) == (
        "Label conflict: 1 part carries both labels; 1 photo is labelled unlike the rest of its part."
    )
    assert verdict(audit_of(CLEAN)) == "Neither a leak nor a label conflict found in 4 photos of 4 parts."
    unsplit = [("", name, part) for _, name, part in CLEAN]
    assert "not split yet" in verdict(audit_of(unsplit))
    val_only = [("train", "ok", "a"), ("val", "ok", "a"), ("val", "def", "b"), ("test", "def", "c")]
    assert "1 of 2 val photos" in verdict(audit_of(val_only))
    from_val = [("train", "ok", "a"), ("val", "ok", "b"), ("test", "ok", "b"), ("test", "def", "c")]
    assert "1 of 2 test photos (50.0%) show a part that is also in val" in verdict(audit_of(from_val))


def test_the_command_splits_beside_the_data() -> None:
    data = Path("photos") / "casting data"
    target = str(Path("photos") / "casting data_by_part")
    assert fixing_command(audit_of(LEAK), data) == ["split", str(data), target]
    assert fixing_command(audit_of(CONFLICT, unreadable=1), data, ["ok"]) == [
        "split", str(data), target, "--ok", "ok", "--skip-unreadable", "--set-aside",
    ]  # fmt: skip
    assert fixing_command(audit_of(CLEAN), data) == []
    unsplit = [("", name, part) for _, name, part in CLEAN]
    assert fixing_command(audit_of(unsplit), data) == ["split", str(data), target]


@pytest.mark.parametrize("here", [".", ".."])
def test_the_command_never_splits_into_the_data_itself(here: str) -> None:
    *_, source, target = fixing_command(audit_of(LEAK), Path(here))
    assert (source, Path(target).is_absolute()) == (here, False)
    assert str(Path(target).resolve()) == f"{Path(here).resolve()}_by_part"
