"""Where the maps of a network lie, read off its graph of operations, and the network cut after those that are used."""

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _NormBase

MIDDLE_STRIDES: Final = (8, 16)
PROBE_SIDES: Final = (256, 512)
STEPS_BEHIND: Final = 3  # norm and activation between an expansion and the depthwise convolution after it


@dataclass(frozen=True)
class Maps:
    """Maps (n, count, h / stride, w / stride) that a node of a graph gives."""

    node: fx.Node
    count: int
    stride: int


class NoMapsError(Exception):
    """A network cannot be taken apart, or has no maps of the photo half-way."""


class NetworkGraph:
    """The operations of a network, and the maps that they give.

    Args:
        network: takes photos (n, 3, h, w); put into eval mode.

    Raises:
        NoMapsError: its operations depend on the photo, or it takes photos of one size alone.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()
        try:
            self.graph = _Tracer().trace(self.network)
            values = _values(self.network, self.graph)
        except Exception as error:  # whatever code of a library stumbles over
            raise NoMapsError(str(error).partition("\n")[0]) from error
        self._modules = dict(self.network.named_modules())
        self.maps = {
            node.name: Maps(node, int(value.shape[1]), stride)
            for node in self.graph.nodes
            if (stride := _stride(value := values[node.name])) is not None
        }
        self._on_the_way = _cuts(self.graph, values)

    def expanded(self) -> list[Maps]:
        """Return the expanded maps of inverted residual blocks at MIDDLE_STRIDES.

        That is what goes into a depthwise convolution and comes from a pointwise one that gives more maps than it
        takes.
        """
        found = []
        for node in self.graph.nodes:
            conv = self._module(node)
            if (
                isinstance(conv, nn.Conv2d)
                and 1 < conv.in_channels == conv.groups
                and conv.kernel_size != (1, 1)
            ):
                maps = self.maps.get(node.all_input_nodes[0].name)
                if maps is not None and maps.stride in MIDDLE_STRIDES and self._is_expanded(maps.node):
                    found.append(maps)
        return found

    def stages(self) -> list[Maps]:
        """Return the last maps at each of MIDDLE_STRIDES that all that follows hangs on.

        Raises:
            NoMapsError: there are none at one of them.
        """
        ends = {maps.stride: maps for maps in self._on_the_main_way()}
        if not set(MIDDLE_STRIDES) <= set(ends):
            raise NoMapsError("it has no maps at a stride of 8 and of 16 pixels")
        return [ends[stride] for stride in MIDDLE_STRIDES]

    def last(self) -> Maps:
        """Return the last maps of all. Raises NoMapsError where there are none."""
        *_, last = (None, *self._on_the_main_way())
        if last is None:
            raise NoMapsError("it has no maps")
        return last

    def out_of(self, module: str) -> Maps:
        """Return the maps that come out of the module of that dotted name."""
        inside = [maps for maps in self.maps.values() if f"{maps.node.target}.".startswith(f"{module}.")]
        return inside[-1]

    def cut(self, maps: Sequence[Maps]) -> fx.GraphModule:
        """Return a network, in training mode, of photos to a tuple of these maps, without what comes after them.

        It shares its parameters with the whole one, under the same names. The graph cannot be used again.
        """
        output = next(node for node in self.graph.nodes if node.op == "output")
        output.args = (tuple(one.node for one in maps),)
        for node in reversed(self.graph.nodes):
            if not node.users and node.op not in ("output", "placeholder"):
                self.graph.erase_node(node)
        return fx.GraphModule(self.network, self.graph).train()

    def _on_the_main_way(self) -> Iterator[Maps]:
        return (self.maps[node.name] for node in self._on_the_way if node.name in self.maps)

    def _is_expanded(self, node: fx.Node) -> bool:
        for _ in range(STEPS_BEHIND + 1):
            module = self._module(node)
            if isinstance(module, nn.Conv2d):
                return module.kernel_size == (1, 1) and module.out_channels > module.in_channels
            if len(node.all_input_nodes) != 1:
                return False
            node = node.all_input_nodes[0]
        return False

    def _module(self, node: fx.Node) -> nn.Module | None:
        return self._modules[str(node.target)] if node.op == "call_module" else None


def block_names(network: nn.Module) -> list[str]:
    """Return the dotted names of the modules that a network is a chain of; lists of modules count as their members."""
    names = []
    for name, child in network.named_children():
        if type(child) in (nn.Sequential, nn.ModuleList):
            names += [f"{name}.{inner}" for inner in block_names(child)]
        else:
            names.append(name)
    return names


class _Tracer(fx.Tracer):
    """Looks into modules that are made of others, but not into norms with an activation of their own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        plain = isinstance(m, _NormBase) or not any(True for _ in m.children())
        return plain or super().is_leaf_module(m, module_qualified_name)


class _Recorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.values: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        self.values[n.name] = super().run_node(n)
        return self.values[n.name]


def _values(network: nn.Module, graph: fx.Graph) -> Mapping[str, Any]:
    """Return what each node gives for a photo, without computing it: tensors that have a shape alone."""
    recorder = _Recorder(fx.GraphModule(deepcopy(network).to("meta"), deepcopy(graph)))
    recorder.run(torch.empty(2, 3, *PROBE_SIDES, device="meta"))
    return recorder.values


def _stride(value: Any) -> int | None:
    """Return the stride of maps, a power of 2; None for what is no map of the photo."""
    if not isinstance(value, Tensor) or value.dim() != 4:
        return None
    powers = {
        round(math.log2(whole / size)) for whole, size in zip(PROBE_SIDES, value.shape[2:], strict=True)
    }
    return 2 ** powers.pop() if len(powers) == 1 else None


def _cuts(graph: fx.Graph, values: Mapping[str, Any]) -> list[fx.Node]:
    """Return the nodes that all ways from the photo to the end of the graph lead through, in order."""
    place = {node: index for index, node in enumerate(graph.nodes)}
    cuts, furthest, from_photo = [], 0, set[fx.Node]()
    for node in graph.nodes:
        if node.op == "output":
            break
        if not (node.op == "placeholder" or from_photo.intersection(node.all_input_nodes)):
            continue
        if not _holds_tensors(values[node.name]) or not node.users:
            continue
        from_photo.add(node)
        if furthest <= place[node]:
            cuts.append(node)
        furthest = max(furthest, *(place[user] for user in node.users))
    return cuts


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, tuple | list) and any(map(_holds_tensors, value)))
