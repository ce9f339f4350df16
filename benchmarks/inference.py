"""From a photo's file to its verdict: castproof's runtime beside plain PyTorch, in one run, as ratios.

    uv run python benchmarks/inference.py runs/mobilenet_… --photos folder [--count 300] [--rounds 5]

Plain means what one would write at first: Pillow opens the photo, torchvision resizes and normalises it, and a network
judges it in eager PyTorch, photo by photo. It is timed with torchvision's whole MobileNetV3-Small and with the run's
own network, both at the run's input size. The floor is decoding the JPEG to grey by libjpeg-turbo plus the network's
multiply-adds at the rate of a large matrix product, both measured here. Candidates take turns, round by round, and the
shortest round of a photo counts: what else the machine did in the others is not theirs. Start times are the median of
whole processes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from pathlib import Path
from statistics import mean, median

import simplejpeg
import torch
from PIL import Image
from torch import nn
from torchvision import models, transforms

import castproof
from castproof.data.folders import photos_below
from castproof.gate.calibrator import Calibrator
from castproof.images import decode_plain
from castproof.model.checkpoint import load_checkpoint
from castproof.model.inspection_graph import NetworkCore, inspection_graph
from castproof.pipeline.exporting.export import ExportSettings, export
from castproof.run_folder import RunFolder
from castproof.runtime.session import Session

PLAIN_SCRIPT = """
import sys, torch
from PIL import Image
from torchvision import models, transforms
net = models.mobilenet_v3_small(num_classes=2)
net.load_state_dict(torch.load(sys.argv[1], weights_only=True))
net.eval()
prepare = transforms.Compose([
    transforms.Resize((int(sys.argv[3]),) * 2), transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])
with torch.no_grad():
    p = net(prepare(Image.open(sys.argv[2]).convert("RGB"))[None]).softmax(1)[0, 1]
