"""Named recipes: what is learnt from which features, and how, as it was found by cross-validation over parts.

docs/decisions/0006 and 0017 hold the studies behind them.
"""

from dataclasses import replace
from typing import Any, Final

from castproof.errors import SettingError
from castproof.settings import TrainSettings

REFERENCE: Final = "reference"
DEFAULT_RECIPE: Final = "fast"
AUTO: Final = "auto"

_FAST: Final[dict[str, Any]] = {
    "features": "middle",
    "head": "linear",
    "img_size": 300,
    "aug_level": "none",
    "weigh": "parts",
    "tune_for": "none",
}
_LITE: Final[dict[str, Any]] = {**_FAST, "model": "lite0", "img_size": 192}
RECIPES: Final[dict[str, dict[str, Any]]] = {
    REFERENCE: {},
    "fast": _FAST,
    "lite": _LITE,
    AUTO: _FAST,
}
CANDIDATES: Final = ("fast", "lite")  # that "auto" compares, the simplest first
OF_RECIPE: Final = frozenset(name for changes in RECIPES.values() for name in changes)


def recipe_settings(recipe: str, **given: Any) -> TrainSettings:
    """Return the settings of `recipe`, changed by what is given; None stands for not given.

    Args:
        recipe: one of RECIPES.
        given: fields of `TrainSettings`, `data` among them.

    Raises:
        SettingError: there is no such recipe, or a value is out of its range.
    """
    if recipe not in RECIPES:
        raise SettingError(
            "There is no such recipe.",
            rule=f"One of: {', '.join(RECIPES)}.",
            found=f"Found {recipe!r}.",
            fix=f"Leave --recipe out for {DEFAULT_RECIPE}.",
        )
    values = {name: value for name, value in given.items() if value is not None}
    return TrainSettings(**{**RECIPES[recipe], **values, "recipe": recipe})


def as_recipe(settings: TrainSettings, recipe: str) -> TrainSettings:
    """Return settings of the recipe "auto" as those of another one; what was changed from "auto" stays changed."""
    changes = {
        name: value
        for name, value in RECIPES[recipe].items()
        if getattr(settings, name) == RECIPES[AUTO].get(name, getattr(TrainSettings(data=""), name))
    }
    return replace(settings, recipe=recipe, **changes)
