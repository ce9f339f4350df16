"""Whatever goes wrong, the window stays usable, says what to do, and no photo becomes ACCEPT that was not judged so."""

import hashlib
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from driver import Driver
from guest import as_nobody, for_everybody

import castproof
from castproof.apps.inspector.hearing import VERDICTS
from castproof.pipeline.inspecting.verdict_file import VerdictFile
from castproof.pipeline.inspecting.verdict_places import path_beside, path_in
from made_models import png

Start = Callable[..., Driver]
MANY = 600


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def boxes(driver: Driver) -> str:
    return driver.texts(driver.desk.window.decision)


def test_an_unreadable_photo_is_not_inspected_and_the_inspector_may_reject_it(
    start: Start, model_file: Path, lot: Path
) -> None:
    good = next((lot / "ok").iterdir()).read_bytes()
    for name, data in (
        ("a cut.png", good[: len(good) // 2]),
        ("b no photo.jpg", b"hello"),
        ("c empty.png", b""),
    ):
        (lot / "ok" / name).write_bytes(data)
    driver = start(model_file, lot).signed()
    driver.press("Home")
    for name in ("a cut.png", "b no photo.jpg", "c empty.png"):
        place = driver.desk.session.seen.photos.names.index(f"ok/{name}")
        driver.desk.show_place(place)
        driver.until(lambda: driver.shown)
        assert driver.desk.session.verdict(place) is castproof.Verdict.NOT_INSPECTED
        assert name in driver.place_of_photo
        assert "NOT_INSPECTED" in driver.texts(driver.desk.window.verdict)
        driver.press("Return")
        assert "nothing to confirm" in driver.message
        assert place not in driver.desk.session.verdicts
    driver.press("g")
    assert "How do you know?" in driver.texts(driver.dialog()), "not in passing"
    driver.press("1", "Return")
    driver.until(lambda: place in driver.desk.session.verdicts)
    assert driver.desk.session.verdicts[place].reason == "I looked at the part itself"
    driver.press("ctrl+F5")
    assert driver.desk.session.tally().not_inspected == 3


def test_a_photo_that_vanishes_after_it_was_listed_loses_its_verdict(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot)
    driver.press("Home")
    session = driver.desk.session
    place = next(
        one for one in range(1, len(session.places)) if session.verdict(one) is castproof.Verdict.ACCEPT
    )
    session.path(place).unlink()
    driver.desk.show_place(place - 1)
    driver.until(lambda: driver.shown)
    driver.press("Right")
    driver.until(lambda: driver.shown == session.seen.photos.names[place])
    assert session.verdict(place) is castproof.Verdict.NOT_INSPECTED
    assert session.path(place).name in driver.place_of_photo
    driver.press("Right")
    driver.until(lambda: driver.shown not in ("", session.seen.photos.names[place]))


def test_folders_without_photos_and_folders_that_are_gone_change_nothing(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start(model_file, lot)
    before = driver.desk.session.photos
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no photo")
    for folder, told in ((empty, "There are no photos"), (tmp_path / "unplugged", "There is no folder")):
        driver.desk.commands.opening.use_folder_path(folder)
        driver.until(lambda told=told: told in driver.message)  # type: ignore[misc]
        assert str(folder) in driver.message
        assert "What to do" in driver.message
        assert driver.desk.session.photos is before
    assert driver.desk.session.tally().judged == 16


def test_a_folder_that_is_gone_while_it_is_judged_can_go_on_when_it_is_back(
    start: Start, model_file: Path, lot: Path
) -> None:
    photos = sorted((lot / "ok").iterdir())
    for number in range(MANY):
        os.link(photos[number % len(photos)], lot / "ok" / f"more {number}.png")
    driver = start(model_file)
    driver.desk.commands.opening.use_paths([lot])
    driver.until(lambda: driver.desk.session.photos is not None and driver.desk.session.tally().judged > 20)
    away = lot.rename(lot.with_name("away"))
    driver.until(lambda: driver.desk.batch_ticket is None)
    tally = driver.desk.session.tally()
    assert 20 < tally.judged < MANY
    assert tally.pending == MANY + 16 - tally.judged
    assert tally.not_inspected == 0
    assert "is gone" in driver.message
    assert "press Judge the folder" in driver.message
    away.rename(lot)
    driver.click(driver.button("Judge the folder"))
    driver.judged()
    assert driver.desk.session.tally().not_inspected == 0


def test_a_model_file_that_is_deleted_goes_on_judging_and_is_missed_at_the_next_start(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(model_file, tmp_path / "copy.onnx"))
    driver = start(copy)
    copy.unlink()
    driver.open(photos=lot)
    assert driver.desk.session.tally().judged == 16
    assert driver.desk.session.tally().not_inspected == 0
    driver.press("ctrl+i")
    driver.dialog()
    driver.press("Escape")
    driver.close()
    again = start()
    again.until(lambda: "copy.onnx" in again.message)
    assert again.desk.session.model is None
    again.open(model_file, lot)
    assert again.desk.session.tally().judged == 16


def other_models(folder: Path, model_file: Path) -> dict[str, tuple[Path, str]]:
    """Return files and folders that are no model to open, with a part of what must be said of each."""
    run, data = folder / "run", model_file.read_bytes()
    run.mkdir()
    torch.save({"state": torch.nn.Linear(2, 2).state_dict()}, run / "best_model.pt")
    torch.save(torch.nn.Linear(2, 2).state_dict(), folder / "weights.pth")
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "other", ends[:1], ends[1:])
    onnx.save(onnx.helper.make_model(graph), folder / "other.onnx")
    files = {"photo.png": png(np.zeros((9, 9), np.uint8)), "notes.onnx": b"hello", "empty.onnx": b""}
    files |= {"cut.onnx": data[:-1000], "changed.onnx": data[:-20_000] + b"\1" + data[-19_999:]}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    told = {
        "run": "castproof export",
        "weights.pth": "torch.jit.save",
        "other.onnx": "Ask its maker for a model file",
        "photo.png": "Open a model file first",
        "notes.onnx": "text file",
        "empty.onnx": "empty",
        "cut.onnx": "cut.onnx",
        "changed.onnx": "changed.onnx",
        "not there.onnx": "not there.onnx",
    }
    return {name: (folder / name, words) for name, words in told.items()}


def test_what_is_no_model_leaves_the_open_one_and_says_what_to_do(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start(model_file, lot).signed()
    driver.decide()
    session = driver.desk.session
    before = (session.model, session.tally(), session.verdicts)
    for path, told in other_models(tmp_path, model_file).values():
        driver.press("Escape")
        assert driver.message == ""
        driver.desk.commands.opening.use_model_path(path)
        driver.until(lambda: driver.message, path.name)
        assert path.name in driver.message
        assert told in driver.message
        assert "What to do: " in driver.message
        assert (session.model, session.tally(), session.verdicts) == before
    driver.decide()
    assert len(session.verdicts) == 2


def test_a_run_folder_that_is_dropped_is_no_folder_of_photos(
    start: Start, model_file: Path, tmp_path: Path
) -> None:
    run = other_models(tmp_path, model_file)["run"][0]
    (run / "curve.png").write_bytes(png(np.zeros((9, 9), np.uint8)))
    driver = start(model_file)
    driver.desk.commands.opening.use_paths([run])
    driver.until(lambda: "castproof export" in driver.message)
    assert driver.desk.session.photos is None


class Harmful:
    """What a pickle could do when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._mark),)


def test_a_pickle_that_nobody_agreed_to_is_not_run(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    torch.save(Harmful(tmp_path / "it ran"), tmp_path / "module.pt")
    driver = start(model_file, lot)
    before = (driver.desk.session.model, driver.desk.session.tally())
    driver.desk.commands.opening.use_paths([tmp_path / "module.pt"])
    dialog = driver.dialog()
    assert "runs whatever code its maker put in" in driver.texts(dialog)
    assert driver.button("Open", dialog).instate(["disabled"])
    driver.press("Escape")
    driver.until(lambda: not dialog.winfo_exists())
    assert (driver.desk.session.model, driver.desk.session.tally()) == before
    assert not (tmp_path / "it ran").exists()


def test_photos_of_another_product_are_all_for_the_inspector(
    start: Start, model_file: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    folder = tmp_path / "forks"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(png(rng.integers(230, 256, (120, 90, 3), np.uint8)))
    driver = start(model_file, folder)
    tally = driver.desk.session.tally()
    assert (tally.review, tally.accept, tally.unlike) == (12, 0, 12)
    driver.until(lambda: "12 of 12 photos are unlike" in driver.message)
    assert "Is it the right model" in driver.message
    assert "wrong shape" in driver.texts(driver.desk.window.verdict)


def test_a_read_only_place_sends_verdicts_to_the_data_folder_until_it_can_be_written(
    start: Start, model_file: Path, lot: Path, open_place: Path
) -> None:
    line = open_place / "line"
    photos = Path(shutil.copytree(lot, line / "lot"))
    line.chmod(0o555)
    driver = start(model_file).signed()
    data_folder = driver.desk.data_folder
    data_folder.mkdir(parents=True, exist_ok=True)
    for_everybody(open_place / "guest")
    with as_nobody():
        driver.open(photos=photos)
        driver.until(lambda: "Nothing can be written next to these photos" in driver.message)
        assert str(data_folder) in driver.message
        decided = driver.decide()
        driver.close()
    kept = path_in(data_folder / VERDICTS, photos)
    assert kept.is_file()
    assert [one.name for one in line.iterdir()] == ["lot"]
    line.chmod(0o755)
    for_everybody(open_place / "guest")
    again = start()
    again.until(lambda: again.desk.session.model is not None)
    again.open(photos=photos)
    again.until(lambda: "next to these photos again: 1" in again.message)
    assert [again.desk.session.seen.photos.names[one] for one in again.desk.session.verdicts] == [decided]
    assert "lot.verdicts.sqlite" in boxes(again)
    again.close()
    with closing(VerdictFile.open(photos, data_folder / VERDICTS)) as file:
        assert file.path == path_beside(photos)
        assert list(file.latest()) == [decided]


def test_a_full_disk_is_told_of_and_verdicts_are_stored_later(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot).signed()
    decided = [driver.decide()]
    with full_disk():
        decided.append(driver.decide())
        decided.append(driver.decide())
        assert "Verdicts cannot be written" in driver.message
        assert "NOT SAVED YET: 2" in boxes(driver)
    with closing(VerdictFile.open(lot, lot)) as other:
        assert list(other.latest()) == decided[:1]
        decided.append(driver.decide())
        assert list(other.latest()) == decided
    assert "NOT SAVED YET" not in boxes(driver)
    with full_disk():
        decided.append(driver.decide())
    driver.close()
    with closing(VerdictFile.open(lot, lot)) as other:
        assert list(other.latest()) == decided


def test_two_programs_on_one_folder_see_each_other_and_lose_nothing(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot).signed()
    mine = driver.decide()
    with closing(VerdictFile.open(lot, lot)) as other:
        first = other.latest()[mine]
        theirs = hashlib.sha256((lot / driver.shown).read_bytes()).hexdigest()
        other.add(replace(first, file=driver.shown, sha256=theirs, inspector="Berta Kowal"))
        driver.until(lambda: "Berta Kowal" in driver.message, "no news")
        driver.until(lambda: "Berta Kowal" in boxes(driver))
        assert len(driver.desk.session.verdicts) == 2
        other.add(replace(first, inspector="Berta Kowal"))
        driver.press("Left")
        driver.until(lambda: driver.shown == mine)
        driver.decide()
        rows = [(one.file, one.inspector) for one in other.history() if one.file == mine]
    assert rows == [(mine, "Anna Nowak"), (mine, "Berta Kowal"), (mine, "Anna Nowak")]


def test_an_error_that_nobody_foresaw_is_told_and_the_work_goes_on(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot).signed()

    def broken() -> None:
        raise ZeroDivisionError("nobody foresaw this")

    def unknown() -> None:
        driver.desk._events.put("no event")  # type: ignore[arg-type]

    for cause in (lambda: driver.desk.root.after(0, broken), unknown):
        driver.press("Escape")
        cause()
        with pytest.raises(AssertionError, match="unexpected error"):
            driver.rest(0.2)
        driver.unexpected.found.clear()
        assert "Something unexpected happened" in driver.message
        driver.decide()
    assert len(driver.desk.session.verdicts) == 2


def test_what_is_wrong_with_the_photos_is_still_said_when_the_model_opens_later(
    start: Start, model_file: Path, tmp_path: Path
) -> None:
    driver = start()
    driver.desk.commands.opening.use_folder_path(tmp_path / "unplugged")
    driver.until(lambda: "There is no folder" in driver.message)
    driver.open(model_file)
    driver.rest(0.1)
    assert "There is no folder" in driver.message


def test_two_problems_at_once_are_both_told(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start()
    opening = driver.desk.commands.opening
    opening.use_model_path(tmp_path / "nowhere.onnx")
    opening.use_given_photos(tmp_path / "gone")
    driver.until(lambda: "nowhere.onnx" in driver.message and "gone" in driver.message, "one of them")
    opening.use_model_path(tmp_path / "elsewhere.onnx")
    driver.until(lambda: "elsewhere.onnx" in driver.message)
    assert "nowhere.onnx" not in driver.message, "what is tried again has one text"
    assert "gone" in driver.message
    driver.open(model_file, lot)
    assert driver.message == ""
