"""The stand-alone QA Inspector, built here: small, without PyTorch, and its window says what castproof says."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import castproof
from made_models import casting, make_model_file, png

ROOT = Path(__file__).parents[2]
TOOLS = {"Xvfb": "xvfb", "xdotool": "xdotool", "objdump": "binutils"}
MISSING = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
MEGABYTE = 10**6
LIMIT_BYTES = 170 * MEGABYTE
PATIENCE_S = 60
TRAINING = "cv2 matplotlib onnx openvino pandas pyarrow safetensors scipy sklearn sympy torch torchvision"
UNWANTED = {*TRAINING.split(), "hypothesis", "pytest", "readline", "rich", "typer"}
PHOTOS = {"part.png": casting(3, 7), "odlew – próba 7.png": casting(0, 7)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="drives a window of Linux"),
    pytest.mark.skipif(
        bool(MISSING), reason=f"needs {', '.join(MISSING)}: apt-get install {' '.join(MISSING)}"
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program in the folder that PyInstaller built."""
    place = tmp_path_factory.mktemp("stand alone")
    folders = ["--distpath", str(place / "dist"), "--workpath", str(place / "work")]
    spec = ROOT / "packaging" / "qa_inspector.spec"
    done = subprocess.run(
        [sys.executable, "-m", "PyInstaller", spec, *folders, "--log-level", "WARN"],
        env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(place / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place / "dist" / "qa_inspector" / "qa_inspector"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_file(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """Return the name of a screen of its own."""
    read, write = os.pipe()
    arguments = ["-displayfd", str(write), "-screen", "0", "1366x768x24", "-nolisten", "tcp"]
    with subprocess.Popen(["Xvfb", *arguments], pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
        server.terminate()


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a person who has nothing but the program."""
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **more}


def copy_of(program: Path, folder: Path) -> Path:
    """Return `folder`, where the program is now, too."""
    return Path(shutil.copytree(program.parent, folder, symlinks=True, copy_function=os.link))


def xdotool(display: str, *words: str) -> str:
    done = subprocess.run(
        ["xdotool", *words],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


@contextmanager
def opened(
    program: Path, arguments: list[Path], display: str, home: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program; end it where it has not ended by itself."""
    with subprocess.Popen([program, *arguments], env=surroundings(home, DISPLAY=display)) as process:
        try:
            yield process
        finally:
            process.kill()


def window_titled(title: str, display: str) -> str:
    """Return the window of this title; it appears within `PATIENCE_S`."""
    seen: dict[str, str] = {}
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        windows = xdotool(display, "search", "--name", "QA Inspector").split()
        seen = {xdotool(display, "getwindowname", window): window for window in windows}
        if title in seen:
            return seen[title]
        time.sleep(0.1)
    raise AssertionError(f"no window {title!r}, but {sorted(seen)}")


def close(window: str, display: str, process: subprocess.Popen[bytes], keys: str = "ctrl+q") -> int:
    """Return the exit code after the keys that close the window."""
    xdotool(display, "windowfocus", "--sync", window, "key", keys)
    return process.wait(timeout=PATIENCE_S)


def test_the_folder_is_small(program: Path) -> None:
    files = [path for path in program.parent.rglob("*") if path.is_file() and not path.is_symlink()]
    assert 50 * MEGABYTE < sum(path.stat().st_size for path in files) < LIMIT_BYTES


def test_nothing_of_training_is_inside(program: Path) -> None:
    from PyInstaller.archive.readers import CArchiveReader

    modules = CArchiveReader(str(program)).open_embedded_archive("PYZ.pyz").toc
    inside = [*modules, *(path.relative_to(program.parent).as_posix() for path in program.parent.rglob("*"))]
    names = {
        part.partition(".")[0].partition("-")[0].removeprefix("lib")
        for one in inside
        for part in one.split("/")
    }
    assert {"castproof", "numpy", "onnxruntime"} <= names
    assert names & UNWANTED == set()
    assert [one for one in inside if "safetensors" in one or "castproof/weights" in one] == []
    assert {one for one in modules if one.startswith(("castproof.model.", "castproof.weights"))} == set()


def test_every_data_file_of_castproof_is_inside_but_weights(program: Path) -> None:
    package = ROOT / "src" / "castproof"
    data = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".safetensors")
    }
    inside = program.parent / "_internal" / "castproof"
    assert {one for one in data if not (inside / one).is_file()} == set()
    assert "report/templates/gate.html.j2" in data
    assert "apps/inspector/images/icon_16.png" in data


def test_licences_of_all_libraries_are_inside(program: Path) -> None:
    folder = program.parent / "_internal" / "licences"
    libraries = {path.name.partition("-")[0] for path in folder.iterdir()}
    expected = {
        "castproof",
        "jinja2",
        "markupsafe",
        "numpy",
        "onnxruntime",
        "pillow",
        "platformdirs",
        "python",
    }
    assert libraries >= expected | {"simplejpeg", "sv_ttk", "tkinterdnd2"}


@pytest.mark.parametrize("name", PHOTOS)
def test_its_window_says_what_castproof_says(
    program: Path, model: Path, display: str, tmp_path: Path, name: str
) -> None:
    photo = tmp_path / name
    photo.write_bytes(png(PHOTOS[name]))
    verdict = castproof.load(model).inspect(photo).verdict
    home = tmp_path / "home"
    with opened(program, [model, photo], display, home) as process:
        window = window_titled(f"{name} — {verdict.value} — QA Inspector", display)
        mapped = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
        assert close(window, display, process) == 0
    assert "onnxruntime" in mapped
    assert [line for line in mapped.splitlines() if "torch" in line or sys.prefix in line] == []
    assert [path for path in home.rglob("*") if "Microsoft" in path.name] == [], "ONNX Runtime reports home"


def test_the_photos_have_different_verdicts(model: Path) -> None:
    opened_model = castproof.load(model)
    assert len({opened_model.inspect(photo).verdict for photo in PHOTOS.values()}) == len(PHOTOS)


def test_a_portable_program_writes_next_to_itself_alone(
    program: Path, model: Path, display: str, tmp_path: Path
) -> None:
    portable = copy_of(program, tmp_path / "stick")
    (portable / "portable").touch()
    before = {path.name for path in portable.iterdir()}
    home = tmp_path / "home"
    with opened(portable / program.name, [model], display, home) as process:
        window = window_titled("QA Inspector", display)
        assert close(window, display, process) == 0
    assert "qa_inspector_settings.json" in {path.name for path in portable.iterdir()} - before
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_an_error_before_the_window_opens_is_shown_in_a_box(
    program: Path, display: str, tmp_path: Path
) -> None:
    damaged = copy_of(program, tmp_path / "damaged")
    next((damaged / "_internal" / "PIL").glob("_imaging.*")).unlink()
    with opened(damaged / program.name, [], display, tmp_path / "home") as process:
        box = window_titled("QA Inspector", display)
        assert close(box, display, process, "Return") == 1
    assert "_imaging" in next((tmp_path / "home").rglob("qa_inspector.log")).read_text(encoding="utf-8")


def test_an_error_without_a_screen_is_told_and_written_down(program: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [program], env=surroundings(tmp_path / "home"), capture_output=True, text=True, check=False
    )
    log = next((tmp_path / "home").rglob("qa_inspector.log"))
    assert done.returncode == 1
    assert "The window cannot be opened." in done.stderr
    assert str(log) in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in log.read_text(encoding="utf-8")
