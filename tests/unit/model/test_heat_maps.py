"""Heat maps: a closed form, what turns with the photo, and defects found where they were put."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.data.synthetic import make_part, photograph
from castproof.model.backbones import LEAST_SPREAD, after_expansion, expand
from castproof.model.heat_maps import heat_maps, window_places
from castproof.model.network import Classifier, Head, NetworkSpec, build_network, p_defective
from castproof.model.weights import load_weights
from castproof.preprocess import PreprocessSpec, resize

KINDS = [("mobilenet", "middle"), ("mobilenet", "last"), ("mobilenet_v2", "middle"), ("mobilenet_v2", "last")]


def random_photos(count: int, size_px: int, seed: int = 1) -> Tensor:
    """Return photos of light and dark patches with fine noise on them."""
    generator = torch.Generator().manual_seed(seed)
    patches = F.interpolate(torch.rand(count, 3, 5, 5, generator=generator), size_px, mode="nearest")
    return 0.7 * patches + 0.3 * torch.rand(count, 3, size_px, size_px, generator=generator)


def measured_network(
    model: str, features: str, size_px: int, heads: int = 2, *, symmetric: bool = False
) -> Classifier:
    """Return a network in eval mode that has measured, but not learnt: its batch norms, and its head's scale.

    A symmetric one has kernels that are the same upside down and mirrored.
    """
    network = build_network(NetworkSpec(model, 0.5, PreprocessSpec(size_px), features, heads), seed=11)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
        if symmetric and isinstance(module, nn.Conv2d):
            kernel = module.weight.data
            turned = kernel + kernel.flip(-1) + kernel.flip(-2) + kernel.flip(-1, -2)
            module.weight.data = turned * (kernel.norm() / turned.norm())
    with torch.no_grad():
        photos = random_photos(12, size_px, seed=5)
        network.train().features(photos)
        network.eval().head.fit_scale(network.features(photos))
        for member in network.head.members:
            member[3].bias += torch.tensor([-1.0, 1.0])
    return network


def evidence(network: Classifier, photos: Tensor) -> Tensor:
    with torch.no_grad():
        return -torch.log1p(-p_defective(network(photos))).float()


def closed_form(network: Classifier, photo: Tensor) -> Tensor:
    """Return shares (h, w) by the formulas of docs/decisions/0008, without automatic differentiation."""
    maps, found = network.normalise(photo), []
    for index, block in enumerate(network.backbone.features):
        if index not in network.backbone.middle:
            maps = block(maps)
            continue
        found.append(expand(block, maps))
        maps = after_expansion(block, maps, found[-1])
    head, given = network.head, network.features(photo)[0]
    slope = slope_of(head, given)
    weights = slope * head.std * F.softplus((given - head.mean) / head.std * slope.sign())
    places, start = found[0].shape[2:], 0
    total = torch.zeros(1, 1, *places)
    for one in found:
        second, fourth = weights[start : start + 2 * one.shape[1]].view(2, -1, 1, 1)
        spoken = contribution(one[0], second, fourth).clamp_min(0)
        total += F.interpolate(spoken[None, None], size=places, mode="bilinear")
        start += 2 * one.shape[1]
    return (total / total.sum())[0, 0]


def slope_of(head: Head, features: Tensor) -> Tensor:
    """Return how the difference of the logits grows with each of the features (width,)."""
    slope = torch.zeros_like(features)
    for member in head.members:
        first, last = member[0], member[3]
        hidden = first((features - head.mean) / head.std)
        bend = (hidden / 3 + 0.5) * (hidden.abs() < 3) + 1.0 * (hidden >= 3)
        slope += ((last.weight[1] - last.weight[0]) * bend) @ first.weight / head.std / len(head.members)
    return slope


def contribution(maps: Tensor, second: Tensor, fourth: Tensor) -> Tensor:
    """Return (h, w) of maps (c, h, w) and of what their features of the second and fourth moment count, (c, 1, 1)."""
    deviation = maps - maps.mean(dim=(1, 2), keepdim=True)
    moment = {power: deviation.pow(power).mean(dim=(1, 2), keepdim=True) for power in (2, 3, 4)}
    root2, root4 = moment[2].sqrt().clamp_min(1e-6), moment[4].pow(0.25).clamp_min(1e-6)
    of_second = deviation.pow(2) / (root2 * (root2 + LEAST_SPREAD))
    of_fourth = (deviation.pow(4) - moment[3] * deviation) / (root4.pow(3) * (root4 + LEAST_SPREAD))
    return (second * of_second + fourth * of_fourth).sum(dim=0)


@pytest.mark.parametrize("model", ["mobilenet", "mobilenet_v2"])
def test_the_shares_of_the_middle_are_those_of_the_closed_form(model: str) -> None:
    network, photos = measured_network(model, "middle", 64), random_photos(3, 64)
    heat = heat_maps(network, photos)
    assert window_places(heat.shape[1]) == 1, "so small a map shows the shares themselves"
    with torch.no_grad():
        shares = torch.stack([closed_form(network, photo[None]) for photo in photos])
    assert torch.allclose(heat, shares * evidence(network, photos)[:, None, None], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("model", "features"), KINDS)
def test_the_heat_of_all_places_is_the_evidence_of_the_photo(model: str, features: str) -> None:
    network, photos = measured_network(model, features, 64), random_photos(4, 64)
    heat = heat_maps(network, photos)
    assert heat.dtype == torch.float32
    assert heat.min() >= 0
    assert heat.sum(dim=(1, 2)).tolist() == pytest.approx(evidence(network, photos).tolist(), rel=1e-4)


def test_a_place_holds_what_lies_in_the_window_around_it() -> None:
    network, photos = measured_network("mobilenet", "middle", 216), random_photos(2, 216)
    heat = heat_maps(network, photos)
    assert heat.shape == (2, 27, 27)
    assert window_places(27) == 3
    tiles = heat[:, 1::3, 1::3].sum(dim=(1, 2))
    assert tiles.tolist() == pytest.approx(evidence(network, photos).tolist(), rel=1e-4)


def test_windows_are_odd_and_near_to_their_share_of_the_side() -> None:
    assert [window_places(places) for places in (1, 4, 19, 28, 38, 75, 128)] == [1, 1, 1, 3, 3, 5, 11]


@pytest.mark.parametrize("features", ["middle", "last"])
def test_more_evidence_scales_the_map_and_does_not_move_it(features: str) -> None:
    network, photos = measured_network("mobilenet", features, 64), random_photos(2, 64)
    before, known = heat_maps(network, photos), evidence(network, photos)
    with torch.no_grad():
        for member in network.head.members:
            member[3].bias += torch.tensor([9.0, 0.0])
    after, left = heat_maps(network, photos), evidence(network, photos)
    assert torch.all(left < 1e-3 * known)
    assert torch.allclose(after / left[:, None, None], before / known[:, None, None], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("model", "features"), KINDS)
@pytest.mark.parametrize("turn", [lambda x: x.flip(-1, -2), lambda x: x.flip(-1)])
def test_the_map_turns_with_the_photo(model: str, features: str, turn: Callable[[Tensor], Tensor]) -> None:
    """Symmetric kernels see in a turned photo what they see in the photo; an odd side keeps strides aligned."""
    network, photos = measured_network(model, features, 129, symmetric=True), random_photos(2, 129)
    heat = heat_maps(network, photos)
    assert heat.amax() > 2 * heat.mean()
    assert not torch.allclose(turn(heat), heat, rtol=0.05)
    assert torch.allclose(
        heat_maps(network, turn(photos)), turn(heat), rtol=1e-2, atol=1e-3 * float(heat.max())
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
        for member in network.head.members:
            member[3].weight.zero_()
    assert torch.equal(heat_maps(network, random_photos(2, 64)), torch.zeros(2, 8, 8))


@pytest.mark.parametrize("features", ["middle", "last"])
def test_the_network_is_left_as_it_was(features: str) -> None:
    network, photos = measured_network("mobilenet", features, 64), random_photos(2, 64)
    expected = heat_maps(network, photos)
    network.head.train()
    network.backbone.features[3].train()
    network.backbone.features[0].requires_grad_(False)
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
    for one, (row, column) in zip(heat[:20], places, strict=True):
        strongest = np.unravel_index(int(one.argmax()), one.shape)
        away = (np.array(strongest) + 0.5) * 96 / one.shape[0] - (row + 4, column + 4)
        assert np.abs(away).max() <= 12
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
