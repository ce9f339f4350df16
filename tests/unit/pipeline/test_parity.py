"""A model file that says anything else than its network is not written: changed verdicts, other probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from castproof.data.classes import Classes
from castproof.errors import ModelFileError
from castproof.gate.gate import Gate
from castproof.model.checkpoint import Checkpoint
from castproof.model.network import NetworkSpec
from castproof.pipeline.exporting.parity import (
    P_TOLERANCE,
    Compared,
    TrainedNetwork,
    check_parity,
    compare,
    parity_of,
)
from castproof.preprocess import PreprocessSpec
from castproof.runtime.session import Seen, Session
from made_models import CALIBRATOR, casting, colour, graph, material, png, shifted

SHIFT = 2e-5


def one(
    expected: float, seen: float, gate: Gate | None = None, heats: tuple[float, float] | None = None
) -> Compared:
    gate = gate or Gate.at(0.5)
    maps: list[NDArray[np.float32] | None] = [None, None]
    if heats is not None:
        maps = [np.full((20, 20), heat, np.float32) for heat in heats]
    both = [Seen(0.0, p, heat, None) for p, heat in zip((expected, seen), maps, strict=True)]
    return Compared(Path("a.png"), both[0], gate.verdict(expected), both[1], gate.verdict(seen))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(png(casting(number, 1)))
    return paths


def reference(gate: Gate) -> TrainedNetwork:
    spec = NetworkSpec("mobilenet", 0.5, PreprocessSpec(64), "middle")
    classes = Classes(good=("ok",), defective=("crack",))
    return TrainedNetwork(Checkpoint(material().network, spec, classes, 0.5, 1), gate)


def test_the_network_and_its_file_agree_on_photos(photos: list[Path]) -> None:
    gate = material().gate()
    compared = compare(reference(gate), gate, Session(graph(), "m"), photos)
    parity = check_parity(compared)
    assert (parity.photos, parity.changed_verdicts) == (6, 0)
    assert parity.largest_p_difference < P_TOLERANCE
    assert parity.largest_heat_difference is not None
    assert parity.largest_heat_difference < 1e-3
    for path, pair in zip(photos, compared, strict=True):
        assert pair.path == path
        number = int(path.stem)
        logit = material().logits[4 * number + 1]
        assert pair.expected.p_defective == pytest.approx(float(CALIBRATOR.p(logit)), abs=1e-6)


def test_a_threshold_exactly_between_the_two_changes_a_verdict_and_fails(photos: list[Path]) -> None:
    """The two differ by far less than the tolerance, but a photo falls on the other side."""
    gate = material().gate()
    session = Session(shifted(graph(), SHIFT), "m")
    pair = compare(reference(gate), gate, session, photos)[2]
    assert pair.seen.p_defective - pair.expected.p_defective == pytest.approx(SHIFT, abs=SHIFT / 2)
    between = (pair.seen.p_defective + pair.expected.p_defective) / 2
    beside = replace(
        gate, thresholds=replace(gate.thresholds, threshold=between, reject_from=max(between, 0.99))
    )
    with pytest.raises(ModelFileError) as caught:
        check_parity(compare(reference(beside), beside, session, photos))
    assert "was not written" in caught.value.problem
    assert "1 changed verdict" in caught.value.found
    (item,) = caught.value.items
    assert "ACCEPT → " in item
    assert str(photos[2]) in item


def test_photos_that_cannot_be_read_are_left_out(photos: list[Path]) -> None:
    photos[1].write_bytes(b"no photo")
    gate = material().gate()
    compared = compare(reference(gate), gate, Session(graph(), "m"), photos)
    assert [pair.path for pair in compared] == [photos[0], *photos[2:]]


def test_colour_photos_agree_too(tmp_path: Path) -> None:
    path = tmp_path / "colour.png"
    path.write_bytes(png((colour(casting(1, 1)) * np.array([1, 0.8, 0.6])).astype(np.uint8)))
    gate = material().gate()
    assert check_parity(compare(reference(gate), gate, Session(graph(), "m"), [path])).photos == 1


# The rule


@pytest.mark.parametrize("apart", [1.5 * P_TOLERANCE, -1.5 * P_TOLERANCE])
def test_a_probability_that_differs_fails_without_a_changed_verdict(apart: float) -> None:
    with pytest.raises(ModelFileError, match="0 changed verdict"):
        check_parity([one(0.2, 0.2), one(0.3, 0.3 + apart)])


@pytest.mark.parametrize(
    ("expected", "seen"), [(0.2, np.nan), (np.nan, 0.2), (np.nan, np.nan), (0.9, np.inf)]
)
def test_no_number_on_either_side_fails(expected: float, seen: float) -> None:
    with pytest.raises(ModelFileError):
        check_parity([one(0.2, 0.2), one(expected, seen)])


def test_a_heat_map_on_one_side_alone_fails() -> None:
    with_heat, without = one(0.2, 0.2, heats=(1.0, 1.0)), one(0.2, 0.2)
    lost = replace(with_heat, seen=without.seen)
    with pytest.raises(ModelFileError):
        check_parity([lost])


def test_heat_far_from_that_of_the_network_fails() -> None:
    with pytest.raises(ModelFileError):
        check_parity([one(0.2, 0.2, heats=(0.1, 3.0))])


def test_what_is_alike_is_told() -> None:
    compared = [one(0.2, 0.2 + 5e-5, heats=(0.5, 0.5)), one(0.9, 0.9 - 2e-5, heats=(2.0, 2.0 + 1e-4))]
    parity = check_parity(compared)
    assert parity == parity_of(compared)
    assert parity.largest_p_difference == pytest.approx(5e-5, rel=1e-6)
    assert parity.largest_heat_difference == pytest.approx(1e-4, rel=1e-2)
    assert parity_of([one(0.2, 0.2)]).largest_heat_difference is None


def test_an_asked_tolerance_lets_a_stated_share_of_verdicts_change() -> None:
    compared = [one(0.4999, 0.5001), *(one(0.1, 0.1) for _ in range(9))]
    assert compared[0].changed
    assert check_parity(compared, tolerance=0.01, most_changed=0.1).changed_verdicts == 1
    for tolerance, most_changed in ((0.01, 0.05), (1e-4, 0.1)):
        with pytest.raises(ModelFileError):
            check_parity(compared, tolerance=tolerance, most_changed=most_changed)
