"""EfficientNet-Lite0 (Tan and Le 2019; the Lite variant of 2020): no squeeze-and-excitation, ReLU6 throughout."""

from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

# kernel, stride of the first block, expansion, maps, blocks
STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM: Final = 32
HEAD: Final = 1280
EPS: Final = 1e-3


class SamePadded(nn.Conv2d):
    """A convolution padded as TensorFlow pads: to size / stride, rounded up, the odd pixel below and on the right."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps (n, c, ceil(h / stride), ceil(w / stride))."""
        pads: list[int] = []
        for size, kernel, stride in zip(maps.shape[:1:-1], self.kernel_size, self.stride, strict=True):
            lacking = max(((int(size) - 1) // stride) * stride + kernel - int(size), 0)
            pads += [lacking // 2, lacking - lacking // 2]
        return super().forward(F.pad(maps, pads))


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, kernel: int, stride: int, expansion: int, given: int, made: int) -> None:
        super().__init__()
        inner = given * expansion
        self.adds = stride == 1 and given == made
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = nn.Conv2d(given, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, EPS)
        self._depthwise_conv = SamePadded(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, EPS)
        self._project_conv = nn.Conv2d(inner, made, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(made, EPS)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps (n, made, h / stride, w / stride) of maps (n, given, h, w)."""
        inner = F.relu6(self._bn0(self._expand_conv(maps))) if self.expands else maps
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        made: Tensor = self._bn2(self._project_conv(inner))
        return maps + made if self.adds else made


class Lite0(nn.Module):
    """The network up to its last maps. The names of its modules are those in the public file of its weights."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePadded(3, STEM, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM, EPS)
        blocks, given = [], STEM
        for kernel, stride, expansion, made, count in STAGES:
            for index in range(count):
                blocks.append(Block(kernel, 1 if index else stride, expansion, given, made))
                given = made
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(given, HEAD, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(HEAD, EPS)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, photos: Tensor) -> Tensor:
        """Return maps (n, 1280, h / 32, w / 32) of normalised photos (n, 3, h, w)."""
        maps = F.relu6(self._bn0(self._conv_stem(photos)))
        for block in self._blocks:
            maps = block(maps)
        return F.relu6(self._bn1(self._conv_head(maps)))
