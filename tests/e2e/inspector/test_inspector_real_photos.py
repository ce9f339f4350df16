"""Real photos of castings in the window, where there are any; the model was made for others, and the window says so."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from driver import Driver

from castproof.images import decode
from castproof.measure.decision import Verdict
from castproof.pipeline.predict import predict

Start = Callable[..., Driver]
REPOSITORY = Path(__file__).parents[3]
PHOTOS = Path(os.environ.get("CASTPROOF_DATA", REPOSITORY.parent / "shared" / "data" / "casting"))
COUNT = 6

pytestmark = pytest.mark.skipif(
    not (PHOTOS / "test" / "ok_front").is_dir(),
    reason="needs real photos: set CASTPROOF_DATA to a folder that holds test/ok_front and so on",
)


def test_real_photos_are_shown_judged_and_decided(start: Start, model_file: Path, tmp_path: Path) -> None:
    lot = tmp_path / "casting"
    for name in ("ok_front", "def_front"):
        (lot / name).mkdir(parents=True)
        for photo in sorted((PHOTOS / "test" / name).iterdir())[:COUNT]:
            (lot / name / photo.name).symlink_to(photo)
    driver = start(model_file, lot).signed()
    session = driver.desk.session
    assert session.predictions() == predict(model_file, [lot])
    assert "Is it the right model" in driver.message, "these castings are none of the model's"
    for place in range(2 * COUNT):
        driver.until(lambda place=place: session.current == place and driver.shown)  # type: ignore[misc]
        assert driver.desk.looked is not None
        assert driver.desk.looked.pixels is not None
        assert np.array_equal(driver.desk.looked.pixels, decode(session.path(place)))
        assert session.verdict(place) is Verdict.REVIEW
        assert "⚠" in driver.texts(driver.desk.window.verdict)
        driver.press("d" if place < COUNT else "g")
        driver.until(lambda place=place: place in session.verdicts)  # type: ignore[misc]
    decided = [session.verdicts[place].decided for place in range(2 * COUNT)]
    assert decided == [Verdict.REJECT] * COUNT + [Verdict.ACCEPT] * COUNT
