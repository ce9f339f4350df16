"""What was computed from photos, kept by their content in the user's cache folder.

Nothing depends on it: a missing, broken or outdated file is computed and written again, and a folder that
cannot be written is passed over. The files are JSON; nothing that is loaded runs code.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from castproof.errors import OutputError
from castproof.files import write_text

CACHE_VARIABLE: Final = "CASTPROOF_CACHE"
MAX_ENTRIES_PER_FILE: Final = 2_000  # of 256 files: half a million photos, about 300 MB
MAX_RESULTS: Final = 50


def cache_folder() -> Path:
    """Return where castproof keeps what it computed: CASTPROOF_CACHE, else the place of this platform."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (Path.home raises where there is no home)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "castproof"


class PhotoEntries:
    """One JSON value for each photo, by the SHA-256 of its file; 256 files by the first two hex digits.

    Args:
        folder: the cache folder, as `cache_folder` gives it.
        kind: what is kept, for example "statistics"; a name of a folder.
        version: values of another version are ignored and replaced.
    """

    def __init__(self, folder: Path, kind: str, version: int) -> None:
        self._folder = folder / kind
        self._version = version
        self._loaded: dict[str, dict[str, Any]] = {}

    def get(self, digest: str) -> Any:
        """Return the value that is kept for `digest`, None where there is none; may be called in threads."""
        return self._entries(_shard(digest)).get(digest)

    def add(self, values: Mapping[str, Any]) -> None:
        """Keep `values` by digest beside what is kept already; the oldest go where a file grows too large."""
        by_shard: dict[str, dict[str, Any]] = defaultdict(dict)
        for digest, value in values.items():
            by_shard[_shard(digest)][digest] = value
        for shard, new in by_shard.items():
            newest = dict(list((self._entries(shard) | new).items())[-MAX_ENTRIES_PER_FILE:])
            self._loaded[shard] = newest
            if not _write(self._path(shard), {"version": self._version, "entries": newest}):
                return

    def _entries(self, shard: str) -> dict[str, Any]:
        if shard not in self._loaded:
            data = _read(self._path(shard))
            entries = data.get("entries") if data.get("version") == self._version else None
            self._loaded[shard] = entries if isinstance(entries, dict) else {}
        return self._loaded[shard]

    def _path(self, shard: str) -> Path:
        return self._folder / f"{shard}.json"


class Results:
    """One JSON object for each set of photos, in a file of its own; the 50 newest are kept.

    Args:
        folder: the cache folder, as `cache_folder` gives it.
        kind: what is kept, for example "parts"; a name of a folder.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder / kind

    def read(self, key: str) -> dict[str, Any]:
        """Return what is kept for `key`, a hex hash; nothing where there is no whole JSON object."""
        return _read(self._folder / f"{key}.json")

    def write(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep `value` for `key`."""
        if _write(self._folder / f"{key}.json", value):
            _drop_oldest(self._folder)


def _shard(digest: str) -> str:
    return digest[:2]


def _read(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`, an empty one where there is none."""
    try:
        data = json.loads(path.read_bytes(), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _write(path: Path, data: Mapping[str, Any]) -> bool:
    """Return whether `data` could be written."""
    try:
        write_text(path, json.dumps(data, separators=(",", ":"), allow_nan=False), durable=False)
    except OutputError:
        return False
    return True


def _drop_oldest(folder: Path) -> None:
    try:
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[MAX_RESULTS:]:
            path.unlink(missing_ok=True)
    except OSError:
        return
