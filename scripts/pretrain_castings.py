"""First step to the `castings` weights that castproof ships: learn from generated castings alone.

    uv run python scripts/pretrain_castings.py
    uv run python scripts/pretrain_surfaces.py
    uv run python scripts/pretrain_taught.py

Every part is generated twice, flawless and with defects, and photographed in the same poses and lights, so that
nothing but the defect tells them apart. The network learns, from the photo: is there a defect, of which types,
and where (per cell of its last feature map and of the one at half its stride). First on crops, which is three
times cheaper, then on whole photos. Interrupt it at any time: started again, it goes on where it was.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torchvision import models

from castproof.apps.cli.console import Bars, console
from castproof.data.synthetic import DEFECT_TYPES, make_part, photograph
from castproof.files import atomic_path
from castproof.model.photos import Normalise
from castproof.model.schedule import Schedule
from castproof.pipeline.machine import prepare_device
from castproof.preprocess import PreprocessSpec

SIZE = 224
CROP = 128
FINE_BLOCK = 8
FINE_WIDTH = 48
FINE_STRIDE = 16
COARSE_STRIDE = 32
TYPES = len(DEFECT_TYPES)
WORK = Path(".work/pretrain")
FIRST_STEP = "first_step.safetensors"
VAL_SHARE = 0.04

Photos = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    work: Path
    pairs: int
    shots: int
    crop_epochs: int
    full_epochs: int
    batch: int
    lr: float
    seed: int

    @property
    def epochs(self) -> int:
        return self.crop_epochs + self.full_epochs


def generate_pair(job: tuple[int, int], size: int = SIZE) -> tuple[Photos, Photos]:
    """Return (photos, defect maps), each uint8 (2 * shots, size, size), of a flawless part and its twin."""
    seed, shots = job
    rng = np.random.default_rng((seed, 99))
    count = 1 + int(rng.random() < 0.3)
    defects = tuple(DEFECT_TYPES[int(index)] for index in rng.choice(TYPES, count, replace=False))
    taken = [
        photograph(make_part(seed, defects=names), shot, size=size)
        for names in ((), defects)
        for shot in range(shots)
    ]
    return np.stack([shot.image for shot in taken]), np.stack([shot.defect_map for shot in taken])


def use_one_thread() -> None:
    threadpool_limits(1)


def make_pool(
    path: Path,
    make: Callable[[Any], tuple[Photos, Photos]],
    jobs: Sequence[Any],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    begin: Callable[[], object] = use_one_thread,
) -> tuple[Photos, Photos]:
    """Return what `make` makes of every job, as two arrays mapped from files; what exists already is kept.

    Args:
        path: where the files are, without their endings.
        make: job to photos and defect maps, uint8; called in processes of its own.
        jobs: one per row of the arrays.
        shapes: of one job's photos and maps.
        begin: called once in every process.
    """
    files = [path.with_name(f"{path.name}_{kind}.npy") for kind in ("photos", "maps")]
    if not all(file.exists() for file in files):
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [file.with_suffix(".part") for file in files]
        stores = [
            np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(jobs), *shape))
            for part, shape in zip(parts, shapes, strict=True)
        ]
        with (
            ProcessPoolExecutor(initializer=begin) as pool,
            Bars().task(f"generating {path.name}", len(jobs)) as task,
        ):
            for row, made in enumerate(pool.map(make, jobs, chunksize=8)):
                for store, block in zip(stores, made, strict=True):
                    store[row] = block
                task.advance()
        for part, file in zip(parts, files, strict=True):
            part.replace(file)
    photos, maps = (np.load(file, mmap_mode="c") for file in files)
    return photos, maps


def generate(plan: Plan) -> tuple[Photos, Photos]:
    """Return all photos and defect maps, uint8 (n, SIZE, SIZE)."""
    jobs = [(plan.seed * 1_000_003 + pair, plan.shots) for pair in range(plan.pairs)]
    shape = (2 * plan.shots, SIZE, SIZE)
    path = plan.work / f"pairs_{plan.pairs}x{plan.shots}_{plan.seed}"
    photos, maps = (
        pool.reshape(-1, SIZE, SIZE) for pool in make_pool(path, generate_pair, jobs, (shape, shape))
    )
    return photos, maps


class Blocks(nn.Module):
    """MobileNetV3-Small up to its last maps, block by block, from a start that depends on the seed alone."""

    width = 576

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.features: nn.Sequential = models.mobilenet_v3_small(weights=None).features


class Tasks(nn.Module):
    """A backbone with what it is trained for: types on the photo, types per cell, defect per fine cell."""

    def __init__(self, backbone: Blocks) -> None:
        super().__init__()
        self.normalise = Normalise(PreprocessSpec())
        self.backbone = backbone
        self.photo = nn.Linear(backbone.width, TYPES + 1)
        self.coarse = nn.Conv2d(backbone.width, TYPES + 1, 1)
        self.fine = nn.Conv2d(FINE_WIDTH, 1, 1)

    def forward(self, photos: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch = self.normalise(photos).contiguous(memory_format=torch.channels_last)
        fine = self.backbone.features[: FINE_BLOCK + 1](batch)
        coarse = self.backbone.features[FINE_BLOCK + 1 :](fine)
        return self.photo(coarse.mean(dim=(2, 3))), self.coarse(coarse), self.fine(fine)


@dataclass(frozen=True)
class Targets:
    """What the three tasks should say, float32: (n, types + 1), (n, types + 1, h, w), (n, 1, h, w); plane 0 is any."""

    photo: Tensor
    coarse: Tensor
    fine: Tensor


def targets_of(maps: Photos) -> Targets:
    """Return the targets of defect maps uint8 (n, side, side)."""
    coarse = cell_planes(maps, COARSE_STRIDE, TYPES)
    return Targets(coarse.amax(dim=(2, 3)), coarse, cell_planes(maps, FINE_STRIDE, TYPES)[:, :1])


def cell_planes(maps: Photos, stride: int, types: int) -> Tensor:
    """Return what is in each cell of `stride` px, float32 (n, types + 1, side / stride, side / stride) of 0 and 1.

    Args:
        maps: uint8 (n, side, side), 0 or the type of the defect from 1.
        stride: side of a cell; `side` is a multiple of it.
        types: number of types; plane 0 of the result is any of them.
    """
    count, cells = len(maps), maps.shape[1] // stride
    bits = np.array([0, *(1 << kind for kind in range(types))], np.uint16)[maps]
    found = np.bitwise_or.reduce(
        np.bitwise_or.reduce(bits.reshape(count, cells, stride, cells, stride), axis=4), axis=2
    )
    planes = np.stack([found > 0, *((found >> kind) & 1 for kind in range(types))], axis=1)
    return torch.from_numpy(planes.astype(np.float32))


def loss_of(outputs: tuple[Tensor, Tensor, Tensor], targets: Targets) -> Tensor:
    """Return the sum of the three tasks' losses."""
    photo, coarse, fine = outputs
    weight = torch.full((TYPES + 1, 1, 1), 3.0).to(photo)
    return (
        F.binary_cross_entropy_with_logits(photo[:, 0], targets.photo[:, 0].to(photo))
        + F.binary_cross_entropy_with_logits(photo[:, 1:], targets.photo[:, 1:].to(photo))
        + 2 * F.binary_cross_entropy_with_logits(coarse, targets.coarse.to(photo), pos_weight=weight)
        + F.binary_cross_entropy_with_logits(fine, targets.fine.to(photo), pos_weight=weight[:1])
    )


