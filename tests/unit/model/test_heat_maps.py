"""Heat maps: places really left out, what turns with the photo, and defects found where they were put."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from castproof.data.synthetic import make_part, photograph
from castproof.model.backbones import LEAST_SPREAD
from castproof.model.heat_maps import PLACES, WINDOW_SHARE, heat_maps
from castproof.model.network import Classifier, NetworkSpec, build_network, p_defective
from castproof.model.weights import load_weights
from castproof.preprocess import PreprocessSpec, resize

MODELS = ["mobilenet", "mobilenet_v2", "lite0", "resnet18"]
KINDS = [("mobilenet", "middle"), ("mobilenet", "last"), ("mobilenet_v2", "middle"), ("mobilenet_v2", "last")]


def random_photos(count: int, size_px: int, seed: int = 1) -> Tensor:
    """Return photos of light and dark patches with fine noise on them."""
    generator = torch.Generator().manual_seed(seed)
    patches = F.interpolate(torch.rand(count, 3, 5, 5, generator=generator), size_px, mode="nearest")
    return 0.7 * patches + 0.3 * torch.rand(count, 3, size_px, size_px, generator=generator)


def measured_network(
    model: str, features: str, size_px: int, head: str = "hidden", *, symmetric: bool = False
) -> Classifier:
    """Return a network in eval mode that has measured, but not learnt: its batch norms, and its head's scale.

    A symmetric one has kernels that are the same upside down and mirrored.
    """
    network = build_network(NetworkSpec(model, 0.5, PreprocessSpec(size_px), features, head), seed=11)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
        if symmetric and isinstance(module, nn.Conv2d):
            kernel = module.weight.data
            mirrored = kernel + kernel.flip(-1)
            both = mirrored + mirrored.flip(-2)
            module.weight.data = both * (kernel.norm() / both.norm())
    with torch.no_grad():
        photos = random_photos(12, size_px, seed=5)
        network.train().features(photos)
        network.eval().head.fit_scale(network.features(photos))
        network.head.last.bias += torch.tensor([-1.0, 1.0])
    return network


def evidence(network: Classifier, photos: Tensor) -> Tensor:
    with torch.no_grad():
        return -torch.log1p(-p_defective(network(photos))).float()


def margin_of(network: Classifier, features: Tensor) -> Tensor:
    logits = network.head(features)
    return logits[..., 1] - logits[..., 0]


def maps_of(
    network: Classifier, photos: Tensor, moved: tuple[int, Tensor] | None = None
) -> tuple[list[Tensor], Tensor | None]:
    """Return the maps in the middle and the last maps, after adding `moved` to those of one place in the middle.

    Every operation of the graph is done one by one.
    """
    graph = network.backbone.net.graph
    *middle, last = next(node for node in graph.nodes if node.op == "output").args[0]
    if network.backbone.takes_middle:
        middle.append(last)
    found: dict[str, Tensor] = {}

    class Moved(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            found[n.name] = super().run_node(n)
            if moved is not None and n is middle[moved[0]]:
                found[n.name] = found[n.name] + moved[1]
            return found[n.name]

    Moved(network.backbone.net).run(network.normalise(photos))
    return [found[node.name].clone() for node in middle], found[last.name]


def window(row: int, column: int, height: int, width: int) -> Tensor:
    """Return how much of each of height x width places lies in the window, sampled by 400 points a side."""
    sides = []
    for place, size in ((row, height), (column, width)):
        points = (torch.arange(400 * size, dtype=torch.float64) + 0.5) / (400 * size)
        inside = (points - (place + 0.5) / PLACES).abs() <= WINDOW_SHARE / 2
        sides.append(inside.view(size, 400).double().mean(dim=1))
    return sides[0][:, None] * sides[1]


def moments_without(maps: Tensor, left: Tensor) -> Tensor:
    """Return the features (2 c,) of maps (c, h, w) whose deviations count by their weights `left` (h, w)."""
    weight = left / left.sum()
    deviation = maps - maps.mean(dim=(1, 2), keepdim=True)
    spread = [((deviation**power) * weight).sum(dim=(1, 2)) ** (1 / power) for power in (2, 4)]
    return torch.log(torch.cat(spread).clamp_min(1e-6) + LEAST_SPREAD)


@pytest.mark.parametrize("model", MODELS)
def test_heat_follows_what_places_that_count_less_do_to_the_margin(model: str) -> None:
    network, photos = measured_network(model, "middle", 80).double(), random_photos(1, 80).double()
    step, heat = 1e-6, heat_maps(network, photos)[0]
    with torch.no_grad():
        maps, _ = maps_of(network, photos)
        whole = margin_of(network, network.features(photos))
        for row, column in ((0, 0), (0, 9), (4, 17), (10, 10), (19, 2)):
            left = [1 - step * window(row, column, *one.shape[2:]) for one in maps]
            found = torch.cat([moments_without(one[0], keep) for one, keep in zip(maps, left, strict=True)])
            fall = (whole - margin_of(network, found[None])) / step
            lost = F.softplus(whole) - F.softplus(whole - fall)
            assert float(heat[row, column]) == pytest.approx(max(float(lost), 0.0), rel=2e-3, abs=1e-6)
    assert heat.max() > 0.01


@pytest.mark.parametrize("model", MODELS)
def test_heat_of_the_last_layer_follows_what_levelled_maps_do_to_the_margin(model: str) -> None:
    network, photos = measured_network(model, "last", 80).double(), random_photos(1, 80).double()
    step, heat = 1e-8, heat_maps(network, photos)[0]
    with torch.no_grad():
        maps, last = maps_of(network, photos)
        whole = margin_of(network, last.mean(dim=(2, 3)))
        for row, column in ((0, 0), (4, 17), (10, 10), (19, 2)):
            falls = []
            for index, one in enumerate(maps):
                deviation = one - one.mean(dim=(2, 3), keepdim=True)
                levelled = -step * deviation * window(row, column, *one.shape[2:])
                _, moved = maps_of(network, photos, (index, levelled))
                falls.append((whole - margin_of(network, moved.mean(dim=(2, 3)))) / step)
            lost = F.softplus(whole) - F.softplus(whole - torch.stack(falls).mean())
            assert float(heat[row, column]) == pytest.approx(max(float(lost), 0.0), rel=2e-3, abs=1e-6)
    assert heat.max() > 1e-4


@pytest.mark.parametrize(("model", "features"), KINDS)
def test_no_place_holds_more_than_the_evidence_of_the_photo(model: str, features: str) -> None:
    network, photos = measured_network(model, features, 64), random_photos(4, 64)
    heat = heat_maps(network, photos)
    assert heat.dtype == torch.float32
    assert heat.shape == (4, PLACES, PLACES)
    assert heat.min() >= 0
    assert torch.all(heat.amax(dim=(1, 2)) <= evidence(network, photos) * 1.0001)
    assert torch.all(heat.amax(dim=(1, 2)) > 0)


@pytest.mark.parametrize("features", ["middle", "last"])
def test_a_photo_that_is_surely_good_has_no_heat_and_the_same_strongest_place(features: str) -> None:
    network, photos = measured_network("mobilenet", features, 64), random_photos(2, 64)
    before = heat_maps(network, photos)
    with torch.no_grad():
        network.head.last.bias += torch.tensor([12.0, 0.0])
    after = heat_maps(network, photos)
    assert torch.all(after.amax(dim=(1, 2)) < 1e-3 * before.amax(dim=(1, 2)))
    assert torch.equal(after.flatten(1).argmax(dim=1), before.flatten(1).argmax(dim=1))


@pytest.mark.parametrize(("model", "features"), KINDS)
@pytest.mark.parametrize("turn", [lambda x: x.flip(-1, -2), lambda x: x.flip(-1)])
def test_the_map_turns_with_the_photo(model: str, features: str, turn: Callable[[Tensor], Tensor]) -> None:
    """Symmetric kernels see in a turned photo what they see in the photo; an odd side keeps strides aligned."""
    network = measured_network(model, features, 129, symmetric=True).double()
    photos = random_photos(2, 129).double()
    heat = heat_maps(network, photos)
    assert heat.amax() > 2 * heat.mean()
    assert not torch.allclose(turn(heat), heat, rtol=0.05)
    assert torch.allclose(
        heat_maps(network, turn(photos)), turn(heat), rtol=1e-3, atol=1e-5 * float(heat.max())
    )


@pytest.mark.parametrize(("model", "features"), KINDS)
def test_a_photo_has_the_same_map_alone_and_among_others(model: str, features: str) -> None:
    network, photos = measured_network(model, features, 96), random_photos(3, 96)
    together = heat_maps(network, photos)
    alone = torch.cat([heat_maps(network, photo[None]) for photo in photos])
    assert torch.allclose(together, alone, rtol=1e-3, atol=1e-5 * float(together.max()))


@pytest.mark.parametrize("features", ["middle", "last"])
@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_photos_without_anything_on_them_have_finite_maps(features: str, grey: float) -> None:
    heat = heat_maps(measured_network("mobilenet", features, 64), torch.full((2, 3, 64, 64), grey))
    assert torch.isfinite(heat).all()


@pytest.mark.parametrize("features", ["middle", "last"])
def test_a_head_that_tells_nothing_apart_sees_nothing_anywhere(features: str) -> None:
    network = measured_network("mobilenet", features, 64)
    with torch.no_grad():
        network.head.last.weight.zero_()
    assert torch.equal(heat_maps(network, random_photos(2, 64)), torch.zeros(2, PLACES, PLACES))


@pytest.mark.parametrize("features", ["middle", "last"])
def test_the_network_is_left_as_it_was(features: str) -> None:
    network, photos = measured_network("mobilenet", features, 64), random_photos(2, 64)
    expected = heat_maps(network, photos)
    network.head.train()
    network.backbone.blocks()[3].train()
    network.backbone.blocks()[0].requires_grad_(False)
    modes = [module.training for module in network.modules()]
    learns = [weight.requires_grad for weight in network.parameters()]
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    assert torch.equal(heat_maps(network, photos), expected), "eval mode whatever the mode was"
    assert [module.training for module in network.modules()] == modes
    assert [weight.requires_grad for weight in network.parameters()] == learns
    assert all(weight.grad is None for weight in network.parameters())
    assert all(torch.equal(tensors[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("features", ["middle", "last"])
def test_frozen_weights_and_inference_mode_change_nothing(features: str) -> None:
    network, photos = measured_network("mobilenet", features, 64), random_photos(2, 64)
    expected = heat_maps(network, photos)
    assert not expected.requires_grad
    network.requires_grad_(False)
    with torch.inference_mode():
        assert torch.equal(heat_maps(network, photos.clone()), expected)
    with torch.no_grad():
        assert torch.equal(heat_maps(network, photos), expected)


def learn(network: Classifier, photos: Tensor, defective: Tensor) -> None:
    """Let the head of `network` learn which photos are defective."""
    with torch.no_grad():
        features = torch.cat([network.features(batch) for batch in photos.split(8)])
    network.head.fit_scale(features)
    optimizer = torch.optim.AdamW(network.head.parameters(), lr=1e-3, weight_decay=0.1)
    torch.manual_seed(0)
    network.head.train()
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(network.head(features), defective.long()).backward()
        optimizer.step()
    network.eval()


def shipped_network(features: str, size_px: int) -> Classifier:
    network = build_network(NetworkSpec("mobilenet", 0.5, PreprocessSpec(size_px), features), seed=2)
    load_weights(network.backbone, "castings")
    return network.eval()


@pytest.mark.parametrize("features", ["middle", "last"])
@pytest.mark.parametrize("spot", [0.0, 1.0])
def test_a_spot_is_found_where_it_is(features: str, spot: float) -> None:
    generator, rng = torch.Generator().manual_seed(4), np.random.default_rng(4)
    photos = 0.5 + 0.1 * torch.rand(40, 1, 96, 96, generator=generator).repeat(1, 3, 1, 1)
    places = rng.integers(8, 80, (20, 2))
    for photo, (row, column) in zip(photos[:20], places, strict=True):
        photo[:, row : row + 8, column : column + 8] = spot
    network = shipped_network(features, 96)
    learn(network, photos, torch.arange(40) < 20)
    heat = heat_maps(network, photos)
    strongest = np.stack([np.unravel_index(int(one.argmax()), one.shape) for one in heat[:20]])
    away = np.abs((strongest + 0.5) * 96 / PLACES - (places + 4)).max(axis=1)
    assert np.mean(away <= 12) >= 0.7, "by chance 1 in 16"
    assert heat[20:].amax() < 0.1 * float(heat[:20].amax(dim=(1, 2)).min())


@pytest.mark.slow
def test_the_strongest_place_of_a_generated_casting_lies_at_its_defect() -> None:
    """The pointing game (Zhang and others 2016): chance is about 0.15, occlusion 0.8."""
    network, castings, boxes = shipped_network("middle", 300), [], []
    for seed in range(72):
        defect = ("blowhole", "pinholes", "chipped_rim")[seed % 3]
        part = make_part(seed // 2, family="impeller", defects=(defect,) if seed % 2 else (), resolution=324)
        shot = photograph(part, 0)
        castings.append(resize(np.repeat(shot.image[..., None], 3, axis=2), 300))
        rows, columns = np.nonzero(shot.defect_map)
        boxes.append((rows.min(), rows.max(), columns.min(), columns.max()) if rows.size else None)
    photos = torch.from_numpy(np.stack(castings))
    defective = torch.tensor([box is not None for box in boxes])
    learn(network, photos[:48], defective[:48])
    found = []
    for photo, box in zip(photos[48:], boxes[48:], strict=True):
        if box is None:
            continue
        heat = heat_maps(network, photo[None])[0]
        row, column = (np.array(np.unravel_index(int(heat.argmax()), heat.shape)) + 0.5) * 300 / len(heat)
        top, bottom, left, right = box
        found.append(top - 15 <= row <= bottom + 16 and left - 15 <= column <= right + 16)
    assert len(found) == 12
    assert np.mean(found) >= 0.6
