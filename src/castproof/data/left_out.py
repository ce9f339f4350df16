"""Photos that a split leaves out on request: copies of other photos, and photos whose label is in doubt."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from castproof.data.audit.parts import LabelConflict, find_conflicts, photos_by_part
from castproof.data.manifest import Manifest, Photo
from castproof.errors import DataError
from castproof.wording import counted, percent, stated

LARGE_SHARE: Final = 0.05


@dataclass(frozen=True)
class ClassShare:
    """How many of the photos of one class are set aside."""

    name: str
    aside: int
    photos: int

    @property
    def is_large(self) -> bool:
        """Whether that is more than a person expects of doubtful labels."""
        return self.aside > LARGE_SHARE * self.photos

    def __str__(self) -> str:
        of = f"{self.aside:,} of {counted(self.photos, 'photo')}"
        return f"{self.name}: {of} ({percent(self.aside / self.photos)})"


Allow = Callable[[Sequence[ClassShare]], bool]


def without_copies(manifest: Manifest) -> tuple[Manifest, dict[str, Photo]]:
    """Return `manifest` without byte-identical copies, and for the file of each copy the photo that stays.

    Only copies within one class count: which of two classes is right is not for a program to say. The first file
    by name stays.

    Args:
        manifest: verified photos, with their hashes.
    """
    first: dict[tuple[str, str], Photo] = {}
    copies: dict[str, Photo] = {}
    for photo in sorted(manifest.photos, key=lambda photo: photo.file):
        kept = first.setdefault((photo.class_name, photo.sha256), photo)
        if kept is not photo:
            copies[photo.file] = kept
    return _without(manifest, set(copies)), copies


def without_conflicts(manifest: Manifest) -> tuple[Manifest, tuple[Photo, ...]]:
    """Return `manifest` without photos whose label is in doubt, and these photos.

    In doubt are, of a part that carries both labels, the photos of the rarer label where they are less than a third
    of the part's photos, else all photos of the part.

    Args:
        manifest: photos with known parts.
    """
    doubtful = [photo for one in conflicts(manifest) for photo in one.odd or (*one.good, *one.defective)]
    files = {photo.file for photo in doubtful}
    return _without(manifest, files), tuple(photo for photo in manifest.photos if photo.file in files)


def class_shares(kept: Sequence[Photo], aside: Sequence[Photo]) -> tuple[ClassShare, ...]:
    """Return of every class how many of its photos are set aside, by class name."""
    away = Counter(photo.class_name for photo in aside)
    photos = away + Counter(photo.class_name for photo in kept)
    return tuple(ClassShare(name, away[name], count) for name, count in sorted(photos.items()))


def put_aside(manifest: Manifest, allow: Allow) -> tuple[Manifest, tuple[Photo, ...]]:
    """Return what `without_conflicts` does, after asking where it takes a large share of a class away.

    Args:
        manifest: photos with known parts.
        allow: asked, with the share of every class, where one of them is large.

    Raises:
        DataError: the answer was no.
    """
    kept, aside = without_conflicts(manifest)
    shares = class_shares(kept.photos, aside)
    large = [one for one in shares if one.is_large]
    if large and not allow(shares):
        raise DataError(
            f"--set-aside would take away more than {stated(LARGE_SHARE)} of a class.",
            rule="So many wrong labels are rare. Perhaps photos of several parts were taken for one part.",
            found="Nothing was set aside.",
            fix="Look at the page of castproof audit. If the parts are right, give --set-aside-any-share; if not, say "
            "which photos show one part: --parts.",
            items=[str(one) for one in shares],
        )
    return kept, aside


def conflicts(manifest: Manifest) -> tuple[LabelConflict, ...]:
    """Return the parts of `manifest` that carry both labels, those with most photos first."""
    return find_conflicts(photos_by_part(manifest.photos))


def _without(manifest: Manifest, files: set[str]) -> Manifest:
    return replace(manifest, photos=tuple(photo for photo in manifest.photos if photo.file not in files))
