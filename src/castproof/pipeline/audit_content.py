"""The content of an audit's page: figures and sentences beside the pictures."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from castproof import __version__
from castproof.data.audit import Audit
from castproof.data.audit.duplicates import DuplicateGroup
from castproof.data.audit.parts import THIN_BELOW
from castproof.data.audit.shortcuts import Shortcut
from castproof.parts.find import FoundParts
from castproof.pipeline.audit_album import Album
from castproof.pipeline.audit_selection import PHOTOS_OF_DUPLICATE, ConflictChoice, Selection
from castproof.pipeline.audit_words import (
    FLAG_WORDS,
    leak_text,
    method,
    odd_words,
    share,
    shortcut_words,
    verdict,
)
from castproof.pipeline.part_words import doubt_words, parts_known
from castproof.report.audit_page import AuditPage, Card, Distribution, Group, Pair, Table
from castproof.report.histogram import histogram
from castproof.wording import counted


def page_of(
    audit: Audit, found: FoundParts | None, chosen: Selection, album: Album, pairs: Sequence[Pair], fix: str
) -> AuditPage:
    """Return everything that the page shows.

    Args:
        audit: the findings.
        found: the evidence for the parts; None where a person named them.
        chosen: the photos that are shown.
        album: their pictures.
        pairs: example pairs with their pictures.
        fix: the command that fixes it, "" where nothing is to be fixed.
    """
    scores = found if found is not None and len(found.same) + len(found.different) else None
    return AuditPage(
        data=audit.manifest.root.resolve().name,
        made=f"castproof {__version__} · {datetime.now():%Y-%m-%d %H:%M} · data hash "
        f"{audit.manifest.data_hash()[:16]}",
        verdict=verdict(audit),
        state="fine" if audit.is_clean else "alarm",
        cards=_cards(audit),
        leak=_leak_table(audit),
        leak_text=leak_text(audit),
        pairs=pairs,
        pairs_across=bool(audit.leak and audit.leak.shared),
        scores=histogram(scores.same, scores.different, scores.threshold) if scores else None,
        scores_limit=f"limit {scores.threshold:.2f}" if scores else "",
        scores_text=_scores_text(audit, found),
        counts=_counts_table(audit),
        largest=[_largest(audit, album, part, chosen) for part in chosen.largest],
        conflicts=[_conflict(album, choice) for choice in chosen.conflicts],
        conflicts_text=_conflicts_text(audit, chosen),
        duplicates=list(_duplicates(audit, album, chosen.duplicates)),
        shortcuts=[_distribution(one) for one in audit.shortcuts],
        shortcuts_text=_SHORTCUTS,
        outliers=[_outliers(audit, album, chosen, flag) for flag in chosen.outliers],
        unreadable=[(one.file, one.reason) for one in audit.manifest.unreadable],
        fix=fix,
        fix_text=_SAY_PARTS if audit.doubt else _FIX + (_SET_ASIDE if audit.has_conflict else ""),
        method=method(audit),
    )


_SHORTCUTS = (
    "A network learns anything that separates the labels. Where one plain number does that, a good result may rest on "
    "light or size and not on the defect, and it fails when the light changes. AUC 0.50 means that "
    "it says nothing, 1.00 everything. The photos of one part are one piece of evidence, so there is a figure "
    "by part, too."
)
_FIX = (
    "The command copies the photos into new train, val and test folders in which every part is in one split only. "
    "The photos here stay as they are."
)
_SAY_PARTS = (
    "Only you can say which photos show one part: by-file, by-folder, a regular expression or a table."
)
_UNREADABLE = " Photos that cannot be read show no part; they are not counted here."
_SET_ASIDE = " Photos whose label is in doubt go into a folder of their own, for a person to look at."


def _cards(audit: Audit) -> list[Card]:
    test = audit.leak.of("test") if audit.leak else None
    alarming = [one.statistic for one in audit.shortcuts if one.alarming]
    odd = {outlier.photo.file for outlier in audit.outliers}
    return [
        Card("Photos", f"{len(audit.manifest.photos):,}", f"of {counted(len(audit.parts), 'part')}", "fine"),
        Card(
            "Parts in several splits",
            f"{len(audit.leak.shared):,}" if audit.leak else "not split",
            f"{share(test.photos_in_train, test.photos, 'test photos')} show a part of train"
            if test
            else "there is no split yet",
            "alarm" if audit.leak and audit.leak.shared else "fine",
        ),
        Card(
            "Parts labelled good and defective",
            f"{len(audit.conflicts):,}",
            _odd(audit),
            "alarm" if audit.conflicts else "fine",
        ),
        Card(
            "Groups of equal files",
            f"{len(audit.duplicates):,}",
            f"{sum(one.across_splits for one in audit.duplicates):,} across splits, "
            f"{sum(one.across_labels for one in audit.duplicates):,} across labels",
            _state([one.across_splits or one.across_labels for one in audit.duplicates]),
        ),
        Card(
            "Shortcuts", f"{len(alarming):,}", ", ".join(alarming) or "none", "warn" if alarming else "fine"
        ),
        Card("Photos that differ", f"{len(odd):,}", "blur, light, object or size", "warn" if odd else "fine"),
        Card(
            "Thin evidence",
            f"{len(audit.thin):,}",
            "photos whose part is a guess",
            "warn" if audit.thin else "fine",
        ),
    ]


def _odd(audit: Audit) -> str:
    if not audit.conflicts:
        return "no part has photos of both"
    odd = sum(len(one.odd) for one in audit.conflicts)
    return odd_words(odd) if odd else "both labels are frequent in each: look which is wrong"


def _state(urgent: Sequence[bool]) -> str:
    return "alarm" if any(urgent) else "warn" if urgent else "fine"


def _leak_table(audit: Audit) -> Table | None:
    if audit.leak is None:
        return None
    header = (
        "",
        "photos whose part is in train",
        "photos whose part is in an earlier split",
        "parts that are in train",
        "parts that are in an earlier split",
    )
    rows = [
        (
            f"{one.split}, {one.kind}",
            share(one.photos_in_train, one.photos),
            share(one.photos_in_earlier, one.photos),
            share(one.parts_in_train, one.parts),
            share(one.parts_in_earlier, one.parts),
        )
        for one in audit.leak.counts
    ]
    return Table(
        "How much of each split was seen before",
        header,
        rows,
        "Earlier: train for val, train and val for test."
        + (_UNREADABLE if audit.manifest.unreadable else ""),
    )


def _scores_text(audit: Audit, found: FoundParts | None) -> str:
    if audit.doubt is not None:
        return doubt_words(audit.doubt)
    if found is None:
        return f"Photos were not compared. Parts: {parts_known(audit.manifest)}."
    thin = (
        f"For {share(len(audit.thin), len(audit.manifest.photos), 'photos')} the evidence is thin (confidence below "
        f"{THIN_BELOW}): their part is a guess, and they carry the flag thin-evidence in manifest.csv."
        if audit.thin
        else f"No photo has a confidence below {THIN_BELOW}."
    )
    if not len(found.same) or not len(found.different):
        return thin
    return (
        f"Two photos link their parts from an agreement of {found.threshold:.2f} on. A part is all photos that links "
        "join, so that two of its photos may agree less: other photos of it lie between them. Below: the agreement of "
        "pairs of photos that castproof takes for one part, and of pairs that it takes for different parts. The "
        f"further the two stand apart, the surer it is. {thin}"
    )


def _counts_table(audit: Audit) -> Table:
    seen = {(photo.split, photo.class_name, photo.part) for photo in audit.manifest.photos}
    parts = Counter((split, name) for split, name, _ in seen)
    rows = []
    for split, counts in audit.manifest.counts().items():
        for name, count in counts.items():
            kind = "defective" if audit.manifest.classes.is_defective(name) else "good"
            rows.append((split or "all", name, kind, f"{count:,}", f"{parts[split, name]:,}"))
    return Table("Photos and parts by split and class", ("split", "class", "label", "photos", "parts"), rows)


def _largest(audit: Audit, album: Album, part: str, chosen: Selection) -> Group:
    photos = audit.parts[part]
    counts = Counter((photo.split, "defective" if photo.defective else "good") for photo in photos)
    text = ", ".join(
        f"{counts[split, label]:,} {label}" + (f" in {split}" if split else "")
        for split in audit.manifest.counts()
        for label in ("good", "defective")
        if counts[split, label]
    )
    tiles = [album.tile(photo) for photo in chosen.largest[part]]
    return Group(f"{part}: {counted(len(photos), 'photo')}", text, tiles)


def _conflicts_text(audit: Audit, chosen: Selection) -> str:
    if not audit.conflicts:
        return "No part carries both labels."
    left = len(audit.conflicts) - len(chosen.conflicts)
    more = f" {counted(left, 'further part')} with both labels: see audit.json." if left else ""
    return (
        "One of the two labels is wrong, or the part changed between its photos: a person must look." + more
    )


def _conflict(album: Album, choice: ConflictChoice) -> Group:
    conflict, minority = choice.conflict, choice.conflict.minority
    few, many = ("defective", "good") if minority[0].defective else ("good", "defective")
    text = (
        f"{counted(len(minority), 'photo')} labelled {few} against {len(conflict.majority):,} labelled {many}: "
        "probably the few are labelled wrongly."
        if conflict.odd
        else f"{len(conflict.good):,} labelled good, {len(conflict.defective):,} labelled defective: which label is "
        "wrong cannot be told from the counts."
    )
    return Group(
        title=conflict.part,
        text=text,
        tiles=[album.tile(photo) for photo in choice.minority],
        beside=[album.tile(photo) for photo in choice.majority],
        beside_title=f"labelled {many}",
        more=len(minority) - len(choice.minority),
        alarm=True,
    )


def _duplicates(audit: Audit, album: Album, shown: Sequence[DuplicateGroup]) -> Iterator[Group]:
    for number, group in enumerate(shown, start=1):
        where = [
            words
            for words, holds in (
                ("in several splits", group.across_splits),
                ("with both labels", group.across_labels),
            )
            if holds
        ]
        left = len(audit.duplicates) - number
        last = f" {counted(left, 'further group')} in audit.json." if number == len(shown) and left else ""
        yield Group(
            title=f"{len(group.photos):,} files with the same {group.same}",
            text=" and ".join(where) + last,
            tiles=[album.tile(photo) for photo in group.photos[:PHOTOS_OF_DUPLICATE]],
            more=max(0, len(group.photos) - PHOTOS_OF_DUPLICATE),
            alarm=bool(where),
        )


def _distribution(one: Shortcut) -> Distribution:
    title = one.statistic.capitalize()
    values = np.concatenate([one.good, one.defective])
    if values.min() == values.max():
        return Distribution(title, "It is the same for all photos.", "", None)
    level = "" if one.level == "none" else "thin evidence" if one.level == "thin" else one.level
    return Distribution(title, shortcut_words(one), level, histogram(one.good, one.defective))


def _outliers(audit: Audit, album: Album, chosen: Selection, flag: str) -> Group:
    shown = chosen.outliers[flag]
    count = audit.flag_counts()[flag]
    return Group(
        title=f"{flag}: {counted(count, 'photo')}",
        text=f"{FLAG_WORDS[flag]} Most photos: {shown[0].typical}.",
        tiles=[album.tile(one.photo, one.found) for one in shown],
        more=count - len(shown),
    )
