"""What a run ran on, for its record."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Final

import psutil
import torch

from castproof import __version__
from castproof.model.device import pick_device, prepare

LIBRARIES: Final = ("torch", "torchvision", "numpy", "pillow", "scikit-learn")


@dataclass(frozen=True)
class Machine:
    """Hardware and software of this process.

    Args:
        device: what the network runs on, by name.
        cores: logical processor cores.
        memory_gb: main memory in 10^9 bytes.
        threads: threads that torch computes with.
        system: operating system and its release.
        versions: of Python, castproof and the libraries that decide numbers.
    """

    device: str
    cores: int
    memory_gb: float
    threads: int
    system: str
    versions: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """Return the record as JSON values."""
        return asdict(self)


def prepare_device(name: str) -> torch.device:
    """Return the device for "auto", "cpu", "cuda" or "mps", made fast and repeatable. Raises SettingError."""
    device = pick_device(name)
    prepare(device)
    return device


def describe_machine(device: torch.device) -> Machine:
    """Return what this process runs on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return Machine(
        device=name,
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        threads=torch.get_num_threads(),
        system=platform.platform(terse=True),
        versions={
            "python": platform.python_version(),
            "castproof": __version__,
            **{name: version(name) for name in LIBRARIES},
        },
    )
