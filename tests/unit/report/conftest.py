from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from castproof.measure.evaluation import ScoredSplit, score_split


@pytest.fixture
def texts() -> Callable[[Figure], str]:
    """What a reader finds written in a figure, tick labels and legends included."""

    def read(figure: Figure) -> str:
        figure.draw_without_rendering()
        return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())

    return read


def scored(name: str, n: int, seed: int = 0, threshold: float = 0.43) -> ScoredSplit:
    generator = np.random.default_rng(seed)
    defective = generator.random(n) < 0.6
    defective[:2] = True, False
    p = 1 / (1 + np.exp(-generator.normal(np.where(defective, 2.0, -2.0), 1.5)))
    return score_split(name, defective, p, threshold, 50, 1)


@pytest.fixture
def splits() -> list[ScoredSplit]:
    return [scored("train", 500, 1), scored("val", 120, 2), scored("test", 90, 3)]


@pytest.fixture
def hard_splits() -> list[ScoredSplit]:
    """Few photos, one class alone, names that are long, not Latin or look like a formula."""
    return [
        scored("a folder name that goes on and on and on and on", 3),
        score_split("鋳物 отливки $x_1$ ^{", np.array([True] * 5), np.linspace(0, 1, 5), 0.5, 1, 1),
        score_split("سبك\udcff\n\t", np.array([False]), np.array([0.2]), 1.0, 1, 1),
        score_split("test", np.array([True, False, False]), np.full(3, 0.5), 0.5, 1, 1),
    ]
