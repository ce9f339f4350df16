import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from castproof.data.synthetic import (
    DEFECT_TYPES,
    FAMILIES,
    Part,
    make_part,
    photograph,
    write_dataset,
)
from castproof.errors import SettingError

ON_A_FACE = ("blowhole", "pinholes", "crack", "cold_shut", "scratch", "shrinkage")
MAPS = ("height", "albedo", "gloss", "tangent", "grain", "openness", "alpha", "defect_map")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seeds_give_the_same_part_and_photo(family: str) -> None:
    first, again, other = (make_part(seed, family=family, resolution=128) for seed in (5, 5, 6))
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in MAPS)
    assert not np.array_equal(first.albedo, other.albedo)
    photo, photo_again = photograph(first, 3, size=96), photograph(again, 3, size=96)
    assert np.array_equal(photo.image, photo_again.image)
    assert np.array_equal(photo.defect_map, photo_again.defect_map)


def test_two_photos_of_one_part_differ() -> None:
    part = make_part(1, family="impeller", resolution=128)
    first, second = (photograph(part, shot, size=96).image.astype(float) for shot in (0, 1))
    assert np.abs(first - second).mean() > 5


@pytest.mark.parametrize("colour", [False, True])
def test_a_photo_has_the_size_and_depth_asked_for(colour: bool) -> None:
    shot = photograph(make_part(2, resolution=128), 0, size=100, colour=colour)
    assert shot.image.shape == ((100, 100, 3) if colour else (100, 100))
    assert shot.image.dtype == shot.defect_map.dtype == np.uint8
    assert shot.defect_map.shape == (100, 100)
    assert shot.image.std() > 10


@pytest.mark.parametrize("defect", DEFECT_TYPES)
def test_a_defect_is_marked_and_changes_the_part_where_it_is_marked(defect: str) -> None:
    for seed in range(4):
        for severity in (0.0, 1.0):
            part = make_part(seed, defects=(defect,), severity=severity)
            twin = make_part(seed, family=part.family, defects=())
            marked = part.defect_map > 0
            assert set(np.unique(part.defect_map)) == {0, DEFECT_TYPES.index(defect) + 1}
            assert not twin.defect_map.any()
            changed = (
                (np.abs(part.albedo - twin.albedo) > 0.01)
                | (np.abs(part.height - twin.height) > 0.001)
                | (np.abs(part.alpha - twin.alpha) > 0.1)
            )
            assert changed[marked].mean() > 0.9


@pytest.mark.parametrize("defect", DEFECT_TYPES)
def test_a_defect_leaves_the_part_s_own_marks_as_they_are(defect: str) -> None:
    part, twin = make_part(9, defects=(defect,)), make_part(9, defects=())
    far = ~ndimage.binary_dilation(part.defect_map > 0, iterations=24)
    assert part.family == twin.family
    assert np.array_equal(part.albedo[far], twin.albedo[far])
    assert np.array_equal(part.grain, twin.grain)


@pytest.mark.parametrize("defect", ON_A_FACE)
def test_a_photo_shows_the_defect_where_its_map_says(defect: str) -> None:
    part, twin = make_part(12, defects=(defect,), severity=1.0), make_part(12, defects=())
    shot, clean = photograph(part, 0), photograph(twin, 0)
    difference = np.abs(shot.image.astype(float) - clean.image.astype(float))
    marked = shot.defect_map > 0
    far = ~ndimage.binary_dilation(marked, iterations=45)
    assert difference[marked].mean() > 10
    assert difference[far].mean() < 0.5


def test_even_the_faintest_defect_covers_some_pixels_of_a_small_photo() -> None:
    for defect in DEFECT_TYPES:
        for seed in range(3):
            shot = photograph(make_part(seed, defects=(defect,), severity=0.0), 0, size=224)
            assert np.count_nonzero(shot.defect_map) >= 4, (defect, seed)


def test_the_defect_map_is_empty_exactly_for_good_parts() -> None:
    parts = [make_part(seed, resolution=128) for seed in range(40)]
    assert all(bool(part.defect_map.any()) == bool(part.defects) for part in parts)
    assert 8 < sum(bool(part.defects) for part in parts) < 32
    assert len({part.family for part in parts}) == len(FAMILIES)


