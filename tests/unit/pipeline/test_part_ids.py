"""Parts are found once; the same photos get the same answer from the cache."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.pipeline.part_ids import KEPT_SCORES, _thinned, with_parts


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Return six photos, the first two of them equal."""
    monkeypatch.setenv("CASTPROOF_CACHE", str(tmp_path / "cache"))
    photos = []
    for number in range(6):
        pixels = np.random.default_rng(max(1, number)).integers(0, 255, (48, 48), dtype=np.uint8)
        path = tmp_path / "data" / "ok" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        photos.append(Photo(f"ok/{number}.png", "", "ok", False, "", sha256=digest))
    return Manifest(tmp_path / "data", Classes(("ok",), ()), tuple(photos))


def grouping(manifest: Manifest) -> set[frozenset[str]]:
    parts = {photo.part for photo in manifest.photos}
    return {frozenset(one.file for one in manifest.photos if one.part == part) for part in parts}


def test_every_photo_gets_a_part_and_a_confidence(manifest: Manifest) -> None:
    found, evidence = with_parts(manifest)
    assert frozenset({"ok/0.png", "ok/1.png"}) <= next(
        group for group in grouping(found) if "ok/0.png" in group
    )
    assert [photo.part for photo in found.photos] == list(evidence.part)
    assert all(photo.confidence is not None and 0 <= photo.confidence <= 1 for photo in found.photos)


def test_the_second_time_the_photos_are_not_even_opened(manifest: Manifest) -> None:
    first, evidence = with_parts(manifest)
    for photo in manifest.photos:
        manifest.path(photo).write_bytes(b"gone")
    again, kept = with_parts(manifest)
    assert again == first
    assert kept.part == evidence.part
    assert kept.threshold == evidence.threshold
    np.testing.assert_allclose(kept.different, evidence.different, atol=1e-4)
    np.testing.assert_allclose(kept.same, evidence.same, atol=1e-4)


def test_other_names_and_another_order_of_the_same_photos_are_known(manifest: Manifest) -> None:
    first, _ = with_parts(manifest)
    for photo in manifest.photos:
        manifest.path(photo).write_bytes(b"gone")
    moved = replace(
        manifest,
        photos=tuple(replace(photo, file=f"new {photo.file}") for photo in reversed(manifest.photos)),
    )
    again, _ = with_parts(moved)
    assert {frozenset(f"new {name}" for name in group) for group in grouping(first)} == grouping(again)


def break_as_text(path: Path) -> None:
    path.write_text('{"parts": ["a"]')


def break_index(path: Path) -> None:
    data = json.loads(path.read_text())
    data["photos"] = {digest: [99, 1.0] for digest in data["photos"]}
    path.write_text(json.dumps(data))


def break_confidence(path: Path) -> None:
    data = json.loads(path.read_text())
    data["photos"] = {digest: [0, 7.5] for digest in data["photos"]}
    path.write_text(json.dumps(data))


def break_photos(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "photos": {}}))


@pytest.mark.parametrize("harm", [break_as_text, break_index, break_confidence, break_photos])
def test_a_broken_answer_is_found_anew(
    manifest: Manifest, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    first, _ = with_parts(manifest)
    (kept,) = (tmp_path / "cache" / "parts").iterdir()
    whole = kept.read_text()
    harm(kept)
    again, _ = with_parts(manifest)
    assert again == first
    assert kept.read_text() == whole


def test_without_the_cache_nothing_is_kept(manifest: Manifest, tmp_path: Path) -> None:
    with_parts(manifest, use_cache=False)
    assert not (tmp_path / "cache").exists()


def test_many_scores_are_thinned_and_keep_their_distribution() -> None:
    scores = np.random.default_rng(1).normal(0.5, 0.1, 100_000).astype(np.float32)
    kept = _thinned(scores)
    assert len(kept) == KEPT_SCORES
    np.testing.assert_allclose(
        np.quantile(kept, [0, 0.1, 0.5, 1]), np.quantile(scores, [0, 0.1, 0.5, 1]), atol=1e-3
    )
