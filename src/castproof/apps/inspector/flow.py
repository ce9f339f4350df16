"""Groups of controls that flow into rows, as words do."""

from collections.abc import Sequence


def rows_of(widths: Sequence[int], available: int, between: int) -> list[list[int]]:
    """Return which groups lie in which row: as many in each as fit, in their order, and at least one.

    Args:
        widths: of every group, pixels.
        available: width of a row, pixels.
        between: pixels between two groups.
    """
    rows: list[list[int]] = []
    used = 0
    for index, width in enumerate(widths):
        if rows and used + between + width <= available:
            rows[-1].append(index)
            used += between + width
        else:
            rows.append([index])
            used = width
    return rows
