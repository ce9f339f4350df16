"""Files that ask for much get little."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from castproof.errors import ImageError
from castproof.images import decode
from castproof.photo_files import expanded, limits
from photo_bombs import bombs
from photo_seeds import seeds

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
# The parent reserves nothing: what is measured is what one process takes for all of them, one after the other.
IN_LITTLE_MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from photo_bombs import bombs
from castproof.errors import ImageError
from castproof.images import decode
files = bombs()
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**30, now + 2**30))
for name, data in files.items():
    try:
        print(name, decode(data).shape, sep="|")
    except ImageError as error:
        print(name, error.problem, error.found, sep="|")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_no_file_takes_more_than_a_gigabyte() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, str(BENCHMARKS)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    told = dict(line.split("|", 1) for line in done.stdout.splitlines())
    assert len(told) == len(bombs()) == 22
    assert "free memory" not in done.stdout
    assert "20000 x 20000" in told["TIFF with a tile of 400 megapixels"]
    read = [name for name, words in told.items() if words.startswith("(")]
    assert read == [
        "PNG whose EXIF tags all point to the same bytes",
        "JPEG whose EXIF tags all point to the same bytes",
    ]


def test_the_largest_sizes() -> None:
    limits.check_size(10_000, 7_000)
    limits.check_size(limits.MAX_LONG_SIDE_PX, 1)
    limits.check_size(10_000, 7_000, bits=24)
    for width, height, bits in ((10_001, 7_000, 8), (1, limits.MAX_LONG_SIDE_PX + 1, 8), (10_000, 7_000, 25)):
        with pytest.raises(limits.OversizeError):
            limits.check_size(width, height, bits=bits)
    for width, height in ((0, 5), (5, 0)):
        with pytest.raises(limits.FlawError):
            limits.check_size(width, height)


def test_progressive_photos_are_limited_by_their_scans() -> None:
    grey = np.zeros((16, 16), np.uint8)
    data = next(one.data for one in seeds(grey) if one.name == "JPEG progressive")
    at = data.index(b"\xff\xc2") + 5
    large = data[:at] + struct.pack(">HH", 5000, 5000) + data[at + 4 :]
    with pytest.raises(ImageError, match="too large") as caught:
        decode(large)
    assert "160 million" in caught.value.rule


@pytest.mark.parametrize("size", [0, 1, 2, 127, 128, 129, 5000])
def test_lengths_of_packbits_and_lzw_are_those_that_libtiff_wrote(size: int) -> None:
    from photo_witnesses import _lzw, _pack_bits

    rng = np.random.default_rng(size)
    for levels in (1, 2, 256):
        strips = seeds(rng.integers(0, levels, (40, size // 8 + 3), dtype=np.uint8))
        for name, count, expand in (
            ("TIFF LZW", expanded.lzw_length, _lzw),
            ("TIFF PackBits", expanded.pack_bits_length, _pack_bits),
        ):
            data = next(one.data for one in strips if one.name == name)
            start, length = strip_of(data)
            strip = data[start : start + length]
            assert count(strip) == len(expand(strip)) == 40 * (size // 8 + 3)


def strip_of(data: bytes) -> tuple[int, int]:
    at = struct.unpack_from("<I", data, 4)[0]
    entries = [struct.unpack_from("<HHII", data, at + 2 + 12 * one) for one in range(data[at])]
    return tuple(next(value for code, _, _, value in entries if code == wanted) for wanted in (273, 279))
