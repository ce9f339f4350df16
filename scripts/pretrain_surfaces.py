"""Second step to the `castings` weights: learn on from `pretrain_castings.py` with surfaces of any kind.

    uv run python scripts/pretrain_castings.py
    uv run python scripts/pretrain_surfaces.py
    uv run python scripts/pretrain_taught.py

A network that saw generated castings alone knows their generator. Here 70 % of the batches show random lit
surfaces (`surfaces.py`), each once without and once with a defect; the others go on with castings. On both the
network learns which defects are there from how its middle maps spread, which is what `--features middle` takes, and
in which cells they are; on surfaces also which two photos, mostly under different light, show the same one; on castings
also from its last layer, which `--features last` takes.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from castproof.apps.cli.console import Bars, console
from castproof.files import atomic_path
from castproof.model.backbones import Spread, log_moments
from castproof.model.photos import Normalise
from castproof.model.schedule import Schedule
from castproof.pipeline.machine import prepare_device
from castproof.preprocess import PreprocessSpec
from patterns import SIDE
from pretrain_castings import (
    COARSE_STRIDE,
    FIRST_STEP,
    TYPES,
    WORK,
    Blocks,
    Photos,
    cell_planes,
    export,
    generate_pair,
    make_pool,
    windows_of,
)
from surfaces import DEFECTS, SurfaceMaker

SECOND_STEP: Final = "second_step.safetensors"
CROP: Final = 128
SMALLEST_CROP: Final = 104
CASTING_SIDE: Final = 300
EIGHT, SIXTEEN = 3, 8  # blocks whose maps have a stride of 8 and of 16 px
MIDDLE_MAPS: Final = (88, 96, 240, 240, 120, 144)
FIRST_AT_SIXTEEN: Final = 2
MOMENTS: Final = 2 * sum(MIDDLE_MAPS)
PROJECTION: Final = 128
SHARPNESS: Final = 10.0
SURFACES, CASTINGS = "surfaces", "castings"
REPORT_STEPS: Final = 100


@dataclass(frozen=True)
class Plan:
    work: Path
    surfaces: int
    pairs: int
    shots: int
    steps: int
    batch: int
    lr: float
    castings: float
    same: float
    keep_every: int
    seed: int


class Heads(nn.Module):
    """What is told of one kind of photos: its defects, and in which cells of two maps they are."""

    def __init__(self, types: int) -> None:
        super().__init__()
        self.scale = nn.BatchNorm1d(MOMENTS, affine=False)
        self.photo = nn.Linear(MOMENTS, types + 1)
        self.sixteen = nn.Conv2d(48, types + 1, 1)
        self.eight = nn.Conv2d(24, 1, 1)


class Tasks(nn.Module):
    """A backbone with all that it is trained for."""

    def __init__(self, backbone: Blocks) -> None:
        super().__init__()
        self.normalise = Normalise(PreprocessSpec())
        self.backbone = backbone
        self.heads = nn.ModuleDict({SURFACES: Heads(len(DEFECTS)), CASTINGS: Heads(TYPES)})
        self.same = nn.Sequential(
            nn.Linear(MOMENTS, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, PROJECTION)
        )
        self.last_photo = nn.Linear(backbone.width, TYPES + 1)
        self.last_cells = nn.Conv2d(backbone.width, TYPES + 1, 1)

    def forward(self, photos: Tensor, kind: str) -> dict[str, Tensor]:
        """Return logits per task, of photos (n, 3, side, side) in [0, 1] of one kind."""
        heads: Heads = self.heads[kind]  # type: ignore[assignment]
        maps = self.normalise(photos).contiguous(memory_format=torch.channels_last)
        told: dict[str, Tensor] = {}
        expanded_maps = []
        for index, block in enumerate(self.backbone.features[: SIXTEEN + 1]):
            if index < EIGHT:
                maps = block(maps)
                continue
            expand, *rest = block.block.children()  # type: ignore[union-attr]
            expanded = expand(maps)
            expanded_maps.append(expanded)
            made = nn.Sequential(*rest)(expanded)
            maps = maps + made if block.use_res_connect else made
            if index == EIGHT:
                told["eight"] = heads.eight(maps)
        told["sixteen"] = heads.sixteen(maps)
        told["moments"] = log_moments([Spread.of(one) for one in expanded_maps])
        told["maps_8"] = torch.cat(expanded_maps[:FIRST_AT_SIXTEEN], dim=1)
        told["maps_16"] = torch.cat(expanded_maps[FIRST_AT_SIXTEEN:], dim=1)
        scaled = heads.scale(told["moments"])
        told["photo"] = heads.photo(scaled)
        if kind == SURFACES:
            told["same"] = self.same(scaled)
        else:
            last = self.backbone.features[SIXTEEN + 1 :](maps)
            told["last_photo"], told["last_cells"] = (
                self.last_photo(last.mean(dim=(2, 3))),
                self.last_cells(last),
            )
        return told


def loss_of(told: dict[str, Tensor], maps: Photos, types: int, same_weight: float) -> Tensor:
    """Return the weighted sum of all tasks' losses for photos with defect maps uint8 (n, CROP, CROP)."""
    three = torch.tensor(3.0).to(told["photo"])
    planes = {stride: cell_planes(maps, stride, types).to(three) for stride in (8, 16, COARSE_STRIDE)}
    photo = planes[COARSE_STRIDE].amax(dim=(2, 3))
    entropy = F.binary_cross_entropy_with_logits
    loss = (
        2 * entropy(told["photo"][:, 0], photo[:, 0])
        + 4 * entropy(told["photo"][:, 1:], photo[:, 1:])
        + 2 * entropy(told["sixteen"], planes[16], pos_weight=three)
        + entropy(told["eight"], planes[8][:, :1], pos_weight=three)
    )
    if "same" in told:
        return loss + same_weight * same_surface_loss(told["same"])
    return (
        loss
        + entropy(told["last_photo"][:, 0], photo[:, 0])
        + entropy(told["last_photo"][:, 1:], photo[:, 1:])
        + 2 * entropy(told["last_cells"], planes[COARSE_STRIDE], pos_weight=three)
    )


