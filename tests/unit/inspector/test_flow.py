"""Groups flow into rows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.apps.inspector.flow import rows_of


def test_groups_that_fit_share_a_row() -> None:
    assert rows_of([100, 100, 100], 320, 10) == [[0, 1, 2]]
    assert rows_of([100, 100, 100], 319, 10) == [[0, 1], [2]]
    assert rows_of([100, 500, 100], 320, 10) == [[0], [1], [2]]
    assert rows_of([], 320, 10) == []


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), max_size=8), st.integers(1, 900), st.integers(0, 20))
def test_no_row_is_wider_than_there_is_room_and_none_could_take_the_next_group(
    widths: list[int], available: int, between: int
) -> None:
    rows = rows_of(widths, available, between)
    assert [index for row in rows for index in row] == list(range(len(widths)))
    wide = [sum(widths[index] for index in row) + between * (len(row) - 1) for row in rows]
    assert all(width <= available for width, row in zip(wide, rows, strict=True) if len(row) > 1)
    assert all(
        width + between + widths[after[0]] > available
        for width, after in zip(wide[:-1], rows[1:], strict=True)
    )