def windows_of(photos: Photos, maps: Photos, crop: int, rng: np.random.Generator) -> tuple[Tensor, Photos]:
    """Return a window of `crop` px of photos and maps uint8 (n, h, w), mirrored and quarter-turned."""
    high = photos.shape[1] - crop + 1
    windows = np.empty((2, len(photos), crop, crop), np.uint8)
    for place, pair in enumerate(zip(photos, maps, strict=True)):
        top, left = rng.integers(high, size=2)
        defect = np.argwhere(pair[1][::4, ::4]) * 4 if high > 1 and rng.random() < 0.7 else ()
        if len(defect):
            shift = rng.integers(-crop // 3, crop // 3, size=2) - crop // 2
            top, left = np.clip(defect[rng.integers(len(defect))] + shift, 0, high - 1)
        quarters, mirrored = int(rng.integers(4)), rng.random() < 0.5
        for store, plane in zip(windows, pair, strict=True):
            turned = np.rot90(plane[top : top + crop, left : left + crop], quarters)
            store[place] = turned[:, ::-1] if mirrored else turned
    return torch.from_numpy(windows[0]).float() / 255, windows[1]


def batches(
    plan: Plan, photos: Photos, maps: Photos, count: int, epoch: int
) -> Iterator[tuple[Tensor, Photos]]:
    rng = np.random.default_rng((plan.seed, epoch))
    crop = CROP if epoch < plan.crop_epochs else SIZE
    order = rng.permutation(count)
    for start in range(0, count - plan.batch + 1, plan.batch):
        rows = np.sort(order[start : start + plan.batch])
        windows, labels = windows_of(photos[rows], maps[rows], crop, rng)
        light = torch.from_numpy(rng.uniform((0.75, 0.8), (1.3, 1.25), (len(rows), 2)).astype(np.float32))
        gain, gamma = light[:, :, None, None].unbind(1)
        lit = (windows * gain).clamp(0, 1) ** gamma
        yield lit[:, None].expand(-1, 3, -1, -1), labels


@torch.inference_mode()
def held_out_auc(network: Tasks, photos: Photos, maps: Photos, device: torch.device) -> float:
    """Return the AUC of *defective* on whole photos of pairs that the network never saw."""
    from sklearn.metrics import roc_auc_score

    network.eval()
    scores = []
    for start in range(0, len(photos), 32):
        batch = torch.from_numpy(photos[start : start + 32]).float()[:, None].expand(-1, 3, -1, -1) / 255
        scores.append(network(batch.to(device))[0][:, 0].cpu())
    return float(roc_auc_score(maps.reshape(len(maps), -1).any(axis=1), torch.cat(scores).numpy()))


def train(plan: Plan, photos: Photos, maps: Photos, device: torch.device) -> None:
    count = len(photos) - int(plan.pairs * VAL_SHARE) * plan.shots * 2
    torch.manual_seed(plan.seed)
    backbone = Blocks(plan.seed)
    network = Tasks(backbone).to(memory_format=torch.channels_last)
    network = network.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.lr, weight_decay=0.02)
    steps = count // plan.batch
    schedule = Schedule("cosine", plan.lr, plan.lr / 100, plan.epochs, 1, steps)
    state_path = plan.work / "state.pt"
    epoch = 0
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        epoch = state["epoch"]
    while epoch < plan.epochs:
        began, losses = time.perf_counter(), []
        network.train()
        with Bars().task(f"epoch {epoch + 1}/{plan.epochs}", steps) as task:
            for step, (batch, labels) in enumerate(batches(plan, photos, maps, count, epoch)):
                for group in optimizer.param_groups:
                    group["lr"] = schedule.at(epoch * steps + step)
                loss = loss_of(network(batch.to(device)), targets_of(labels))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
                losses.append(loss.item())
                task.advance(note=f"loss {losses[-1]:.3f}")
        epoch += 1
        auc = held_out_auc(network, photos[count:], maps[count:], device)
        seconds = time.perf_counter() - began
        console.print(
            f"epoch {epoch:>3} loss {np.mean(losses):.4f} held-out AUC {auc:.4f} in {seconds:.0f} s"
        )
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        with atomic_path(state_path) as temporary:
            torch.save(state, temporary)
        export(backbone, plan.work / FIRST_STEP)


def export(backbone: Blocks, path: Path, made_from: str = "generated pictures alone") -> None:
    tensors = {
        key: value.to("cpu", torch.float16 if value.is_floating_point() else value.dtype).contiguous()
        for key, value in backbone.state_dict().items()
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"licence": "Apache-2.0", "made_from": made_from})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK, help="photos and state are kept here")
    parser.add_argument("--pairs", type=int, default=2400)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--crop-epochs", type=int, default=18)
    parser.add_argument("--full-epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=11)
    plan = Plan(**vars(parser.parse_args()))
    device = prepare_device("auto")
    photos, maps = generate(plan)
    train(plan, photos, maps, device)
    dest = plan.work / FIRST_STEP
    console.print(f"Wrote {dest} ({dest.stat().st_size / 1e6:.1f} MB).")


if __name__ == "__main__":
    main()
