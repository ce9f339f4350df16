"""The layers of the package: who may import whom, what stays light, what no file may name."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

from castproof.apps.cli.console import TRAIN_EXTRA

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "castproof"
LAYERS = (
    ("castproof",),
    ("errors", "installation", "progress", "threads", "translation", "wording"),
    ("files",),
    ("preprocess",),
    ("bit_depth", "fast_jpeg", "images", "photo_files"),
    ("measure",),
    ("gate",),
    ("modelfile",),
    ("runtime",),
    ("settings", "run_folder"),
    ("recipes",),
    ("parts",),
    ("data",),
    ("model",),
    ("report",),
    ("pipeline",),
    ("apps",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
HEAVY = ("torch", "torchvision", "onnx", "onnxruntime", "sklearn", "scipy", "matplotlib", "cv2", "jinja2")
# Which modules may import a library, by the start of their dotted name.
ALLOWED = {
    "torch": ("castproof.model.", "castproof.pipeline.", "castproof.runtime.legacy"),
    "torchvision": ("castproof.model.",),
    "onnx": ("castproof.model.", "castproof.pipeline.exporting."),
    "onnxruntime": ("castproof.model.", "castproof.runtime.session"),
    "openvino": ("castproof.pipeline.exporting.",),
    "pyarrow": ("castproof.pipeline.predicting.tables",),
    "simplejpeg": ("castproof.fast_jpeg",),
    "safetensors": ("castproof.model.",),
    "sklearn": ("castproof.measure.metrics", "castproof.measure.curves", "castproof.gate.calibration"),
    "scipy": (
        "castproof.data.synthetic.",
        "castproof.parts.",
        "castproof.measure.",
        "castproof.gate.",
        "castproof.model.ridge",
        "castproof.model.defect_types",
    ),
    "cv2": ("castproof.parts.", "castproof.data.photo_statistics"),
    "jinja2": ("castproof.report.",),
    "tkinter": ("castproof.apps.inspector.",),
    "sv_ttk": ("castproof.apps.inspector.",),
    "tkinterdnd2": ("castproof.apps.inspector.",),
    "platformdirs": ("castproof.pipeline.inspecting.user_folders",),
    "sqlite3": ("castproof.pipeline.inspecting.",),
    "matplotlib": ("castproof.report.", "castproof.pipeline.results"),
    "typer": ("castproof.apps.cli.",),
    "rich": ("castproof.apps.cli.",),
}
# Assembled, so that this file does not name them itself.
HOSTS = tuple(
    f"{name}.{end}"
    for name, end in (
        ("py" + "pi", "org"),
        ("python" + "hosted", "org"),
        ("download.py" + "torch", "org"),
        ("hugging" + "face", "co"),
        ("ana" + "conda", "org"),
        ("npm" + "js", "org"),
    )
)
MACHINE_PATHS = tuple("/" + "work/" + name for name in ("main", "shared", ".library"))


class Import(NamedTuple):
    """One imported module and where."""

    by: str
    line: int
    module: str


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name: str, path: Path) -> Iterator[Import]:
    """Yield every import of a module, those in functions and under TYPE_CHECKING included."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(name, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).strip(".")
            inner = (f"{base}.{alias.name}" for alias in node.names)
            yield from (Import(name, node.lineno, one if one in MODULES else base) for one in inner)


ALL_IMPORTS = [one for name, path in MODULES.items() for one in imports_of(name, path)]
OWN = [one for one in ALL_IMPORTS if one.module.split(".")[0] == "castproof"]


def layer(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def test_the_walk_sees_imports_of_every_kind() -> None:
    found = {(one.by, one.module) for one in ALL_IMPORTS}
    assert ("castproof.model.learning", "castproof.model.network") in found, "at the top of a module"
    assert ("castproof.apps.cli.train", "castproof.pipeline.train") in found, "inside a function"
    assert ("castproof.apps.cli.tables", "castproof.data.manifest") in found, "for type checking"
    assert len(MODULES) > 40


def test_every_module_has_a_layer() -> None:
    assert {layer(name) for name in MODULES} == set(RANK)


def test_the_pages_list_the_same_layers() -> None:
    table = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| layer |")[2].partition("\n\n")[0]
    )
    rows = [tuple(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines()[2:]]
    page = (ROOT / "docs" / "decisions" / "0001-layers.md").read_text(encoding="utf-8")
    chain = " ".join(re.findall(r"^    (.+)$", page, re.MULTILINE))
    steps = [tuple(step.strip().split(", ")) for step in chain.split("→")]
    assert rows == steps == list(LAYERS[1:]), "all but the package itself"


def test_no_module_imports_upward() -> None:
    """The package itself offers the runtime under its own name, when it is asked for it."""
    upward = [one for one in OWN if RANK[layer(one.module)] > RANK[layer(one.by)] and one.by != "castproof"]
    assert not upward, "\n".join(map(str, upward))


def test_reports_render_measurements_and_know_neither_photos_nor_networks() -> None:
    known = {layer(one.module) for one in OWN if layer(one.by) == "report"}
    assert known <= {"report", "measure", "gate", "files", "wording", "errors"}


def test_measuring_needs_nothing_but_numbers() -> None:
    assert {layer(one.module) for one in OWN if layer(one.by) == "measure"} <= {"measure", "errors"}


def test_gates_need_nothing_but_numbers() -> None:
    known = {layer(one.module) for one in OWN if layer(one.by) == "gate"}
    assert known <= {"gate", "measure", "errors", "wording"}


@pytest.mark.parametrize("library", ALLOWED)
def test_a_library_is_imported_by_its_own_modules_only(library: str) -> None:
    users = [one for one in ALL_IMPORTS if one.module.split(".")[0] == library]
    strangers = [one for one in users if not f"{one.by}.".startswith(ALLOWED[library])]
    assert not strangers, "\n".join(map(str, strangers))
    assert users, f"nothing imports {library}: take it off the list"


@pytest.mark.parametrize(
    "arguments", [None, ["--help"], ["--version"], ["train", "--help"], ["predict", "--help"], ["train"]]
)
def test_import_and_help_load_no_heavy_library(arguments: list[str] | None) -> None:
    program = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
import castproof
if len(sys.argv) > 1:
    from castproof.apps.cli.main import main
    main()
"""
    command = [sys.executable, "-c", program, *(arguments or [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "castproof" in loaded
    assert not loaded.intersection(HEAVY)


def text_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone")
    listed = subprocess.run(
        [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def test_a_missing_library_of_the_train_extra_is_known_as_such() -> None:
    extra = [
        one for one in metadata.requires("castproof") or () if "extra == 'train'" in one.replace('"', "'")
    ]
    names = {re.split(r"[^\w-]", one)[0] for one in extra}
    modules = {"scikit-learn": "sklearn", "opencv-python-headless": "cv2"}
    assert {modules.get(name, name) for name in names} == TRAIN_EXTRA


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    paths = text_files()
    assert ROOT / "pyproject.toml" in paths
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in paths
        for name in (*HOSTS, *MACHINE_PATHS)
        if name in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert not found
