"""What is open in the window: every change leaves a whole state."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_inspections import columns, cuts, inspection, photos, rules
from made_verdicts import made
from numpy.typing import NDArray

from castproof.measure.decision import Thresholds, Verdict, decide
from castproof.pipeline.inspecting.opening import OpenModel, open_model
from castproof.pipeline.inspecting.selection import (
    DECIDED,
    MOST_DEFECTIVE_FIRST,
    ORDERS,
    WAITING,
    WRONG,
    Selection,
)
from castproof.pipeline.inspecting.session import Session
from castproof.pipeline.predicting.walk import Unit
from made_models import constant_answer

NAMES = ("crack/a.png", "crack/b.png", "ok/c.png", "ok/d.png", "scrap/e.png")
LABELS = [1, 1, 0, 0, -1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OpenModel:
    """Return a model of classes ok, blowhole and crack with its threshold at 0.5."""
    return open_model(constant_answer(tmp_path_factory.mktemp("model") / "constant.onnx", 0.25))


@pytest.fixture
def session(model: OpenModel) -> Session:
    """Return a session with the model and five photos, the first four judged."""
    opened = Session()
    opened.use_model(model)
    opened.use_photos(photos(*NAMES), {})
    for place, p in enumerate((0.75, 0.25, None, 0.5)):
        opened.put(place, inspection(p, reason="" if p is not None else "it is damaged"))
    opened.refresh()
    return opened


def test_nothing_is_open_at_first() -> None:
    session = Session()
    assert session.rules is None
    assert session.own_thresholds is None
    assert session.thresholds_are_own
    assert session.tally().judged == session.tally().pending == 0
    assert session.waiting() == session.predictions() == session.places.tolist() == []
    session.refresh()
    with pytest.raises(ValueError, match="no photos"):
        _ = session.seen


@pytest.mark.parametrize("model_first", [True, False])
def test_model_and_photos_are_opened_in_any_order(model: OpenModel, model_first: bool) -> None:
    session = Session()
    steps: list[Callable[[], None]] = [
        lambda: session.use_model(model),
        lambda: session.use_photos(
            photos(*NAMES), {"ok/c.png": made("ok/c.png"), "gone.png": made("gone.png")}
        ),
    ]
    for step in steps if model_first else reversed(steps):
        step()
    assert session.labels.tolist() == LABELS
    assert session.current == 0
    assert session.places.tolist() == [0, 1, 2, 3, 4]
    assert session.verdicts == {2: made("ok/c.png")}
    assert session.tally().pending == 5
    assert (session.label(0), session.label(2), session.label(4)) == ("defective", "good", "")
    assert session.verdict(0) is None
    assert session.prediction(0) is None


def test_verdicts_follow_the_thresholds_and_the_list_when_it_is_refreshed(session: Session) -> None:
    session.selection = Selection(only=WRONG)
    session.refresh()
    assert session.places.tolist() == [1, 3]
    session.set_thresholds(Thresholds(0.2, 0.8))
    assert [session.verdict(place) for place in range(5)] == [
        *[Verdict.REVIEW] * 2,
        Verdict.NOT_INSPECTED,
        Verdict.REVIEW,
        None,
    ]
    assert session.tally().review == 3
    assert session.places.tolist() == [1, 3]  # the list does not jump while a handle is dragged
    session.refresh()
    assert session.places.tolist() == []
    assert not session.thresholds_are_own
    session.set_thresholds(Thresholds.single(0.5))
    assert session.thresholds_are_own


def test_a_prediction_is_that_of_the_rules_at_the_thresholds_that_are_set(session: Session) -> None:
    session.put(1, inspection(0.1, ("far too dark",)))
    session.set_thresholds(Thresholds(0.3, 0.6))
    identity = session.rules.model_id if session.rules else ""
    for place, p, words, reason in (
        (0, 0.75, (), ""),
        (1, 0.1, ("far too dark",), ""),
        (2, np.nan, (), "it is damaged"),
        (3, 0.5, (), ""),
    ):
        path = session.path(place)
        told = rules(Thresholds(0.3, 0.6)).prediction(Unit(0, NAMES[place], path, (path,)), p, words, reason)
        found = session.prediction(place)
        assert found is not None
        assert {**vars(found), "model_id": ""} == {**vars(told), "model_id": ""}
        assert found.model_id == identity != ""
        assert session.verdict(place) is found.verdict
    assert [one.path for one in session.predictions()] == [session.path(place) for place in range(4)]


def test_photos_that_are_shown_are_judged_first(session: Session, model: OpenModel) -> None:
    session.use_model(model)
    session.selection = Selection(search="OK/")
    session.refresh()
    assert session.waiting() == [2, 3, 0, 1, 4]
    session.put(3, inspection(0.1))
    session.refresh()
    assert session.waiting() == [2, 0, 1, 4]


def test_another_model_forgets_what_the_first_one_said_and_keeps_what_the_inspector_said(
    session: Session, model: OpenModel
) -> None:
    session.use_verdicts({"ok/d.png": made("ok/d.png")})
    session.selection = Selection(WRONG, MOST_DEFECTIVE_FIRST, "ok")
    session.current = 3
    session.set_thresholds(Thresholds(0.1, 0.9))
    session.use_model(model)
    assert session.thresholds == Thresholds.single(0.5)
    assert session.tally().pending == 5
    assert session.verdicts == {3: made("ok/d.png")}
    assert session.selection == Selection(order=MOST_DEFECTIVE_FIRST, search="ok")
    assert session.places.tolist() == [2, 3]
    assert session.current == 3


def test_other_photos_start_anew_and_keep_thresholds_and_order(session: Session) -> None:
    session.use_verdicts({NAMES[4]: made(NAMES[4])})
    session.selection = Selection(DECIDED, MOST_DEFECTIVE_FIRST, "scrap")
    session.set_thresholds(Thresholds(0.1, 0.9))
    session.current = 4
    session.use_photos(photos("ok/x.png", root=Path("/lots/lot 18")), {"ok/x.png": made("ok/x.png")})
    assert session.selection == Selection(order=MOST_DEFECTIVE_FIRST)
    assert session.thresholds == Thresholds(0.1, 0.9)
    assert (session.current, session.places.tolist(), session.labels.tolist()) == (0, [0], [0])
    assert session.verdicts == {0: made("ok/x.png")}
    assert session.predictions() == []
    assert session.path(0) == Path("/lots/lot 18/ok/x.png")


def test_a_verdict_moves_a_photo_out_of_those_that_wait(session: Session) -> None:
    session.selection = Selection(only=WAITING)
    session.use_verdicts({"crack/b.png": made("crack/b.png"), "ok/d.png": made("ok/d.png")})
    session.refresh()
    assert session.places.tolist() == [0, 2, 4]


@given(
    columns(len(NAMES)),
    cuts,
    st.sampled_from((WRONG, WAITING, DECIDED, "REVIEW", "all")),
    st.sampled_from(ORDERS),
)
@settings(deadline=None)
def test_every_state_is_whole(
    model: OpenModel,
    said: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]],
    thresholds: Thresholds,
    only: str,
    order: str,
) -> None:
    p, unlike, judged = said
    session = Session()
    session.use_model(model)
    session.use_photos(photos(*NAMES), {"ok/d.png": made("ok/d.png")})
    session.set_thresholds(thresholds)
    session.selection = Selection(only, order)
    for place in np.flatnonzero(judged).tolist():
        number = None if np.isnan(p[place]) else float(p[place])
        session.put(place, inspection(number, ("dark",) if unlike[place] else ()))
    session.refresh()
    tally, predictions = session.tally(), session.predictions()
    assert tally.judged + tally.pending == len(NAMES)
    assert tally.judged == len(predictions) == int(judged.sum())
    assert tally.pending == len(session.waiting())
    assert tally.missed == sum(one.correct is False and one.label == "defective" for one in predictions)
    assert tally.false_alarms == sum(one.correct is False and one.label == "good" for one in predictions)
    assert len(set(session.places.tolist())) == len(session.places)
    for place in range(len(NAMES)):
        alone = (
            decide(float(p[place]), thresholds, unlike_training=bool(unlike[place]))
            if judged[place]
            else None
        )
        found = session.prediction(place)
        assert session.verdict(place) is alone
        assert (found.verdict if found else None) is alone
        assert only != "REVIEW" or (place in session.places) == (alone is Verdict.REVIEW)
