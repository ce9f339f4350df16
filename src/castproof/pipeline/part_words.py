"""How the parts of a data set are known, in words for the screen and for pages."""

from collections.abc import Sequence
from pathlib import Path

from castproof.data.group_doubt import Doubt
from castproof.data.manifest import FILE, FOLDER, PICTURE, UNKNOWN, Manifest
from castproof.data.splits import part_key
from castproof.settings import BY_FILE, BY_PICTURE
from castproof.wording import percent

CANNOT_TELL = "Parts cannot be told apart on these photos."
_ORIGIN = {
    PICTURE: "found by comparing the photos",
    FILE: "each photo another one",
    FOLDER: "one per folder",
    UNKNOWN: "each photo counted as one",
    "": "not looked for",
}


def parts_known(manifest: Manifest) -> str:
    """Return how many parts there are and how that is known, for example "84, from parts.csv"."""
    origin = manifest.photos[0].part_from if manifest.photos else ""
    kind, _, name = origin.partition(" ")
    words = {"table": f"from {name}", "pattern": f"by the pattern {name}"}.get(kind) or _ORIGIN.get(
        origin, origin
    )
    return f"{len(set(map(part_key, manifest.photos))):,}, {words}"


def is_untold(manifest: Manifest) -> bool:
    """Return whether each photo counts as a part only because parts cannot be told apart."""
    return any(photo.part_from == UNKNOWN for photo in manifest.photos)


def untold_words() -> str:
    """Return what it means for results that parts cannot be told apart."""
    return (
        "Each photo counts as a part of its own. If several photos show one part, results will look better than on "
        "new parts, and a promise means less. Say which photos show one part: --parts."
    )


def doubt_words(doubt: Doubt) -> str:
    """Return why groups of look-alikes are not taken for parts."""
    reasons = []
    if doubt.by_labels:
        reasons.append(
            f"two photos of one group carry different labels {percent(doubt.dissent)} as often as photos taken "
            "at random"
        )
    if doubt.by_scores:
        reasons.append("pairs within groups agree hardly better than pairs of different groups")
    return (
        f"{doubt.grouped:,} photos look like others and form {doubt.groups:,} groups, but these are no parts: "
        f"{'; and '.join(reasons)}. Each photo counts as a part of its own."
    )


def parts_commands(data: Path, ok: Sequence[str] = ()) -> list[tuple[str, list[str]]]:
    """Return commands, each with its purpose, that say which photos show one part."""
    goods = [word for name in ok for word in ("--ok", name)]
    return [
        ("If every photo shows another part", ["audit", str(data), "--parts", BY_FILE, *goods]),
        (
            "If not, with a table of the columns file and part",
            ["audit", str(data), "--parts", "TABLE.csv", *goods],
        ),
    ]


def parts_option(parts: str) -> list[str]:
    """Return the words of a command that say `parts`, none where it is what is done anyway."""
    return [] if parts == BY_PICTURE else ["--parts", parts]