def test_the_whole_part_is_in_the_frame() -> None:
    for seed in range(21):
        part = make_part(seed, family=FAMILIES[seed % len(FAMILIES)], resolution=128)
        solid = _all_defective(part)
        for shot in range(3):
            seen = photograph(solid, shot, size=128).defect_map > 0
            border = np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]])
            assert seen.any()
            assert not border.any()


def _all_defective(part: Part) -> Part:
    """Return the part with its whole body marked, so that the defect map shows where it lies."""
    values = {name: getattr(part, name) for name in (*MAPS, "seed", "family", "defects", "tint")}
    return Part(**{**values, "defect_map": (part.alpha > 0.1).astype(np.uint8)})


def test_brightness_and_contrast_do_not_tell_the_label() -> None:
    labels, means, deviations = [], [], []
    for seed in range(240):
        defective = seed % 2 == 1
        defects = (DEFECT_TYPES[seed // 2 % len(DEFECT_TYPES)],) if defective else ()
        family = FAMILIES[seed // 2 % len(FAMILIES)]
        image = photograph(make_part(seed, family=family, defects=defects, resolution=96), 0, size=64).image
        labels.append(defective)
        means.append(image.mean())
        deviations.append(image.std())
    for values in (means, deviations):
        assert abs(roc_auc_score(labels, values) - 0.5) < 0.1


def test_a_dataset_has_its_folders_its_photos_and_their_truth(tmp_path: Path) -> None:
    dest = write_dataset(
        tmp_path / "set", parts_per_class=4, photos_per_part=2, size=64, split=True, workers=1
    )
    rows = list(csv.DictReader((dest / "truth.csv").open(encoding="utf-8")))
    files = sorted(path.relative_to(dest).as_posix() for path in dest.rglob("*.jpg"))
    assert [row["file"] for row in rows] == files
    assert len(files) == 16
    assert {Path(name).parent.as_posix() for name in files} == {
        f"{split}/{label}" for split in ("train", "val", "test") for label in ("ok", "defective")
    }
    for row in rows:
        assert Path(row["file"]).parts[1] == row["label"]
        assert (row["defect_types"] == "") == (row["label"] == "ok")
        assert row["family"] in FAMILIES
    splits = {(row["part"], Path(row["file"]).parts[0]) for row in rows}
    assert len(splits) == len({row["part"] for row in rows}) == 8
    assert Image.open(dest / files[0]).size == (64, 64)
    assert Image.open(dest / files[0]).mode == "L"


def test_a_dataset_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    options = {"parts_per_class": 2, "photos_per_part": 2, "size": 64, "seed": 3}
    one = write_dataset(tmp_path / "one", workers=1, **options)  # type: ignore[arg-type]
    two = write_dataset(tmp_path / "two", workers=2, **options)  # type: ignore[arg-type]
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(names) == 9
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_a_folder_for_each_defect_type(tmp_path: Path) -> None:
    dest = write_dataset(
        tmp_path,
        parts_per_class=len(DEFECT_TYPES),
        photos_per_part=1,
        size=64,
        per_defect_type=True,
        workers=1,
    )
    assert {path.name for path in dest.iterdir() if path.is_dir()} == {"ok", *DEFECT_TYPES}


@pytest.mark.parametrize(
    "options",
    [
        {"family": "teapot"},
        {"defects": ("rust",)},
        {"severity": 1.5},
        {"resolution": 30},
        {"resolution": 130},
    ],
)
def test_make_part_refuses_what_it_does_not_know(options: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        make_part(0, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"parts_per_class": 0}, {"photos_per_part": 0}, {"families": ("teapot",)}, {"families": ()}]
)
def test_write_dataset_refuses_what_it_cannot_write(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        write_dataset(tmp_path, **options)  # type: ignore[arg-type]


def test_a_split_needs_three_parts_of_each_class(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="At least 3"):
        write_dataset(tmp_path, parts_per_class=2, split=True)
