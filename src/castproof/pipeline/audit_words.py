"""What the audit found, in sentences for the page and for the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from castproof.data.audit import Audit
from castproof.data.audit.shortcuts import Shortcut
from castproof.data.manifest import PICTURE, UNKNOWN
from castproof.files import beside
from castproof.pipeline.part_words import CANNOT_TELL, doubt_words, parts_known, parts_option
from castproof.settings import BY_PICTURE
from castproof.wording import counted, percent

STATISTIC_WORDS: Final = {
    "brightness": "the mean brightness of the photo",
    "contrast": "the contrast of the photo",
    "sharpness": "the sharpness of the photo",
    "background": "the brightness of the border of the photo",
    "size": "the number of pixels of the photo",
    "file size": "the size of the file",
}
NEARLY_NOTHING: Final = 0.6
FLAG_WORDS: Final = {
    "blurred": "Much less fine detail than most photos.",
    "dark": "Much darker than most photos.",
    "over-exposed": "Many more white pixels than most photos: detail is lost there.",
    "glare": "One large white spot that most photos do not have.",
    "odd-object": "It looks unlike every other photo: a wrong object, another view, or a rare part.",
    "odd-size": "Not the size in pixels that nine of ten photos have.",
}


def share(count: int, total: int, things: str = "") -> str:
    """Return for example "3 of 40 photos (7.5%)"."""
    if not total:
        return f"no {things}" if things else "none"
    return " ".join(filter(None, (f"{count:,} of {total:,}", things, f"({percent(count / total)})")))


def verdict(audit: Audit) -> str:
    """Return the one sentence that stands above everything else."""
    found = [words for words in (_leak_words(audit), _conflict_words(audit)) if words]
    if audit.doubt is not None:
        return " ".join([CANNOT_TELL, doubt_words(audit.doubt), *found])
    if found:
        return " ".join(found)
    photos, parts = counted(len(audit.manifest.photos), "photo"), counted(len(audit.parts), "part")
    if audit.leak is None:
        return f"No label conflict found in {photos} of {parts}. The photos are not split yet."
    return f"Neither a leak nor a label conflict found in {photos} of {parts}."


def _leak_words(audit: Audit) -> str:
    if audit.leak and audit.leak.shared:
        test = audit.leak.of("test")
        if test.photos_in_train:
            return f"Leak: {share(test.photos_in_train, test.photos, 'test photos')} show a part that is also in train."
        if test.photos_in_earlier:
            return f"Leak: {share(test.photos_in_earlier, test.photos, 'test photos')} show a part that is also in val."
        val = audit.leak.of("val")
        return (
            f"Leak: {share(val.photos_in_train, val.photos, 'val photos')} show a part that is also in train."
        )
    groups = sum(one.across_splits for one in audit.duplicates)
    return f"Leak: {counted(groups, 'photo')} {_stands(groups)} in more than one split." if groups else ""


def _stands(count: int) -> str:
    return "stands" if count == 1 else "stand"


def _conflict_words(audit: Audit) -> str:
    if audit.conflicts:
        odd = sum(len(one.odd) for one in audit.conflicts)
        rest = f"; {odd_words(odd)}"
        carry = "carries" if len(audit.conflicts) == 1 else "carry"
        return f"Label conflict: {counted(len(audit.conflicts), 'part')} {carry} both labels{rest if odd else ''}."
    groups = sum(one.across_labels for one in audit.duplicates)
    carry = "carries" if groups == 1 else "carry"
    return f"Label conflict: {counted(groups, 'photo')} {carry} both labels." if groups else ""


def odd_words(count: int) -> str:
    """Return what `count` photos do that carry the flag odd-label."""
    is_, its = ("is", "its") if count == 1 else ("are", "their")
    return f"{counted(count, 'photo')} {is_} labelled unlike the rest of {its} part"


def shortcut_words(shortcut: Shortcut) -> str:
    """Return what an AUC of one statistic means."""
    thing = STATISTIC_WORDS[shortcut.statistic]
    figures = f"AUC {shortcut.auc_parts:.2f} by part, {shortcut.auc_photos:.2f} by photo"
    if shortcut.alarming:
        return (
            f"{thing[0].upper()}{thing[1:]} alone separates the labels ({figures}); higher values mean "
            f"{shortcut.higher}. A network may learn this instead of the defect."
        )
    if shortcut.level == "thin":
        return (
            f"{thing[0].upper()}{thing[1:]} differs between the labels ({figures}), but with "
            f"{counted(shortcut.good_parts, 'good part')} and "
            f"{counted(shortcut.defective_parts, 'defective part')} this may be chance."
        )
    says = (
        "does not separate the labels"
        if shortcut.auc_parts < NEARLY_NOTHING
        else "says little about the label"
    )
    return f"{thing[0].upper()}{thing[1:]} {says} ({figures})."


def leak_text(audit: Audit) -> str:
    """Return what it means that parts are in more than one split, or that they do not."""
    if audit.doubt is not None:
        return f"{CANNOT_TELL} So it is not known whether one of them is in several splits."
    if audit.leak is None:
        return "The photos are not split yet, so no part can be in two splits. When you split them, split by part."
    if not audit.leak.shared:
        return f"All {counted(audit.leak.parts, 'part')} are in one split only."
    return (
        f"{share(len(audit.leak.shared), audit.leak.parts, 'parts')} are in more than one split. What is measured on "
        "photos of a part that training has seen shows how well that part is recognised again, not how well a "
        "defect on a new part is found."
    )


def _method_of_parts(audit: Audit) -> list[str]:
    origin = parts_known(audit.manifest)
    if audit.manifest.photos and audit.manifest.photos[0].part_from not in ("", PICTURE, UNKNOWN):
        return [f"Which photos show one part was not looked for, it was given: {origin}."]
    return [
        "Photos were compared with each other under rotation, mirroring and slight distortion; photos that agree as "
        "only photos of one physical part do were put together as one part.",
        "The labels were not used: parts come from the pictures alone, labels and splits were compared "
        "with them afterwards; where labels are mixed in them as parts cannot be, they are not used.",
    ]


def method(audit: Audit) -> list[str]:
    """Return how everything was found, and what cannot be known, in sentences."""
    return [
        "Every file was read and hashed; every photo was decoded, and its pixels were hashed and measured.",
        *_method_of_parts(audit),
        "A photo differs from the rest where it lies far outside of the spread of all photos; a large group of odd "
        "photos is therefore not odd.",
        "castproof cannot know which of two labels is right, and it cannot see that two photos show one part where "
        "they show different sides of it, or where the part has no mark that distinguishes it from others.",
        f"Photos with thin evidence: {len(audit.thin):,} of {len(audit.manifest.photos):,}.",
    ]


def fixing_command(audit: Audit, data: Path, ok: Sequence[str] = (), parts: str = BY_PICTURE) -> list[str]:
    """Return the words after castproof of the command that splits by part; none where nothing is to be fixed.

    None either where parts cannot be told apart: that has to be solved first.

    Args:
        audit: the findings.
        data: the data folder as the user named it.
        ok: the good class folders that the user named.
        parts: which photos show one part, as the user said it.
    """
    if audit.doubt is not None or (audit.is_clean and audit.leak is not None):
        return []
    words = ["split", str(data), str(beside(data, "_by_part"))]
    words += [word for name in ok for word in ("--ok", name)]
    words += parts_option(parts)
    words += ["--skip-unreadable"] if audit.manifest.unreadable else []
    return [*words, "--set-aside"] if audit.has_conflict else words
