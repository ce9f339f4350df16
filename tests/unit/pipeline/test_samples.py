"""The picture of what training sees shows each view once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from castproof.data.folders import read_folders
from castproof.data.manifest import SPLITS
from castproof.pipeline.samples import draw_train_samples
from castproof.settings import TrainSettings

COLUMN_IN = 1.93


@pytest.mark.parametrize(("level", "columns"), [("none", 2), ("minimal", 6)])
def test_a_photo_that_is_not_varied_has_one_view(
    level: str, columns: int, class_folder: Callable[..., Path], tmp_path: Path
) -> None:
    manifest = read_folders(class_folder({name: {"ok": 3, "def": 3} for name in SPLITS}))
    path = tmp_path / "train_samples.png"
    draw_train_samples(manifest, TrainSettings(data="photos", img_size=32, aug_level=level), path)
    with Image.open(path) as image:
        width_in = image.width / image.info["dpi"][0]
    assert width_in == pytest.approx(max(8, columns * COLUMN_IN + 0.18), abs=0.1)
