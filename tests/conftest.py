"""Fixtures for all tests: small class folders of generated photos, and a cache away from the user's own."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ClassFolder = Callable[..., Path]
BYTECODE = Path(__file__).parents[1] / ".work" / "bytecode"


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment that the workers, and every process that a test starts, inherit."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        _keep_bytecode_aside()
    workers = config.getoption("numprocesses", None) or 1
    if workers > 1:  # with more threads than cores, small matrices take many times as long
        threads = max(1, (os.cpu_count() or 1) // workers)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, str(threads))


def _keep_bytecode_aside() -> None:
    """Compile every module once where Python may write nothing next to the sources.

    To compile PyTorch and what it imports takes longer than to run it, in every process again.
    """
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    sys.dont_write_bytecode = False


@pytest.fixture(scope="session", autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is computed or fetched in temporary folders, download nothing, and forget uv.

    Every process that a test starts inherits it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("UV", raising=False)
        patch.setenv("CASTPROOF_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")  # nobody listens there: no test downloads anything
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1,localhost")  # the browser's driver is on this machine
        yield


@pytest.fixture
def class_folder(tmp_path: Path) -> ClassFolder:
    """Return a maker of class folders: `class_folder({"train": {"ok": 3, "def": 2}, ...})` or `{"ok": 3}`.

    Photos are grey files of `size_px` pixels, all different, brighter where the folder name starts with ok.
    """

    def make(
        layout: Mapping[str, Any], *, name: str = "data", size_px: int = 16, suffix: str = ".png"
    ) -> Path:
        root = tmp_path / name
        rng = np.random.default_rng(7)

        def fill(folder: Path, content: Mapping[str, Any] | int) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            if isinstance(content, int):
                base = 150 if folder.name.casefold().startswith("ok") else 60
                for number in range(content):
                    pixels = rng.integers(base, base + 80, (size_px, size_px), dtype=np.uint8)
                    Image.fromarray(pixels).save(folder / f"photo {number:03d}{suffix}")
                return
            for child, inner in content.items():
                fill(folder / child, inner)

        fill(root, layout)
        return root

    return make
