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
    by_epochs = recipe_settings(DEFAULT_RECIPE, data="photos", head="hidden", patience=0)
    assert not by_epochs.needs_validation
    assert recipe_settings(DEFAULT_RECIPE, data="photos", head="hidden").needs_validation
    assert recipe_settings(DEFAULT_RECIPE, data="photos", tune_for="def_f1").needs_validation


def test_the_default_is_fitted_at_once_whatever_is_said_of_epochs_and_the_reference_learns_by_epochs() -> (
    None
):
    fitted = recipe_settings(DEFAULT_RECIPE, data="photos", patience=3, epochs=50)
    assert not fitted.by_epochs
    assert fitted.without_effect == ("epochs", "patience")
    assert not recipe_settings(DEFAULT_RECIPE, data="photos", patience=3).needs_validation
    assert recipe_settings(DEFAULT_RECIPE, data="photos", head="hidden").by_epochs
    assert recipe_settings("reference", data="photos", epochs=50).without_effect == ()
    assert recipe_settings("reference", data="photos").by_epochs
    assert not recipe_settings("reference", data="photos", head="linear").by_epochs


def test_a_run_is_named_after_what_decides_it() -> None:
    assert recipe_settings(DEFAULT_RECIPE, data="photos", dropout=0.1).run_name == "mobilenet_linear"
    assert recipe_settings("reference", data="photos").run_name == "mobilenet_adamw_standard_dr0.5"
    assert recipe_settings(DEFAULT_RECIPE, data="photos", model="timm:x").run_name == "timm-x_linear"


def test_an_unknown_recipe_and_a_contradiction_are_told() -> None:
    with pytest.raises(SettingError, match=r"One of: reference, fast, lite, auto\..*'slow'"):
        recipe_settings("slow", data="photos")
    with pytest.raises(SettingError, match="--recipe reference") as caught:
        recipe_settings(DEFAULT_RECIPE, data="photos", unfreeze="all")
    assert any("--head hidden" in line for line in caught.value.items)
