"""The findings of an audit on hand-made manifests whose answer is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from castproof.data.audit import FLAGS, Audit, find_everything
from castproof.data.audit.outliers import neighbour_distances
from castproof.data.audit.parts import LeakCount
from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.data.photo_statistics import APPEARANCE_LENGTH, PhotoStatistics
from castproof.measure.separation import separation, separation_by_chance

Row = tuple[str, str, str]  # split, class, part


def statistics(number: int, **changes: Any) -> PhotoStatistics:
    rng = np.random.default_rng(number)
    plain = PhotoStatistics(
        pixel_hash=f"pixels {number}",
        width=300,
        height=300,
        file_bytes=9000 + number % 7,
        brightness=float(rng.normal(140, 6)),
        contrast=float(rng.normal(55, 3)),
        sharpness=float(rng.normal(0.08, 0.006)),
        background=float(rng.normal(160, 6)),
        dark_share=0.03,
        bright_share=float(rng.uniform(0, 0.001)),
        glare=0.0,
        rim_contrast=40.0,
        centre_x=0.5,
        centre_y=0.5,
        extent=0.6,
        appearance=tuple(float(value) for value in rng.normal(0, 0.1, APPEARANCE_LENGTH)),
    )
    return replace(plain, **changes)


def manifest(rows: list[Row], **confidence: float) -> Manifest:
    photos = tuple(
        Photo(
            file=f"{split}/{name}/{number}.jpg",
            split=split,
            class_name=name,
            defective=name == "def",
            defect_type="def" if name == "def" else "",
            part=part,
            sha256=f"{number:064x}",
            confidence=confidence.get(part, 0.9),
        )
        for number, (split, name, part) in enumerate(rows)
    )
    return Manifest(Path("data"), Classes(("ok",), ("def",)), photos)


def audit_of(rows: list[Row], changes: dict[int, dict[str, Any]] | None = None, **confidence: float) -> Audit:
    given_rows = manifest(rows, **confidence)
    measured = {
        photo.sha256: statistics(number, **(changes or {}).get(number, {}))
        for number, photo in enumerate(given_rows.photos)
    }
    return find_everything(given_rows, measured)


LEAKY: list[Row] = [
    ("train", "ok", "a"),
    ("train", "ok", "a"),
    ("test", "ok", "a"),
    ("test", "ok", "b"),
    ("val", "def", "c"),
    ("test", "def", "c"),
    ("test", "def", "c"),
    ("train", "def", "d"),
    ("val", "def", "d"),
    ("test", "def", "e"),
]


def test_the_leak_is_counted_by_photo_part_and_label() -> None:
    found = audit_of(LEAKY)
    assert found.leak is not None
    assert found.leak.parts == 5
    assert set(found.leak.shared) == {"a", "c", "d"}
    assert found.leak.of("test") == LeakCount("test", "all", 5, 1, 3, 4, 1, 2)
    assert found.leak.of("test", "good") == LeakCount("test", "good", 2, 1, 1, 2, 1, 1)
    assert found.leak.of("test", "defective") == LeakCount("test", "defective", 3, 0, 2, 2, 0, 1)
    assert found.leak.of("val") == LeakCount("val", "all", 2, 1, 1, 2, 1, 1)
    assert [photo.part for photo in found.manifest.photos if "leak" in photo.flags] == list("aaacccdd")
    assert found.has_leak
    assert not found.has_conflict
    assert not found.is_clean


def test_photos_without_splits_have_no_leak_but_their_conflicts() -> None:
    rows = [("", "ok", "a")] * 5 + [("", "def", "a")] + [("", "def", "b")] * 2
    found = audit_of(rows)
    assert found.leak is None
    assert not found.has_leak
    (conflict,) = found.conflicts
    assert (conflict.part, len(conflict.good), len(conflict.defective)) == ("a", 5, 1)
    assert [photo.file for photo in conflict.odd] == ["/def/5.jpg"]
    assert not found.is_clean


@pytest.mark.parametrize(
    ("good", "defective", "odd"), [(5, 2, 2), (4, 2, 0), (2, 5, 2), (3, 3, 0), (300, 16, 16)]
)
def test_photos_are_odd_where_their_label_has_less_than_a_third(good: int, defective: int, odd: int) -> None:
    found = audit_of([("train", "ok", "a")] * good + [("train", "def", "a")] * defective)
    (conflict,) = found.conflicts
    assert len(conflict.odd) == odd
    assert len({photo.defective for photo in conflict.odd}) <= 1
    flags = found.flag_counts()
    assert (flags["label-conflict"], flags["odd-label"]) == (good + defective, odd)


def test_a_clean_data_set_is_clean() -> None:
    found = audit_of([("train", "ok", "a"), ("train", "def", "b"), ("test", "ok", "c"), ("test", "def", "d")])
    assert found.is_clean
    assert not any(found.flag_counts().values())
    assert all(not photo.flags for photo in found.manifest.photos)


def test_duplicates_are_found_by_bytes_and_by_pixels_and_the_urgent_ones_come_first() -> None:
    rows = [("train", "ok", f"p{number}") for number in range(8)]
    rows[3] = ("test", "ok", "p3")
    rows[6] = ("train", "def", "p6")
    plain = manifest(rows)
    photos = list(plain.photos)
    photos[1] = replace(photos[1], sha256=photos[0].sha256)
    photos[3] = replace(photos[3], sha256=photos[2].sha256)
    measured = {photo.sha256: statistics(number) for number, photo in enumerate(photos)}
    measured[photos[6].sha256] = replace(measured[photos[6].sha256], pixel_hash="pixels 5")
    found = find_everything(replace(plain, photos=tuple(photos)), measured)
    told = [
        (one.same, [photo.part for photo in one.photos], one.across_splits, one.across_labels)
        for one in found.duplicates
    ]
    assert told == [
        ("pixels", ["p5", "p6"], False, True),
        ("bytes", ["p2", "p3"], True, False),
        ("bytes", ["p0", "p1"], False, False),
    ]
    assert found.has_leak, "one photo stands in two splits, though its parts differ"
    assert found.has_conflict
    counts = found.flag_counts()
    assert (counts["duplicate"], counts["same-pixels"]) == (4, 2)


def test_thin_evidence_is_flagged_below_one_half() -> None:
    found = audit_of([("train", "ok", "a"), ("train", "ok", "b"), ("test", "def", "c")], a=0.49, b=0.5)
    assert [photo.part for photo in found.thin] == ["a"]
    assert found.is_clean


ORDINARY: list[Row] = [
    (split, name, f"{split}{name}{number // 3}")
    for split in ("train", "test")
    for name in ("ok", "def")
    for number in range(60)
]


@pytest.mark.parametrize(
    ("flag", "changes"),
    [
        ("blurred", {"sharpness": 0.02}),
        ("dark", {"brightness": 70.0}),
        ("over-exposed", {"bright_share": 0.3}),
        ("glare", {"glare": 0.05}),
        ("odd-object", {"appearance": (1.5,) * APPEARANCE_LENGTH}),
        ("odd-size", {"width": 320}),
    ],
)
def test_a_photo_that_differs_gets_its_flag_and_the_others_none(flag: str, changes: dict[str, Any]) -> None:
    found = audit_of(ORDINARY, {17: changes})
    assert [(one.photo.file, one.flag) for one in found.outliers] == [(found.manifest.photos[17].file, flag)]
    assert found.manifest.photos[17].flags == (flag,)
    assert found.flag_counts() == {name: int(name == flag) for name in FLAGS}


def test_ordinary_photos_have_no_flags_and_few_photos_are_not_judged() -> None:
    assert audit_of(ORDINARY).outliers == ()
    assert audit_of(ORDINARY[:10], {3: {"brightness": 1.0}}).outliers == ()


def test_mixed_sizes_are_not_odd() -> None:
    changes = {number: {"width": 200 + number} for number in range(len(ORDINARY))}
    assert audit_of(ORDINARY, changes).outliers == ()


def test_neighbour_distances_are_those_of_a_plain_search() -> None:
    rows = np.random.default_rng(3).normal(0, 1, (300, 7)).astype(np.float32)
    whole = np.linalg.norm(rows[:, None].astype(np.float64) - rows[None], axis=2)
    np.fill_diagonal(whole, np.inf)
    np.testing.assert_allclose(neighbour_distances(rows), np.sort(whole, axis=1)[:, 4], rtol=1e-4)


def test_a_statistic_that_tells_the_labels_apart_is_a_shortcut() -> None:
    changes = {
        number: {"brightness": 200.0 + number} for number, row in enumerate(ORDINARY) if row[1] == "ok"
    }
    found = {one.statistic: one for one in audit_of(ORDINARY, changes).shortcuts}
    assert found["brightness"].level == "strong"
    assert (found["brightness"].auc_photos, found["brightness"].auc_parts) == (1, 1)
    assert found["brightness"].higher == "good"
    assert (found["brightness"].good_parts, found["brightness"].defective_parts) == (40, 40)
    assert found["size"].level == "none"
    assert [name for name, one in found.items() if one.alarming] == ["brightness"]


def test_a_shortcut_of_the_photos_counts_where_the_parts_bear_it_out() -> None:
    """Half of the good parts are bright; these have nine of ten good photos."""
    rows: list[Row] = [("train", "ok", f"bright{number % 20}") for number in range(180)]
    rows += [("train", "ok", f"ok{number}") for number in range(20)]
    rows += [("train", "def", f"def{number}") for number in range(60)]
    found = audit_of(rows, {number: {"brightness": 190.0 + number % 20} for number in range(180)})
    brightness = {one.statistic: one for one in found.shortcuts}["brightness"]
    assert brightness.auc_photos > 0.85 > brightness.auc_parts > 0.65
    assert brightness.level == "strong"
    assert found.shortcuts[0] is brightness


def test_with_few_parts_a_shortcut_may_be_chance() -> None:
    rows: list[Row] = [
        ("train", name, f"{name}{number % 2}") for name in ("ok", "def") for number in range(50)
    ]
    changes = {number: {"contrast": 90.0} for number, row in enumerate(rows) if row[1] == "def"}
    found = {one.statistic: one for one in audit_of(rows, changes).shortcuts}["contrast"]
    assert (found.auc_photos, found.auc_parts, found.level, found.alarming) == (1, 1, "thin", False)


def test_the_photos_of_one_part_are_one_piece_of_evidence() -> None:
    """One good part with most photos is bright, the other nineteen are not."""
    rows: list[Row] = [("train", "ok", "bright")] * 200
    rows += [("train", "ok", f"ok{number}") for number in range(19)]
    rows += [("train", "def", f"def{number}") for number in range(60)]
    changes = {number: {"brightness": 190.0} for number in range(200)}
    found = {one.statistic: one for one in audit_of(rows, changes).shortcuts}["brightness"]
    assert found.auc_photos > 0.9
    assert found.auc_parts < 0.75
    assert found.level == "thin"


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=60))
def test_the_auc_is_that_of_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    defective, values = np.array([one for one, _ in pairs]), np.array([float(one) for _, one in pairs])
    found = separation(defective, values)
    if defective.all() or not defective.any():
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(defective, values))


def test_the_width_of_chance_is_that_of_drawn_numbers() -> None:
    rng = np.random.default_rng(0)
    defective = np.arange(17) < 6
    drawn = [separation(defective, rng.normal(size=17)) for _ in range(4000)]
    assert separation_by_chance(11, 6) == pytest.approx(float(np.std(np.array(drawn, dtype=float))), rel=0.05)