print("REJECT" if p >= 0.5 else "ACCEPT", float(p))
"""
WATCH = """
import resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
Judge = Callable[[Path], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder of castproof train")
    parser.add_argument("--photos", type=Path, required=True, help="folder of JPEG photos")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=5)
    wanted = parser.parse_args()
    paths = photos_below(wanted.photos)[: wanted.count]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export(wanted.run, file, ExportSettings())
        network = load_checkpoint(RunFolder(wanted.run).best_model).network
        size_px = castproof.load(file).card.size_px
        print(
            f"{len(paths)} photos, network input {size_px} px, {os.cpu_count()} cores, ONNX Runtime beside torch "
            f"{torch.__version__}"
        )
        whole = models.mobilenet_v3_small(num_classes=2).eval()
        judges: dict[str, Judge] = {
            "plain, whole torchvision network": plain(whole, size_px),
            "plain, the run's network": plain(network.eval(), size_px, normalise=False),
            "castproof": castproof.load(file).inspect,
            "castproof without heat map and input gate": bare(network, size_px),
        }
        floor = floor_ms(network, size_px, paths)
        one_thread(judges, paths[: max(20, len(paths) // 4)], wanted.rounds, floor)
        all_cores(judges, paths, wanted.rounds, floor)
        starts(whole, file, paths[0], size_px, wanted.starts, Path(folder))


def plain(network: nn.Module, size_px: int, *, normalise: bool = True) -> Judge:
    """Return the pipeline that one would write at first."""
    steps: list[object] = [transforms.Resize((size_px, size_px)), transforms.ToTensor()]
    if normalise:
        steps.append(transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    prepare = transforms.Compose(steps)

    @torch.no_grad()
    def judge(path: Path) -> bool:
        photo = prepare(Image.open(path).convert("RGB"))[None]
        return bool(network(photo).softmax(dim=1)[0, 1] >= 0.5)

    return judge


def bare(network: nn.Module, size_px: int) -> Judge:
    """Return the runtime with a graph that tells p_defective alone."""
    core = NetworkCore(network, None)  # type: ignore[arg-type]
    core.has_heat = False
    session = Session(inspection_graph(core, (), size_px, Calibrator()), "bare")
    return lambda path: session.look(decode_plain(path)).p_defective >= 0.5


def floor_ms(network: nn.Module, size_px: int, paths: Sequence[Path]) -> float:
    """Return what a photo takes at least on one core, milliseconds, and print what it is made of."""
    adds = multiply_adds(network, size_px)
    torch.set_num_threads(1)
    a = torch.randn(1024, 1024)
    rate = 1024**3 / best(lambda: a @ a, 20)
    files = [path.read_bytes() for path in paths[:50]]
    decode = best(lambda: [simplejpeg.decode_jpeg(one, "GRAY") for one in files], 10) / len(files)
    found = 1e3 * (adds / rate + decode)
    print(
        f"floor: {adds / 1e6:.1f} million multiply-adds at {rate / 1e9:.0f} billion a second and core "
        f"({1e3 * adds / rate:.3f} ms), JPEG to grey {1e3 * decode:.3f} ms: {found:.3f} ms"
    )
    return found


def multiply_adds(network: nn.Module, size_px: int) -> int:
    """Return the multiply-adds of convolutions and linear layers for one photo."""
    counts = []

    def count(module: nn.Module, _: object, out: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            counts.append(out[0].numel() * module.in_channels // module.groups * kernel)
        elif isinstance(module, nn.Linear):
            counts.append(module.in_features * module.out_features)

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    with torch.no_grad():
        network(torch.zeros(1, 3, size_px, size_px))
    for hook in hooks:
        hook.remove()
    return sum(counts)


def best(work: Callable[[], object], times: int) -> float:
    """Return the shortest of several times, seconds."""
    return min(timed(work) for _ in range(times))


def timed(work: Callable[[], object]) -> float:
    """Return how long `work` takes, seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_thread(judges: dict[str, Judge], paths: Sequence[Path], rounds: int, floor: float) -> None:
    """Print the time of one photo at a time on one core: the shortest of its rounds, on average over the photos."""
    torch.set_num_threads(1)
    told = {name: [inf] * len(paths) for name in judges}
    for _ in range(rounds):
        for name, judge in judges.items():
            for place, path in enumerate(paths):
                told[name][place] = min(told[name][place], 1e3 * timed(partial(judge, path)))
    show("one photo at a time, one thread", {name: mean(times) for name, times in told.items()}, floor)


def all_cores(judges: dict[str, Judge], paths: Sequence[Path], rounds: int, floor: float) -> None:
    """Print the time a photo of many, with all cores: the shortest round."""
    cores = os.cpu_count() or 1
    told = dict.fromkeys(judges, inf)
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(rounds):
            for name, judge in judges.items():
                plainly = name.startswith("plain")
                torch.set_num_threads(cores if plainly else 1)
                told[name] = min(
                    told[name], 1e3 * timed(partial(judge_all, judge, paths, None if plainly else pool))
                )
    per_photo = {name: ms / len(paths) for name, ms in told.items()}
    show(f"many photos, {cores} cores", per_photo, floor / cores)


def judge_all(judge: Judge, paths: Sequence[Path], pool: ThreadPoolExecutor | None) -> None:
    """Judge photos one after the other, or in a pool of threads."""
    for _ in map(judge, paths) if pool is None else pool.map(judge, paths):
        pass


def show(title: str, told: dict[str, float], floor: float) -> None:
    """Print the time of every candidate beside castproof's and the floor."""
    ours = told["castproof"]
    print(f"\n{title}")
    for name, ms in told.items():
        print(
            f"  {name:<44} {ms:7.3f} ms   castproof is {ms / ours:5.2f} times as fast   {ms / floor:5.2f} x floor"
        )
    print(f"  heat map and input gate add {ours / told['castproof without heat map and input gate'] - 1:.1%}")


def starts(whole: nn.Module, file: Path, photo: Path, size_px: int, times: int, folder: Path) -> None:
    """Print the time from the start of a process to the verdict on one photo, and its memory."""
    torch.save(whole.state_dict(), folder / "plain.pt")
    script = folder / "plain.py"
    script.write_text(PLAIN_SCRIPT, encoding="utf-8")
    program = Path(sys.executable).with_name("castproof")
    commands = {
        "plain script": [sys.executable, str(script), str(folder / "plain.pt"), str(photo), str(size_px)],
        "castproof predict": [str(program), "predict", str(file), str(photo)],
    }
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            told[name].append(process(command))
    print("\nprocess start to verdict")
    for name, runs in told.items():
        print(
            f"  {name:<20} {median(one[0] for one in runs):6.2f} s, {max(one[1] for one in runs):5.0f} MB at most"
        )
    ratio = median(one[0] for one in told["plain script"]) / median(
        one[0] for one in told["castproof predict"]
    )
    print(f"  castproof is {ratio:.1f} times as fast")


def process(command: Sequence[str]) -> tuple[float, float]:
    """Return how long a command takes, seconds, and the most memory that it held, MB.

    A small process starts it, since the memory of the one that starts another counts as the other's.
    """
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command} failed: {done.stderr}")
    seconds, kilobytes = done.stdout.split()
    return float(seconds), float(kilobytes) / 1024


if __name__ == "__main__":
    main()
