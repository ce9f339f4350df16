"""A screen, a model file, folders of photos, and the window itself."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driver import Driver
from guest import for_everybody
from screen import new_screen

import castproof
from made_models import PARTS, PHOTOS_OF_EACH, casting, make_model_file, png

pytest.importorskip("sv_ttk", reason="the window needs its extra: pip install castproof[inspector]")


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """Return the name of a screen."""
    with new_screen(1366, 768) as name:
        yield name


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file of classes ok, blowhole and crack."""
    return make_model_file(tmp_path_factory.mktemp("model") / "castings.onnx")


@pytest.fixture(scope="session")
def verdicts(model_file: Path) -> dict[bytes, castproof.Inspection]:
    """Return what the model says about every made photo, by the bytes of its file."""
    model = castproof.load(model_file)
    photos = [png(casting(part, number)) for part in range(PARTS) for number in range(PHOTOS_OF_EACH)]
    return {photo: model.inspect(photo) for photo in photos}


@pytest.fixture
def lot(tmp_path: Path, verdicts: dict[bytes, castproof.Inspection]) -> Path:
    """Return a folder of 16 photos in class folders; one of each class lies in the wrong one."""
    folder = tmp_path / "lot 17"
    ranked = sorted(verdicts, key=lambda photo: verdicts[photo].p_defective or 0)
    good, defective = ranked[:7] + ranked[-1:], ranked[-7:-1] + ranked[24:25] + ranked[7:8]
    for name, photos in (("ok", good), ("blowhole", defective)):
        (folder / name).mkdir(parents=True)
        for number, photo in enumerate(photos):
            (folder / name / f"part {number}.png").write_bytes(photo)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that contains the settings and data of a user."""
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BROWSER", "true")
    return tmp_path / "home"


@pytest.fixture
def open_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that every user of this machine may read, with the settings and data of a guest in it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        for kind in ("config", "data", "cache"):
            monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(place / "guest" / kind))
        monkeypatch.setenv("HOME", str(place / "guest"))
        yield place
        for_everybody(place)


@pytest.fixture
def start(screen: str, home: Path) -> Iterator[Callable[..., Driver]]:
    """Return what opens the window, with a model and photos where they are given."""
    from castproof.apps.inspector.main import open_desk

    opened: list[Driver] = []

    def open_window(model: Path | None = None, photos: Path | None = None) -> Driver:
        opened.append(Driver(open_desk()))
        opened[-1].open(model, photos)
        return opened[-1]

    yield open_window
    for driver in opened:
        driver.close()
