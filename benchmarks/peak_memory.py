"""Peak memory and wall time of `castproof train` on many generated photos.

    uv run python benchmarks/peak_memory.py --photos 20000

Generates the photos into a temporary folder (a few minutes), runs the real command in a process of its own, and
reports the largest resident set that the system saw for it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from castproof.data.synthetic import write_dataset

PHOTOS_PER_PART = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts = max(options.photos // (2 * PHOTOS_PER_PART), 3)
        data = write_dataset(Path(folder) / "photos", parts_per_class=parts, photos_per_part=PHOTOS_PER_PART)
        program = Path(sys.executable).with_name("castproof")
        choices = {"--data": data, "--epochs": options.epochs, "--outdir": Path(folder) / "runs"}
        command = [str(program), "train", "--no-bars", "--weights", "castings"]
        command += [str(word) for pair in choices.items() for word in pair]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    report = {
        "photos": 2 * parts * PHOTOS_PER_PART,
        "epochs": options.epochs,
        "peak_mb": round(peak / 1024),
        "largest_generating_process_mb": round(before / 1024),
        "wall_s": round(seconds, 1),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
