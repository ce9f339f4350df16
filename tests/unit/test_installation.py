"""What to type to add an extra fits the way castproof is installed."""

import sys
from pathlib import Path

import pytest

from castproof import installation
from castproof.installation import EXTRAS, how_to_install


@pytest.mark.parametrize(
    ("prefix", "copy", "under_uv", "typed"),
    [
        ("/home/x/.local/share/uv/tools/castproof", None, True, 'uv tool install "castproof[parquet,train]"'),
        (
            "/home/x/.local/pipx/venvs/castproof",
            None,
            False,
            'pipx install --force "castproof[parquet,train]"',
        ),
        ("/src/castproof/.venv", "/src/castproof", True, "uv sync --extra parquet --extra train"),
        ("/src/castproof/.venv", "/src/castproof", False, 'pip install -e "/src/castproof[parquet,train]"'),
        ("/usr", None, False, 'pip install "castproof[parquet,train]"'),
    ],
)
def test_the_hint_fits_the_installation(
    monkeypatch: pytest.MonkeyPatch, prefix: str, copy: str | None, under_uv: bool, typed: str
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(installation, "repository", lambda: None if copy is None else Path(copy))
    monkeypatch.delenv("UV", raising=False)
    if under_uv:
        monkeypatch.setenv("UV", "/usr/bin/uv")
    assert how_to_install("parquet", "train") == typed


def test_every_extra_of_the_package_is_known() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    table = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    assert {line.partition(" =")[0] for line in table.splitlines() if " = [" in line} == {
        extra.name for extra in EXTRAS
    }


def test_what_is_missing_is_named() -> None:
    extra = installation.Extra("x", ("json", "no_such_module_at_all"), "nothing")
    assert extra.missing == ["no_such_module_at_all"]
