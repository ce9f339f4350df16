"""A training command that is proposed leads to the settings that were judged."""

import pytest
import typer
from typer.testing import CliRunner

from castproof.apps.cli.training_options import training_values, training_words, with_training_options
from castproof.recipes import recipe_settings
from castproof.settings import TrainSettings


def settings_of(words: list[str]) -> TrainSettings:
    """Return what a real command line of `words` asks for."""
    app, found = typer.Typer(), []

    @app.command()
    @with_training_options
    def command(
        outdir: str = "runs",
        ok: list[str] | None = None,
        skip_unreadable: bool = False,
        **training: object,
    ) -> None:
        photos = {"data": "photos", "ok": tuple(ok or ()), "skip_unreadable": skip_unreadable}
        found.append(recipe_settings(**training_values(training), **photos))

    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return found[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": "fast"},
        {"recipe": "fast", "head": "hidden", "ok": ("fine", "also fine"), "weights": "castings"},
        {"recipe": "reference", "tune_for": "def_f1", "lr": 0.01, "unfreeze": "2", "seed": 5},
        {"recipe": "fast", "skip_unreadable": True, "model": "mobilenet_v2", "clip_norm": 0.0},
    ],
)
def test_the_words_lead_back_to_the_settings(changes: dict[str, object]) -> None:
    settings = recipe_settings(**{"data": "photos", **changes})
    assert settings_of(training_words(settings)) == settings


def test_what_the_recipe_says_anyway_is_not_repeated() -> None:
    words = training_words(recipe_settings("fast", data="photos", weights="castings"))
    assert words == ["--recipe", "fast", "--model", "mobilenet", "--weights", "castings"]
