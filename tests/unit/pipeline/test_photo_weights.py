"""Weights of photos: both kinds alike, parts more nearly alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castproof.data.manifest import Photo
from castproof.pipeline.photo_weights import photo_weights


def photo(number: int, part: str, *, defective: bool) -> Photo:
    kind = "crack" if defective else "ok"
    return Photo(f"{kind}/{number}.png", "train", kind, defective, kind if defective else "", part)


photos = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=60).map(
    lambda drawn: [
        photo(number, f"part {part}" if part else "", defective=kind)
        for number, (part, kind) in enumerate(drawn)
    ]
)


@given(photos)
def test_photos_weigh_one_each(some: list[Photo]) -> None:
    assert photo_weights(some, "photos").tolist() == [1.0] * len(some)


@given(photos)
def test_both_kinds_weigh_the_same_and_a_part_as_the_root_of_its_photos(some: list[Photo]) -> None:
    weight = photo_weights(some, "parts").astype(np.float64)
    assert weight.mean() == pytest.approx(1)
    of_kind = {
        kind: sum(w for w, one in zip(weight, some, strict=True) if one.defective == kind)
        for kind in {one.defective for one in some}
    }
    assert max(of_kind.values()) == pytest.approx(min(of_kind.values()), rel=1e-5)
    for kind in of_kind:
        sums: dict[str, list[float]] = {}
        for w, one in zip(weight, some, strict=True):
            if one.defective == kind:
                sums.setdefault(one.part or one.file, []).append(w)
        scale = {round(sum(all_of) / len(all_of) ** 0.5, 4) for all_of in sums.values()}
        assert max(scale) == pytest.approx(min(scale), rel=1e-3)
