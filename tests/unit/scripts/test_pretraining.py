"""The scripts that make the shipped weights: they run, and their tasks are what they say."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from castproof.model.backbones import seeded_backbone
from castproof.model.weights import load_weights
from pretrain_castings import cell_planes
from pretrain_surfaces import SHARPNESS, same_surface_loss

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_cells_tell_which_defects_they_hold() -> None:
    maps = np.zeros((2, 32, 32), np.uint8)
    maps[0, 3, 17], maps[0, 4, 18], maps[1, 31, 0] = 2, 3, 1
    planes = cell_planes(maps, 16, 3)
    expected = np.zeros((2, 4, 2, 2), np.float32)
    expected[0, [0, 2, 3], 0, 1] = 1
    expected[1, [0, 1], 1, 0] = 1
    assert np.array_equal(planes.numpy(), expected)


def test_partners_are_told_from_all_others() -> None:
    """Partners alike and all others at right angles: one right answer of weight e^s among two others of weight 1."""
    projected = torch.tensor([[3.0, 0.0], [0.0, 2.0], [1.0, 0.0], [0.0, 5.0]])
    expected = math.log(1 + 2 * math.exp(-SHARPNESS))
    assert same_surface_loss(projected).item() == pytest.approx(expected, rel=1e-2)
    assert same_surface_loss(projected[[0, 1, 3, 2]]).item() > SHARPNESS / 2


@pytest.mark.slow
def test_all_steps_make_weights_that_castproof_loads(tmp_path: Path) -> None:
    def run(script: str, *arguments: str) -> None:
        command = [
            sys.executable,
            str(SCRIPTS / script),
            "--work",
            str(tmp_path),
            "--pairs",
            "30",
            *arguments,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=300)

    run("pretrain_castings.py", "--shots", "1", "--crop-epochs", "1", "--full-epochs", "0", "--batch", "16")
    dest = tmp_path / "weights.safetensors"
    small = ("--surfaces", "12", "--shots", "1", "--steps", "4", "--batch", "8", "--castings", "0.5")
    run("pretrain_surfaces.py", *small, "--keep-every", "2")
    run("pretrain_taught.py", *small, "--keep-every", "2", "--dest", str(dest))
    backbone = seeded_backbone("mobilenet", 0)
    load_weights(backbone, str(dest))
    first = seeded_backbone("mobilenet", 0)
    load_weights(first, str(tmp_path / "first_step.safetensors"))
    moved = [
        name
        for (name, new), old in zip(backbone.state_dict().items(), first.state_dict().values(), strict=True)
        if new.is_floating_point() and not torch.equal(new, old)
    ]
    assert any("features.12" in name for name in moved)
    assert any("features.3" in name for name in moved)
    assert all(torch.isfinite(value).all() for value in backbone.state_dict().values())