def same_surface_loss(projected: Tensor) -> Tensor:
    """Return how badly each of (2 n) projections finds its partner, n places on, among all others (NT-Xent).

    Source: Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020.
    """
    unit = F.normalize(projected, dim=1)
    alike = SHARPNESS * unit @ unit.T
    alike = alike.masked_fill(torch.eye(len(unit), dtype=torch.bool, device=unit.device), -1e9)
    partner = torch.arange(len(unit), device=unit.device).roll(len(unit) // 2)
    return F.cross_entropy(alike, partner)


_maker: SurfaceMaker


def begin(seed: int) -> None:
    global _maker
    cv2.setNumThreads(1)
    _maker = SurfaceMaker(seed)


def generate_surface(seed: int) -> tuple[Photos, Photos]:
    return _maker.quadruple(seed)


def generate_casting(job: tuple[int, int]) -> tuple[Photos, Photos]:
    return generate_pair(job, CASTING_SIDE)


@dataclass(frozen=True)
class Pools:
    """Photos uint8 and defect maps uint8 of both kinds: surfaces by four, castings one by one."""

    surfaces: tuple[Photos, Photos]
    castings: tuple[Photos, Photos]


def make_pools(plan: Plan) -> Pools:
    base = plan.seed * 1_000_003
    surfaces = make_pool(
        plan.work / f"surfaces_{plan.surfaces}_{plan.seed}",
        generate_surface,
        range(base, base + plan.surfaces),
        ((4, SIDE, SIDE), (SIDE, SIDE)),
        partial(begin, plan.seed),
    )
    shape = (2 * plan.shots, CASTING_SIDE, CASTING_SIDE)
    jobs = [(base + pair, plan.shots) for pair in range(plan.pairs)]
    castings = make_pool(
        plan.work / f"castings_{plan.pairs}x{plan.shots}_{plan.seed}", generate_casting, jobs, (shape, shape)
    )
    photos, maps = (pool.reshape(-1, CASTING_SIDE, CASTING_SIDE) for pool in castings)
    return Pools(surfaces, (photos, maps))


def surface_batch(pools: Pools, plan: Plan, rng: np.random.Generator) -> tuple[Tensor, Photos]:
    """Return photos of `batch / 2` surfaces, first all flawless, then all defective, and the defect maps."""
    photos, maps = pools.surfaces
    count = plan.batch // 2
    rows = np.sort(rng.choice(len(photos), count, replace=False))
    light = rng.integers(2, size=count)
    other = np.where(rng.random(count) < 0.6, 1 - light, light)
    seen = np.concatenate([photos[rows, light], photos[rows, 2 + other]])
    where = np.concatenate([np.zeros_like(maps[rows]), maps[rows]])
    pairs = [window(photo, plane, rng) for photo, plane in zip(seen, where, strict=True)]
    cut, labels = (np.stack(planes) for planes in zip(*pairs, strict=True))
    return relit(torch.from_numpy(cut).float() / 255, rng), labels


def window(photo: Photos, plane: Photos, rng: np.random.Generator) -> tuple[Photos, Photos]:
    """Return a window of a photo and of its defect map: zoomed to CROP px, turned by quarters and mirrored."""
    side = int(rng.integers(SMALLEST_CROP, SIDE + 1))
    top, left = rng.integers(SIDE - side + 1, size=2)
    quarters, mirrored = int(rng.integers(4)), rng.random() < 0.5
    smooth = cv2.INTER_AREA if side > CROP else cv2.INTER_LINEAR

    def cut(plane: Photos, by: int) -> NDArray[np.uint8]:
        piece = np.rot90(plane[top : top + side, left : left + side], quarters)
        piece = np.ascontiguousarray(piece[:, ::-1] if mirrored else piece)
        return np.asarray(cv2.resize(piece, (CROP, CROP), interpolation=by), np.uint8)

    return cut(photo, smooth), cut(plane, cv2.INTER_NEAREST)


def relit(photos: Tensor, rng: np.random.Generator) -> Tensor:
    """Return photos float32 (n, 3, h, w) of grey ones (n, h, w) under another exposure and a light that falls off."""
    low, high = (0.7, 0.7, -0.3, -0.3), (1.3, 1.4, 0.3, 0.3)
    light = torch.from_numpy(rng.uniform(low, high, (len(photos), 4)).astype(np.float32))
    gain, gamma, right, down = light[:, :, None, None].unbind(1)
    place = torch.linspace(-0.5, 0.5, photos.shape[-1])
    lit = (photos * gain * (1 + right * place + down * place[:, None])).clamp(0, 1) ** gamma
    return lit[:, None].expand(-1, 3, -1, -1)


def casting_batch(pools: Pools, plan: Plan, rng: np.random.Generator) -> tuple[Tensor, Photos]:
    photos, maps = pools.castings
    rows = np.sort(rng.choice(len(photos), plan.batch, replace=False))
    windows, labels = windows_of(photos[rows], maps[rows], CROP, rng)
    return relit(windows, rng), labels


def batches(pools: Pools, plan: Plan, first: int) -> Iterator[tuple[str, Tensor, Photos]]:
    """Yield the batches from step `first` on, each from its own random numbers."""
    for step in range(first, plan.steps):
        rng = np.random.default_rng((plan.seed, step))
        if rng.random() < plan.castings:
            yield CASTINGS, *casting_batch(pools, plan, rng)
        else:
            yield SURFACES, *surface_batch(pools, plan, rng)


def learn(
    plan: Plan,
    name: str,
    network: nn.Module,
    backbone: Blocks,
    losses_of: Iterator[dict[str, Tensor]],
    first: int,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Learn from step `first` to the last; what is learnt is kept in `plan.work` under `name`.

    Args:
        plan: the course of the rate and the steps.
        name: of the files.
        network: what learns, with `backbone` in it.
        backbone: what is exported.
        losses_of: yields the losses of each step, by what is learnt; their sum is made smaller.
        first: how many steps are done.
        optimizer: of the parameters of `network`.
    """
    schedule = Schedule("cosine", plan.lr, plan.lr / 100, 1, 0, plan.steps)
    seen: dict[str, list[float]] = {}
    with Bars().task("learning", plan.steps) as task:
        task.advance(first)
        for step, losses in enumerate(losses_of, start=first):
            for group in optimizer.param_groups:
                group["lr"] = schedule.at(step) * min(1.0, (step + 1) / 200)
            optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            for what, loss in losses.items():
                seen.setdefault(what, []).append(loss.item())
            task.advance()
            if (step + 1) % REPORT_STEPS == 0:
                means = (f"{what} {np.mean(values[-REPORT_STEPS:]):.3f}" for what, values in seen.items())
                console.print(f"step {step + 1:>6}: {', '.join(means)}")
            if (step + 1) % plan.keep_every == 0 or step + 1 == plan.steps:
                with atomic_path(plan.work / f"state_{name}.pt") as temporary:
                    state = {
                        "network": network.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "plan": repr(plan),
                    }
                    torch.save({**state, "steps": step + 1}, temporary)
                export(backbone, plan.work / f"{name}_{step + 1}.safetensors")


def begin_learning(plan: Plan, name: str, network: nn.Module) -> tuple[torch.optim.Optimizer, int]:
    """Return the optimizer of `network` and how many steps are done, both as they were when it was stopped."""
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.lr, weight_decay=0.02)
    path = plan.work / f"state_{name}.pt"
    if not path.exists():
        return optimizer, 0
    state = torch.load(path, weights_only=True)
    if state["plan"] != repr(plan):
        raise SystemExit(f"{path} is of other options: {state['plan']}. Move it away to start anew.")
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return optimizer, int(state["steps"])


def started(seed: int, weights: Path) -> Blocks:
    """Return a backbone with the weights of an earlier step."""
    backbone = Blocks(seed)
    backbone.load_state_dict({key: value.float() for key, value in load_file(weights).items()}, strict=False)
    return backbone


def train(plan: Plan, pools: Pools, device: torch.device) -> Blocks:
    torch.manual_seed(plan.seed)
    backbone = started(plan.seed, plan.work / FIRST_STEP)
    network = Tasks(backbone).to(memory_format=torch.channels_last).to(device)
    optimizer, first = begin_learning(plan, SURFACES, network)

    def losses() -> Iterator[dict[str, Tensor]]:
        for kind, photos, maps in batches(pools, plan, first):
            told = network(photos.to(device), kind)
            yield {kind: loss_of(told, maps, TYPES if kind == CASTINGS else len(DEFECTS), plan.same)}

    learn(plan, SURFACES, network, backbone, losses(), first, optimizer)
    return backbone


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK, help="where pretrain_castings.py worked")
    parser.add_argument("--surfaces", type=int, default=60_000)
    parser.add_argument("--pairs", type=int, default=1600)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--castings", type=float, default=0.3, help="share of batches that show castings")
    parser.add_argument("--same", type=float, default=0.3, help="weight of telling surfaces apart")
    parser.add_argument("--keep-every", type=int, default=1000, help="steps between two savings")
    parser.add_argument("--seed", type=int, default=12)
    plan = Plan(**vars(parser.parse_args()))
    if not (plan.work / FIRST_STEP).is_file():
        raise SystemExit(f"{plan.work / FIRST_STEP} not found: run pretrain_castings.py first.")
    dest = plan.work / SECOND_STEP
    export(train(plan, make_pools(plan), prepare_device("auto")), dest)
    console.print(f"Wrote {dest} ({dest.stat().st_size / 1e6:.1f} MB).")


if __name__ == "__main__":
    main()
