"""Which pairs are looked at again, of parts that may be one."""

import numpy as np
import pytest
from part_photos import as_photo, texture

from castproof.parts.compare import Described
from castproof.parts.frames import whole_frame
from castproof.parts.second_look import likely_splits
from castproof.parts.signature import HIGHEST, LOWEST, unit

PARTS = [list(range(first, first + 4)) for first in range(0, 40, 4)]
FINE = np.zeros((3, HIGHEST - LOWEST), np.float32)
FINE[:, 20:] = 1


def described(twins: tuple[int, int], *, fine: bool, items: int = 1) -> Described:
    """Return ten parts of four photos each; two of them have alike signatures, or alike fine marks only."""
    rng = np.random.default_rng(0)

    def noise(*shape: int) -> np.ndarray:
        return rng.normal(size=(*shape, 3, HIGHEST - LOWEST, 2)) @ np.array([1, 1j])

    of_part = noise(10)
    shared = FINE > 0 if fine else np.ones_like(FINE, bool)
    of_part[twins[1]][shared] = of_part[twins[0]][shared]
    loud = np.where(FINE > 0, 0.1, 1.0) if fine else 1.0
    spectra = (np.repeat(of_part, 4 * items, axis=0) + 0.2 * noise(40 * items)) * loud
    if items > 1:  # only the last frame of a photo shows its part
        spectra[np.arange(40 * items) % items != items - 1] = noise(40 * (items - 1))
    photo = as_photo(texture(0, 40, 40))
    frames = [whole_frame(photo)] * (40 * items)
    return Described(
        [photo] * 40, frames, unit(spectra), FINE, np.arange(0, 40 * items + 1, items), 1.0, True
    )


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("items", [1, 2])
def test_parts_that_look_alike_are_looked_at_again(fine: bool, items: int) -> None:
    for twins in ((2, 7), (0, 9), (4, 5), (1, 3), (6, 8), (0, 1)):
        pairs = likely_splits(described(twins, fine=fine, items=items), PARTS)
        assert len({(i, j) for i, j in pairs if (i // 4, j // 4) == twins}) >= 2


def test_pairs_lie_across_parts_and_are_few() -> None:
    pairs = likely_splits(described((0, 1), fine=False), PARTS)
    assert all(i // 4 != j // 4 for i, j in pairs)
    assert 0 < len(pairs) <= 2 * 10 * 3 * 3  # kinds of signature, parts, nearest parts, pairs
    looked_at = {(i // 4, j // 4) for i, j in pairs}
    assert min(sum(part in both for both in looked_at) for part in range(10)) >= 3


def test_parts_may_be_uneven_and_their_photos_in_any_place() -> None:
    parts = [[39, 3, 17], [0], [*range(20, 39)]]
    place = {photo: part for part, photos in enumerate(parts) for photo in photos}
    pairs = likely_splits(described((0, 1), fine=False), parts)
    assert {tuple(sorted((place[i], place[j]))) for i, j in pairs} == {(0, 1), (0, 2), (1, 2)}


def test_one_part_or_none_cannot_be_split() -> None:
    photos = described((0, 1), fine=False)
    assert likely_splits(photos, [list(range(40))]) == []
    assert likely_splits(photos, []) == []
