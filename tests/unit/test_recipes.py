"""Recipes are named settings; what is given beside the name counts."""

import pytest

from castproof.errors import SettingError
from castproof.recipes import DEFAULT_RECIPE, RECIPES, recipe_settings
from castproof.settings import TrainSettings


def test_the_reference_is_the_plain_settings() -> None:
    assert recipe_settings("reference", data="photos") == TrainSettings(data="photos")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_kept_in_the_settings_and_comes_back_from_json(recipe: str) -> None:
    settings = recipe_settings(recipe, data="photos", seed=4)
    assert (settings.recipe, settings.seed) == (recipe, 4)
    assert TrainSettings.from_json(settings.to_json()) == settings


def test_what_is_given_counts_and_none_is_not_given() -> None:
    settings = recipe_settings(DEFAULT_RECIPE, data="photos", lr=0.5, img_size=None)
    assert settings.lr == 0.5
    assert settings.img_size == RECIPES[DEFAULT_RECIPE]["img_size"]


def test_the_default_needs_no_validation_photos_and_the_reference_does() -> None:
    assert not recipe_settings(DEFAULT_RECIPE, data="photos").needs_validation
    assert recipe_settings("reference", data="photos").needs_validation
    assert recipe_settings(DEFAULT_RECIPE, data="photos", patience=3).needs_validation
    assert recipe_settings(DEFAULT_RECIPE, data="photos", tune_for="def_f1").needs_validation


def test_the_best_recipe_is_the_fast_one_with_more_heads() -> None:
    fast, best = (recipe_settings(recipe, data="photos").to_json() for recipe in ("fast", "best"))
    assert {name for name in fast if fast[name] != best[name]} == {"recipe", "heads"}
    assert best["heads"] > fast["heads"] == 1


def test_an_unknown_recipe_and_a_contradiction_are_told() -> None:
    with pytest.raises(SettingError, match=r"One of: reference, fast, best.*'slow'"):
        recipe_settings("slow", data="photos")
    with pytest.raises(SettingError, match="--recipe reference"):
        recipe_settings(DEFAULT_RECIPE, data="photos", unfreeze="all")
