"""Where the window keeps what is this user's own; loads hardly anything, since reports of broken programs go there."""

from pathlib import Path
from typing import Final

import platformdirs

NAME: Final = "qa_inspector_settings.json"
APP: Final = "castproof"
PORTABLE: Final = ("portable", "portable.txt")


def preferences_path(program: Path | None) -> Path:
    """Return the file of the settings: this user's, or next to the program where it is portable.

    Args:
        program: the stand-alone program's own file; None where Python runs it. It is portable where a file named
            "portable" lies beside it.
    """
    beside = _portable_folder(program)
    return (beside or Path(platformdirs.user_config_dir(APP, appauthor=False))) / NAME


def data_folder(program: Path | None) -> Path:
    """Return the folder of this user's own data, or the one next to a portable program; it need not be there yet.

    Args:
        program: see `preferences_path`.
    """
    beside = _portable_folder(program)
    return beside / "data" if beside else Path(platformdirs.user_data_dir(APP, appauthor=False))


def _portable_folder(program: Path | None) -> Path | None:
    if program is not None and any((program.parent / name).is_file() for name in PORTABLE):
        return program.parent
    return None
