"""Make the `castings` backbone weights that castproof ships, from generated castings alone.

    uv run python scripts/pretrain_castings.py --work .work/pretrain

Every part is generated twice, flawless and with defects, and photographed in the same poses and lights, so that
nothing but the defect tells them apart. The network learns, from the photo: is there a defect, of which types,
and where (per cell of its last feature map and of the one at half its stride). First on crops, which is three
times cheaper, then on whole photos. Interrupt it at any time: started again, it goes on where it was.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from castproof.apps.cli.console import Bars, console
from castproof.data.synthetic import DEFECT_TYPES, make_part, photograph
from castproof.files import atomic_path
from castproof.model.backbones import Backbone, seeded_backbone
from castproof.model.device import pick_device, prepare
from castproof.model.photos import Normalise
from castproof.model.schedule import Schedule
from castproof.preprocess import PreprocessSpec

SIZE = 224
CROP = 128
FINE_BLOCK = 8
FINE_WIDTH = 48
FINE_STRIDE = 16
COARSE_STRIDE = 32
TYPES = len(DEFECT_TYPES)
MODEL = "mobilenet"
DEST = Path("src/castproof/weights/castings_mobilenet_v3_small.safetensors")
VAL_SHARE = 0.04
TYPE_BIT = np.array([0, *(1 << kind for kind in range(TYPES))])

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


def generate_pair(job: tuple[int, int]) -> tuple[Photos, Photos]:
    """Return (photos, defect maps), each uint8 (2 * shots, SIZE, SIZE), of a flawless part and its twin."""
    seed, shots = job
    rng = np.random.default_rng((seed, 99))
    count = 1 + int(rng.random() < 0.3)
    defects = tuple(DEFECT_TYPES[int(index)] for index in rng.choice(TYPES, count, replace=False))
    taken = [
        photograph(make_part(seed, defects=names), shot, size=SIZE)
        for names in ((), defects)
        for shot in range(shots)
    ]
    return np.stack([shot.image for shot in taken]), np.stack([shot.defect_map for shot in taken])


def generate(plan: Plan) -> tuple[Photos, Photos]:
    """Return all photos and defect maps, as files mapped into memory; what exists already is kept."""
    count = plan.pairs * plan.shots * 2
    paths = [plan.work / f"{name}_{plan.pairs}x{plan.shots}_{plan.seed}.npy" for name in ("photos", "maps")]
    if not all(path.exists() for path in paths):
        plan.work.mkdir(parents=True, exist_ok=True)
        parts = [path.with_suffix(".part") for path in paths]
        stores = [
            np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE))
            for part in parts
        ]
        jobs = [(plan.seed * 1_000_003 + pair, plan.shots) for pair in range(plan.pairs)]
        with (
            ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool,
            Bars().task("generating", plan.pairs) as task,
        ):
            for pair, made in enumerate(pool.map(generate_pair, jobs, chunksize=8)):
                rows = slice(pair * plan.shots * 2, (pair + 1) * plan.shots * 2)
                for store, block in zip(stores, made, strict=True):
                    store[rows] = block
                task.advance()
        for part, path in zip(parts, paths, strict=True):
            part.replace(path)
    photos, maps = (np.load(path, mmap_mode="c") for path in paths)
    return photos, maps


class Tasks(nn.Module):
    """A backbone with what it is trained for: types on the photo, types per cell, defect per fine cell."""

    def __init__(self, backbone: Backbone) -> None:
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
    """Return the targets of defect maps uint8 (n, side, side), by a bit per type in each cell."""
    count, side = len(maps), maps.shape[1] // FINE_STRIDE
    bits = TYPE_BIT[maps].reshape(count, side, FINE_STRIDE, side, FINE_STRIDE)
    fine = np.bitwise_or.reduce(np.bitwise_or.reduce(bits, axis=4), axis=2)
    ratio = COARSE_STRIDE // FINE_STRIDE
    blocks = fine.reshape(count, side // ratio, ratio, side // ratio, ratio)
    coarse = np.bitwise_or.reduce(np.bitwise_or.reduce(blocks, axis=4), axis=2)
    photo = np.bitwise_or.reduce(fine.reshape(count, -1), axis=1)
    return Targets(_planes(photo), _planes(coarse), _planes(fine)[:, :1])


def _planes(bits: NDArray[np.int64]) -> Tensor:
    planes = np.stack([bits > 0, *((bits >> kind) & 1 for kind in range(TYPES))], axis=1)
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


def vary(photos: Tensor, maps: Tensor, crop: int, rng: np.random.Generator) -> tuple[Tensor, Photos]:
    """Return a window of `crop` px, mirrored, quarter-turned and relit, of photos (n, h, w) and their maps."""
    high = SIZE - crop + 1
    windows, labels = [], []
    for photo, plane in zip(photos, maps, strict=True):
        top, left = rng.integers(high, size=2)
        centre = np.argwhere(plane.numpy() > 0) if crop < SIZE and rng.random() < 0.7 else ()
        if len(centre):
            middle = (
                centre[rng.integers(len(centre))] - crop // 2 + rng.integers(-crop // 3, crop // 3, size=2)
            )
            top, left = np.clip(middle, 0, high - 1)
        window = torch.stack([photo, plane])[:, top : top + crop, left : left + crop]
        window = torch.rot90(window, int(rng.integers(4)), (1, 2))
        window = window.flip(2) if rng.random() < 0.5 else window
        windows.append(window[0])
        labels.append(window[1])
    light = torch.from_numpy(rng.uniform((0.75, 0.8), (1.3, 1.25), (len(photos), 2)).astype(np.float32))
    gain, gamma = light[:, :, None, None].unbind(1)
    lit = (torch.stack(windows).float() / 255 * gain).clamp(0, 1) ** gamma
    return lit[:, None].expand(-1, 3, -1, -1), torch.stack(labels).numpy()


def batches(
    plan: Plan, photos: Photos, maps: Photos, count: int, epoch: int
) -> Iterator[tuple[Tensor, Photos]]:
    rng = np.random.default_rng((plan.seed, epoch))
    crop = CROP if epoch < plan.crop_epochs else SIZE
    order = rng.permutation(count)
    for start in range(0, count - plan.batch + 1, plan.batch):
        rows = np.sort(order[start : start + plan.batch])
        yield vary(torch.from_numpy(photos[rows]), torch.from_numpy(maps[rows]), crop, rng)


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


def train(plan: Plan, photos: Photos, maps: Photos, device: torch.device) -> Backbone:
    count = len(photos) - int(plan.pairs * VAL_SHARE) * plan.shots * 2
    torch.manual_seed(plan.seed)
    backbone = seeded_backbone(MODEL, plan.seed)
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
        export(backbone, plan.work / DEST.name)
    return backbone


def export(backbone: Backbone, path: Path) -> None:
    tensors = {
        key: value.to("cpu", torch.float16 if value.is_floating_point() else value.dtype).contiguous()
        for key, value in backbone.state_dict().items()
    }
    with atomic_path(path) as temporary:
        save_file(
            tensors, temporary, metadata={"licence": "Apache-2.0", "made_from": "generated castings alone"}
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, default=Path(".work/pretrain"), help="photos and state are kept here"
    )
    parser.add_argument("--pairs", type=int, default=2400)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--crop-epochs", type=int, default=18)
    parser.add_argument("--full-epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--dest", type=Path, default=DEST)
    plan_values = vars(parser.parse_args())
    dest = plan_values.pop("dest")
    plan = Plan(**plan_values)
    device = pick_device("auto")
    prepare(device)
    photos, maps = generate(plan)
    export(train(plan, photos, maps, device), dest)
    console.print(f"Wrote {dest} ({dest.stat().st_size / 1e6:.1f} MB).")


if __name__ == "__main__":
    main()
