"""One trained run and one cross-validation on small generated photos, shared by the tests of the command line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from castproof_process import Server
from small_run import (
    COUNTS,
    CROSSVAL,
    CROSSVAL_COUNTS,
    SMALL,
    Crossvalidated,
    Trained,
    fill_classes,
    fill_splits,
    only_run,
)


@pytest.fixture(scope="session")
def castproof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return the server that runs `castproof` commands."""
    if sys.platform != "linux":
        pytest.skip("the tests of the command line fork a prepared process, which needs Linux")
    server = Server(tmp_path_factory.mktemp("outputs"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def trained(castproof: Server, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return a run of two epochs, without a gate, on photos with the folders train, val and test."""
    folder = tmp_path_factory.mktemp("trained")
    data = fill_splits(folder / "my photos", COUNTS)
    done = castproof.run(
        ["train", "--data", "my photos", "--recipe", "reference", "--no-gate", *SMALL], folder
    )
    assert done.code == 0, done.text
    return Trained(only_run(folder / "runs"), data, done)


@pytest.fixture(scope="session")
def learnt_from_all(castproof: Server, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return a run of the default recipe on class folders without splits: it has folds and a gate of its own."""
    folder = tmp_path_factory.mktemp("all")
    data = fill_classes(folder / "my photos", 18)
    done = castproof.run(["train", "--data", "my photos", *SMALL, "--folds", "3"], folder)
    assert done.code == 0, done.text
    return Trained(only_run(folder / "runs"), data, done)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that contains photos/ with splits."""
    folder = tmp_path_factory.mktemp("crossval")
    fill_splits(folder / "photos", CROSSVAL_COUNTS)
    return folder


@pytest.fixture(scope="session")
def crossvalidated(castproof: Server, place: Path) -> Crossvalidated:
    """Return a cross-validation of three folds, in "whole" beside the photos."""
    done = castproof.run([*CROSSVAL, "--epochs", "4", "--outdir", "whole"], place)
    assert done.code == 0, done.text
    return Crossvalidated(place / "whole", done)
