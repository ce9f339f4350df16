"""Which key does what: the one list that bindings, menus and the help window are made of."""

import re
from dataclasses import dataclass

from castproof.translation import tr


@dataclass(frozen=True)
class Key:
    """One thing that a key does.

    Args:
        action: name of the method of the window's actions.
        sequences: of Tk; the first is the one that is shown.
        shown: how people call the key.
        words: what it does.
        typing: whether it also works while a person types into a field.
    """

    action: str
    sequences: tuple[str, ...]
    shown: str
    words: str
    typing: bool = False


def keys() -> dict[str, list[Key]]:
    """Return all keys in the current language, by the title of their group."""
    return {
        tr("Open"): [
            Key("open_model", ("<Control-m>",), "Ctrl+M", tr("Open model…"), True),
            Key("open_folder", ("<Control-d>",), "Ctrl+D", tr("Open folder…"), True),
            Key("open_photo", ("<Control-o>",), "Ctrl+O", tr("Open photo…"), True),
            Key("paste", ("<Control-v>",), "Ctrl+V", tr("Paste a photo or a path")),
            Key("show_card", ("<Control-i>",), "Ctrl+I", tr("Card of the model"), True),
        ],
        tr("Go"): [
            Key("next", ("<Right>", "<Next>", "n"), tr("→ or N"), tr("Next photo")),
            Key("previous", ("<Left>", "<Prior>", "p"), tr("← or P"), tr("Previous photo")),
            Key("first", ("<Home>",), "Home", tr("First photo")),
            Key("last", ("<End>",), "End", tr("Last photo")),
            Key("random", ("r",), "R", tr("Random photo")),
            Key("disagreement", ("m",), "M", tr("First disagreement")),
            Key("search", ("<Control-f>",), "Ctrl+F", tr("Search by name"), True),
        ],
        tr("Decide"): [
            Key("predict", ("<F5>",), "F5", tr("Judge this photo"), True),
            Key("judge_folder", ("<Control-F5>",), "Ctrl+F5", tr("Judge the folder, or stop"), True),
            Key("confirm", ("<Return>", "<KP_Enter>"), "Enter", tr("Confirm the verdict")),
            Key("decide_good", ("g",), "G", tr("This part is good")),
            Key("decide_defective", ("d",), "D", tr("This part is defective")),
            Key("comment", ("c",), "C", tr("Write a comment")),
            Key("undo", ("<Control-z>",), "Ctrl+Z", tr("Take the last verdict back")),
            Key("reset_threshold", ("<Control-r>",), "Ctrl+R", tr("The model's own threshold"), True),
        ],
        tr("Look"): [
            Key("toggle_heat", ("h",), "H", tr("Heat map on or off")),
            Key("toggle_outline", ("o",), "O", tr("Outline of the strongest place")),
            Key("toggle_reference", ("b",), "B", tr("Known good part beside it")),
            Key("toggle_magnifier", ("l",), "L", tr("Magnifier")),
            Key("zoom_in", ("<plus>", "<equal>", "<KP_Add>"), "+", tr("Larger")),
            Key("zoom_out", ("<minus>", "<KP_Subtract>"), "−", tr("Smaller")),
            Key("fit", ("f", "0"), tr("F or 0"), tr("The whole photo")),
            Key("one_to_one", ("1",), "1", tr("One photo pixel on one screen pixel")),
            Key("full_screen", ("<F11>",), "F11", tr("Full screen"), True),
        ],
        tr("Hand on"): [
            Key("report", ("<Control-p>",), "Ctrl+P", tr("Quick report (CSV and HTML)"), True),
            Key("export_verdicts", ("<Control-e>",), "Ctrl+E", tr("Verdicts as CSV…"), True),
            Key(
                "export_disagreements",
                ("<Control-Shift-E>",),
                "Ctrl+Shift+E",
                tr("Disagreements for retraining…"),
                True,
            ),
            Key("screenshot", ("<Control-s>",), "Ctrl+S", tr("Save screenshot…"), True),
        ],
        tr("Program"): [
            Key("help", ("<F1>",), "F1", tr("Keys and help"), True),
            Key("leave", ("<Escape>",), "Esc", tr("Leave a field, a window or full screen"), True),
            Key("quit", ("<Control-q>",), "Ctrl+Q", tr("Quit"), True),
        ],
    }


def both_cases(sequence: str) -> set[str]:
    """Return the sequences of Tk for a key, with and without Caps Lock: with it, a letter is another key to Tk."""
    letter = re.fullmatch(r"(<(?:\w+-)+)?([A-Za-z])(>?)", sequence)
    return {sequence} if letter is None else {sequence, f"{letter[1] or ''}{letter[2].swapcase()}{letter[3]}"}
