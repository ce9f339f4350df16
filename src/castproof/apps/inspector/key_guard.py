"""Which key presses count: not those that a held key repeats, nor those with Ctrl or Alt, which mean other things."""

import sys
import time
import tkinter as tk
from typing import Final

_REPEATED_WITHIN_MS: Final = 12  # X11 tells of a release and a press at once for every repetition
_DEAF_S: Final = 0.4
_REPEATED_AFTER_S: Final = 1.0  # a held key repeats sooner; a release may have gone to another window
_MODIFIERS: Final = {"win32": 0x4 | 0x20000, "darwin": 0x4 | 0x8 | 0x10}
_X11_MODIFIERS: Final = 0x4 | 0x8 | 0x40 | 0x80  # Control, Alt, Super, AltGr; not the locks


def has_modifier(state: int) -> bool:
    """Return whether Control, Alt or the like was held, of the `state` of a key event; Shift and locks do not count."""
    return bool(state & _MODIFIERS.get(sys.platform, _X11_MODIFIERS))


class KeyGuard:
    """Lets each press of a key through once, however long it is held.

    Args:
        root: the window that gets the keys.
    """

    def __init__(self, root: tk.Misc) -> None:
        self._root = root
        self._held: dict[str, float] = {}  # when the last press came, seconds
        self._letting_go: dict[str, str] = {}
        self._deaf_until = 0.0

    def deafen(self) -> None:
        """Let nothing through for a moment: a dialog was closed, and what was typed into it may still come."""
        self._deaf_until = time.monotonic() + _DEAF_S

    @property
    def is_deaf(self) -> bool:
        """Whether nothing is let through now."""
        return time.monotonic() < self._deaf_until

    def lets_through(self, keysym: str) -> bool:
        """Return whether this press counts."""
        waiting = self._letting_go.pop(keysym, None)
        if waiting is not None:
            self._root.after_cancel(waiting)
        now = time.monotonic()
        is_new = now - self._held.get(keysym, -_REPEATED_AFTER_S) >= _REPEATED_AFTER_S
        self._held[keysym] = now
        return is_new and not self.is_deaf

    def released(self, keysym: str) -> None:
        """Take the release of a key, which counts unless a press follows at once."""
        if keysym in self._held and keysym not in self._letting_go:
            self._letting_go[keysym] = self._root.after(_REPEATED_WITHIN_MS, lambda: self._let_go(keysym))

    def _let_go(self, keysym: str) -> None:
        self._letting_go.pop(keysym, None)
        self._held.pop(keysym, None)
