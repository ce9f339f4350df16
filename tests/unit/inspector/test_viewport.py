"""The geometry of the photo view: round trips, zoom about the cursor, limits, what is visible."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from castproof.pipeline.inspecting.viewport import ZOOM_STEP, Viewport, fitted

EXACT = 1e-6
photo_sizes = st.tuples(st.integers(1, 4096), st.integers(1, 4096))
view_sizes = st.tuples(st.integers(2, 2600), st.integers(2, 1600))
shares = st.tuples(st.floats(0, 1), st.floats(0, 1))
steps = st.integers(-40, 40)
moves = st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000))


@st.composite
def viewports(draw: st.DrawFn) -> Viewport:
    """Return a viewport that a person can reach: zoomed about some points, and panned."""
    viewport = fitted(draw(photo_sizes), draw(view_sizes))
    for _ in range(draw(st.integers(0, 3))):
        viewport = viewport.zoomed(ZOOM_STEP ** draw(steps), on_screen(viewport, draw(shares)))
        viewport = viewport.panned(*draw(moves))
    return viewport


def on_screen(viewport: Viewport, share: tuple[float, float]) -> tuple[float, float]:
    return share[0] * viewport.view_size[0], share[1] * viewport.view_size[1]


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return math.dist(a, b)


@settings(deadline=None, max_examples=60)
@given(viewports(), moves)
def test_a_screen_point_and_its_photo_point_lead_to_each_other(
    viewport: Viewport, point: tuple[float, float]
) -> None:
    assert distance(viewport.to_screen(viewport.to_photo(point)), point) < EXACT
    assert distance(viewport.to_photo(viewport.to_screen(point)), point) < EXACT


@settings(deadline=None, max_examples=60)
@given(photo_sizes, view_sizes)
def test_fit_shows_the_whole_photo_in_the_middle_as_large_as_it_can(
    photo: tuple[int, int], view: tuple[int, int]
) -> None:
    viewport = fitted(photo, view)
    left, top = viewport.to_screen((0, 0))
    right, bottom = viewport.to_screen(photo)
    assert min(left, top) == pytest.approx(0, abs=EXACT)
    assert left == pytest.approx(view[0] - right, abs=EXACT)
    assert top == pytest.approx(view[1] - bottom, abs=EXACT)
    assert viewport.is_fit
    assert viewport.is_whole


@settings(deadline=None, max_examples=60)
@given(viewports(), shares, st.integers(0, 40))
def test_zooming_in_keeps_the_photo_point_under_the_cursor(
    viewport: Viewport, share: tuple[float, float], count: int
) -> None:
    at = on_screen(viewport, share)
    under = viewport.to_photo(at)
    on_photo = all(0 <= x <= size for x, size in zip(under, viewport.photo_size, strict=True))
    nearer = viewport.zoomed(ZOOM_STEP**count, at)
    if on_photo and not nearer.is_whole:
        assert distance(nearer.to_screen(under), at) < EXACT


@settings(deadline=None, max_examples=60)
@given(viewports(), shares, steps)
def test_zooming_keeps_the_point_wherever_the_photo_stays_in_the_middle_of_the_view(
    viewport: Viewport, share: tuple[float, float], count: int
) -> None:
    at = on_screen(viewport, share)
    changed = viewport.zoomed(ZOOM_STEP**count, at)
    inside = all(0 < x < size for x, size in zip(changed.centre, viewport.photo_size, strict=True))
    if inside and not changed.is_whole:
        assert distance(changed.to_screen(viewport.to_photo(at)), at) < EXACT


@settings(deadline=None, max_examples=60)
@given(viewports())
def test_the_zoom_keeps_its_limits(viewport: Viewport) -> None:
    for factor in (1e-9, 1e9):
        at_limit = viewport.zoomed(factor)
        assert at_limit.zoomed(factor).zoom == at_limit.zoom
    assert viewport.zoomed(1e9).zoom == max(32, viewport.fit_zoom)
    assert viewport.zoomed(1e-9).zoom == pytest.approx(min(viewport.fit_zoom / 4, 1))
    assert viewport.one_to_one().zoom == 1


@settings(deadline=None, max_examples=60)
@given(viewports())
def test_the_photo_is_never_lost_and_what_is_seen_lies_in_it(viewport: Viewport) -> None:
    seen = viewport.visible()
    assert seen is not None
    left, top, right, bottom = seen.screen
    assert 0 <= left < right <= viewport.view_size[0]
    assert 0 <= top < bottom <= viewport.view_size[1]
    u0, v0, u1, v1 = seen.photo
    assert 0 <= u0 < u1 <= viewport.photo_size[0]
    assert 0 <= v0 < v1 <= viewport.photo_size[1]


@settings(deadline=None, max_examples=60)
@given(viewports())
def test_what_is_seen_is_drawn_within_half_a_screen_pixel_of_where_it_lies(viewport: Viewport) -> None:
    assume(min(viewport.photo_size) * viewport.zoom >= 1)
    seen = viewport.visible()
    assert seen is not None
    corners = (*viewport.to_screen(seen.photo[:2]), *viewport.to_screen(seen.photo[2:]))
    assert max(abs(a - b) for a, b in zip(corners, seen.screen, strict=True)) <= 0.5 + EXACT


@settings(deadline=None, max_examples=60)
@given(viewports(), moves)
def test_panning_moves_the_photo_with_the_hand_and_stops_at_its_border(
    viewport: Viewport, move: tuple[float, float]
) -> None:
    moved = viewport.panned(*move)
    assert moved.zoom == viewport.zoom
    for axis in (0, 1):
        travelled = moved.to_screen((0, 0))[axis] - viewport.to_screen((0, 0))[axis]
        if viewport.is_whole:
            assert travelled == pytest.approx(0, abs=EXACT)
        elif 0 < moved.centre[axis] < viewport.photo_size[axis]:
            assert travelled == pytest.approx(move[axis], abs=EXACT)
        else:
            assert abs(travelled) <= abs(move[axis]) + EXACT


@settings(deadline=None, max_examples=60)
@given(viewports(), view_sizes)
def test_a_view_of_another_size_shows_what_was_seen(viewport: Viewport, size: tuple[int, int]) -> None:
    changed = viewport.resized(size)
    assert changed.view_size == size
    if viewport.is_fit:
        assert changed == fitted(viewport.photo_size, size)
        return
    limits = replace(viewport, view_size=size)
    assert changed.zoom == min(max(viewport.zoom, limits.least_zoom), limits.most_zoom)
    if not changed.is_whole:
        assert distance(changed.centre, viewport.centre) < EXACT


@settings(deadline=None, max_examples=60)
@given(viewports(), photo_sizes)
def test_another_photo_is_seen_at_the_same_relative_place(viewport: Viewport, other: tuple[int, int]) -> None:
    beside = viewport.onto(other, viewport.view_size)
    for axis in (0, 1):
        assert beside.centre[axis] / other[axis] == pytest.approx(
            viewport.centre[axis] / viewport.photo_size[axis]
        )
    assert beside.zoom / beside.fit_zoom == pytest.approx(viewport.zoom / viewport.fit_zoom)
    same = viewport.onto(viewport.photo_size, viewport.view_size)
    assert same.zoom == pytest.approx(viewport.zoom)
    assert distance(same.centre, viewport.centre) < EXACT


def test_numbers_that_can_be_checked_by_hand() -> None:
    viewport = fitted((300, 300), (800, 650))
    assert viewport.zoom == pytest.approx(650 / 300)
    assert viewport.visible() is not None
    assert viewport.visible().screen == (75, 0, 725, 650)  # type: ignore[union-attr]
    assert viewport.pixel_at((74, 10)) is None
    assert viewport.pixel_at((76, 1)) == (0, 0)
    assert viewport.pixel_at((724, 649)) == (299, 299)
    twice = replace(viewport, zoom=2.0).panned(-100, 0)
    assert twice.centre == (150, 150), "a whole photo stays in the middle"
    near = replace(viewport, zoom=8.0).panned(-80, 16)
    assert near.centre == (160, 148)
    assert near.visible().photo == (110, 107.375, 210, 188.625)  # type: ignore[union-attr]
    assert near.panned(-1e6, 1e6).centre == (300, 0)
