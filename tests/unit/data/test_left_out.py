from dataclasses import replace
from pathlib import Path

from castproof.data.classes import Classes
from castproof.data.left_out import conflicts, without_conflicts, without_copies
from castproof.data.manifest import Manifest, Photo


def manifest_of(*photos: tuple[str, str, str]) -> Manifest:
    """Return photos of (file, part, hash); the class is the folder, good where it is called ok."""
    made = tuple(
        Photo(file, "", name, name != "ok", "" if name == "ok" else name, part, sha256)
        for file, part, sha256 in photos
        for name in [file.split("/")[0]]
    )
    defective = tuple(sorted({photo.class_name for photo in made} - {"ok"}))
    return Manifest(Path("data"), Classes(("ok",), defective), made)


def part_of(good: int, defective: int) -> list[tuple[str, str, str]]:
    photos = [(f"ok/{number}", "p", f"g{number}") for number in range(good)]
    return [*photos, *((f"def/{number}", "p", f"d{number}") for number in range(defective))]


def test_the_first_of_identical_files_of_a_class_stays() -> None:
    manifest = manifest_of(
        ("ok/b", "p", "1"), ("ok/a", "p", "1"), ("ok/c", "q", "2"), ("def/x", "p", "1"), ("hole/x", "p", "1")
    )
    kept, copies = without_copies(manifest)
    assert [photo.file for photo in kept.photos] == ["ok/a", "ok/c", "def/x", "hole/x"]
    assert {file: photo.file for file, photo in copies.items()} == {"ok/b": "ok/a"}
    backwards = replace(manifest, photos=manifest.photos[::-1])
    assert set(without_copies(backwards)[0].photos) == set(kept.photos)


def test_a_rarer_label_below_a_third_goes_alone() -> None:
    other = [("ok/other", "q", "o"), ("def/other", "r", "e")]
    kept, aside = without_conflicts(manifest_of(*part_of(5, 2), *other))
    assert [photo.file for photo in aside] == ["def/0", "def/1"]
    assert len(kept.photos) == 7
    assert not conflicts(kept)
    kept, aside = without_conflicts(manifest_of(*part_of(1, 6), *other))
    assert [photo.file for photo in aside] == ["ok/0"]


def test_without_a_clear_majority_the_whole_part_goes() -> None:
    for good, defective in ((4, 2), (2, 4), (3, 3), (1, 1)):
        kept, aside = without_conflicts(manifest_of(*part_of(good, defective), ("ok/other", "q", "o")))
        assert [photo.file for photo in kept.photos] == ["ok/other"]
        assert len(aside) == good + defective


def test_two_defect_types_of_one_part_and_photos_of_unknown_parts_are_no_conflict() -> None:
    manifest = manifest_of(
        ("crack/1", "p", "1"), ("hole/1", "p", "2"), ("ok/1", "", "3"), ("crack/2", "", "4")
    )
    assert without_conflicts(manifest) == (manifest, ())
