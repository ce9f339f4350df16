"""Photos that a split leaves out on request: copies of other photos, and photos whose label is in doubt."""

from dataclasses import replace

from castproof.data.audit.parts import LabelConflict, find_conflicts, photos_by_part
from castproof.data.manifest import Manifest, Photo


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


def conflicts(manifest: Manifest) -> tuple[LabelConflict, ...]:
    """Return the parts of `manifest` that carry both labels, those with most photos first."""
    return find_conflicts(photos_by_part(manifest.photos))


def _without(manifest: Manifest, files: set[str]) -> Manifest:
    return replace(manifest, photos=tuple(photo for photo in manifest.photos if photo.file not in files))
