"""What a program may import from castproof itself: these names, and no other."""

import inspect

import pytest

import castproof
from castproof.runtime.inspection import Inspection
from castproof.runtime.model import Model, load


def test_the_public_names_are_these() -> None:
    names = ["CastproofError", "Inspection", "Model", "ModelFileError", "Verdict", "__version__", "load"]
    assert castproof.__all__ == dir(castproof) == names
    assert issubclass(castproof.ModelFileError, castproof.CastproofError)
    assert castproof.Verdict("ACCEPT") is castproof.Verdict.ACCEPT
    assert [castproof.Inspection, castproof.Model, castproof.load] == [Inspection, Model, load]
    assert castproof.__version__.count(".") == 2


def test_any_other_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        _ = castproof.train  # type: ignore[attr-defined]


def test_a_model_offers_its_card_its_identity_two_ways_to_inspect_and_a_good_part_beside() -> None:
    methods = {name for name, _ in inspect.getmembers(Model, inspect.isfunction) if not name.startswith("_")}
    assert methods == {"inspect", "inspect_part", "most_similar_good"}
    assert list(inspect.signature(load).parameters) == ["path", "only_checksummed"]
    assert list(inspect.signature(Model.inspect).parameters) == ["self", "image"]
    assert list(inspect.signature(Model.inspect_part).parameters) == ["self", "images"]
