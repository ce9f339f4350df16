"""Where the network runs, and how that place is made fast and repeatable."""

import ctypes
import platform
from typing import Final

import torch

from castproof.errors import SettingError
from castproof.threads import worker_count

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_MAX: Final = -4


def pick_device(name: str) -> torch.device:
    """Return the device for "auto", "cpu", "cuda" or "mps"; auto takes the fastest one present.

    Raises:
        SettingError: the device that was asked for is not there.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if not present[name]:
        raise SettingError(f"--device {name} is not available on this machine.", fix="Use --device auto.")
    return torch.device(name)


def prepare(device: torch.device) -> None:
    """Make results repeatable on `device`, and on a Linux CPU keep freed memory for the next batch.

    Without the second step glibc returns every large tensor to the system and fetches it again, zeroed,
    which costs a third of the training time.
    """
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    if device.type == "cpu" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def worker_threads(requested: int) -> int:
    """Return how many threads read photos and work on them: `requested`, or for 0 one per core, at most 8."""
    return requested or worker_count()
