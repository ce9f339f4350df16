"""From files to parts: photos whose truth is known, and photos that show nothing."""

from pathlib import Path

import numpy as np
import pytest
from part_photos import Photo, as_photo, casting, copies, found_in, precision_and_recall, tiles

from castproof.errors import ImageError
from castproof.parts.find import find_parts

pytestmark = pytest.mark.filterwarnings("error")


def castings(parts: int, *, first: int = 50) -> tuple[list[Photo], list[int]]:
    photos: list[Photo] = []
    truth: list[int] = []
    for seed in range(first, first + parts):
        shot = casting(seed)
        photos += [shot, *copies(shot)]
        truth += [seed] * 6
    return photos, truth


def test_tiles_of_one_plate_are_found_at_any_exposure(tmp_path: Path) -> None:
    photos, truth = tiles()
    found = found_in(tmp_path, photos)
    precision, recall = precision_and_recall(found.part, truth)
    assert precision == 1
    assert recall >= 0.9
    assert found.same.min() >= found.threshold > np.median(found.different)


def test_castings_are_found_turned_mirrored_squeezed_lit_anew_and_compressed(tmp_path: Path) -> None:
    photos, truth = castings(8)
    found = found_in(tmp_path, photos)
    precision, recall = precision_and_recall(found.part, truth)
    assert precision == 1
    assert recall >= 0.9
    assert found.confidence.dtype == np.float32
    assert 0.5 < np.median(found.confidence) <= found.confidence.max() <= 1


def test_names_and_order_of_the_files_change_nothing(tmp_path: Path) -> None:
    photos, truth = castings(3)
    orders = np.arange(len(photos)), np.random.default_rng(0).permutation(len(photos))
    groups, confidences = [], []
    for number, order in enumerate(orders):
        folder = tmp_path / str(number)
        folder.mkdir()
        prefix = "zyx"[number]
        found = found_in(folder, {f"{prefix}{999 - i if number else i}": photos[i] for i in order})
        back = np.argsort(order)
        part = [found.part[place] for place in back]
        groups.append({frozenset(i for i, p in enumerate(part) if p == name) for name in part})
        confidences.append(found.confidence[back])
    assert groups[0] == groups[1]
    np.testing.assert_array_equal(*confidences)
    assert len(groups[0]) >= len(set(truth))


def test_ids_count_down_by_the_number_of_photos_then_by_the_first_photo(tmp_path: Path) -> None:
    a, b, c = (casting(seed) for seed in (1, 2, 3))
    found = found_in(tmp_path, [c, a, b, np.ascontiguousarray(b[:, ::-1])])
    assert found.part == ("part-0002", "part-0003", "part-0001", "part-0001")


def test_equal_digests_are_one_part_for_certain(tmp_path: Path) -> None:
    a, b = casting(1), casting(2)
    found = found_in(tmp_path, [a, b, a, a])
    assert found.part == ("part-0001", "part-0002", "part-0001", "part-0001")
    assert found.confidence[[0, 2, 3]].tolist() == [1, 1, 1]


@pytest.mark.parametrize("colour", [False, True])
def test_one_two_and_three_photos_are_enough(tmp_path: Path, colour: bool) -> None:
    one, other = casting(1, colour=colour), casting(2, colour=colour)
    mirrored = np.ascontiguousarray(one[:, ::-1])
    for photos, parts in (
        ([one], (1,)),
        ([one, mirrored], (1, 1)),
        ([one, other], (1, 2)),
        ([one, other, mirrored], (1, 2, 1)),
    ):
        assert found_in(tmp_path, photos).part == tuple(f"part-{part:04d}" for part in parts)


def test_parts_are_found_in_colour(tmp_path: Path) -> None:
    shots = [casting(seed, colour=True) for seed in range(5)]
    mirrored = [np.ascontiguousarray(shot[::-1, :, [2, 0, 1]]) for shot in shots]
    assert precision_and_recall(found_in(tmp_path, shots + mirrored).part, [*range(5)] * 2) == (1, 1)


def test_photos_that_show_nothing_are_parts_of_their_own(tmp_path: Path) -> None:
    flat = [np.full((40 + number, 60), level, np.uint8) for number in range(4) for level in (0, 128, 255)]
    found = found_in(tmp_path, flat)
    assert len(set(found.part)) == len(flat)
    assert np.isfinite(found.confidence).all()
    assert found_in(tmp_path, flat[:1]).part == ("part-0001",)


def test_photos_that_show_nothing_do_not_disturb_the_others(tmp_path: Path) -> None:
    shot = casting(1)
    found = found_in(
        tmp_path, [np.zeros((70, 70), np.uint8), shot, np.full((60, 90), 255, np.uint8), shot[::-1]]
    )
    assert found.part == ("part-0002", "part-0001", "part-0003", "part-0001")


@pytest.mark.parametrize("shape", [(8, 8), (20, 4000), (4000, 20), (1, 1), (1, 500)])
def test_photos_of_any_shape_work_alone_and_beside_others(tmp_path: Path, shape: tuple[int, int]) -> None:
    odd = as_photo(np.random.default_rng(0).uniform(0, 255, shape))
    assert found_in(tmp_path, [odd]).part == ("part-0001",)
    assert found_in(tmp_path, [odd, casting(1), casting(2)]).part == ("part-0001", "part-0002", "part-0003")


def test_a_photo_without_partner_is_doubted_where_nearly_all_others_have_one(tmp_path: Path) -> None:
    photos, truth = tiles(parts=9, exposures=4)
    among_many = found_in(tmp_path, [*photos[:32], photos[32]])
    assert precision_and_recall(among_many.part, [*truth[:32], 8]) == (1, 1)
    among_single = found_in(tmp_path, photos[::4])
    assert len(set(among_single.part)) == 9
    assert among_many.confidence[-1] < among_single.confidence[-1]


def test_a_file_that_is_no_photo_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    with pytest.raises(ImageError, match=r"broken\.png"):
        find_parts([broken], ["0" * 64], workers=1)
