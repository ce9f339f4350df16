"""Which pairs are looked at again, of parts that may be one."""

import numpy as np
import pytest
from part_photos import Photo, as_photo, moved, texture

from castproof.parts.compare import Comparer
from castproof.parts.describe import describe
from castproof.parts.keypoints import find_keypoints
from castproof.parts.second_look import SharedPoints, likely_splits

PARTS = 8
SHOTS = 3


def shot(part: int, number: int) -> Photo:
    """Return a cut-out of a part's surface: turned, moved, and mirrored every other time."""
    angle = 0.5 * number + 0.1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, 80 - turn @ [80, 80] + [6 * number, -4 * number]])
    photo = moved(as_photo(texture(part, 160, 160, contrast=30)), matrix)
    return np.ascontiguousarray(photo[:, ::-1] if number % 2 else photo)


def comparer(photos: list[Photo], by_chance: float = 6.0) -> Comparer:
    return Comparer(describe(photos, workers=1), by_chance, workers=1)


@pytest.fixture(scope="module")
def photos() -> list[Photo]:
    return [shot(part, number) for part in range(PARTS) for number in range(SHOTS)]


def test_a_photo_that_was_left_alone_is_compared_with_its_part(photos: list[Photo]) -> None:
    for alone in (0, 4, 11):
        parts = [[i for i in range(SHOTS * p, SHOTS * p + SHOTS) if i != alone] for p in range(PARTS)]
        pairs = likely_splits(comparer(photos), [*parts, [alone]])
        of_alone = {i + j - alone for i, j in pairs if alone in (i, j)}
        assert of_alone
        assert all(other // SHOTS == alone // SHOTS for other in of_alone)


def test_whole_parts_need_no_second_look(photos: list[Photo]) -> None:
    parts = [list(range(SHOTS * p, SHOTS * p + SHOTS)) for p in range(PARTS)]
    assert likely_splits(comparer(photos), parts) == []


def test_examples_that_share_most_come_first(photos: list[Photo]) -> None:
    points = [find_keypoints(photo) for photo in photos]
    index = SharedPoints(points, range(len(photos)))  # each photo as a part of its own
    for place in range(len(photos)):
        first, second, *_ = index.likely(place)
        assert {first // SHOTS, second // SHOTS} == {place // SHOTS}


def test_examples_of_the_own_part_are_never_likely(photos: list[Photo]) -> None:
    part = [place // SHOTS for place in range(len(photos))]
    index = SharedPoints([find_keypoints(photo) for photo in photos], part)
    for place in range(len(photos)):
        likely = index.likely(place)
        assert likely
        assert part[place] not in {part[other] for other in likely}


def test_photos_without_keypoints_share_nothing() -> None:
    empty = [np.full((60, 60), 90, np.uint8)] * 4
    assert likely_splits(comparer(empty), [[0], [1], [2, 3]]) == []


def test_one_part_or_none_cannot_be_split(photos: list[Photo]) -> None:
    compare = comparer(photos[:3])
    assert likely_splits(compare, [[0, 1, 2]]) == []
    assert likely_splits(compare, []) == []
