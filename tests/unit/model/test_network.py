"""The head's scaling, the probabilities, and networks that depend on their seed alone."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from castproof.model.features import feature_engine
from castproof.model.network import Classifier, Head, NetworkSpec, build_network, p_defective
from castproof.model.onnx_export import features_to_onnx
from castproof.preprocess import IMAGENET_MEAN, IMAGENET_STD, PreprocessSpec

WIDTH = 12
SPEC = NetworkSpec("mobilenet", 0.5, PreprocessSpec(32))


def scaled(features: torch.Tensor) -> torch.Tensor:
    head = Head(WIDTH, "hidden", 0.5)
    head.fit_scale(features)
    return head.scaled(features)


def features(count: int = 200) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    scale = torch.logspace(-2, 1, WIDTH)
    return torch.randn(count, WIDTH, generator=generator) * scale + 5 * scale


def test_the_head_sees_features_of_mean_zero_and_deviation_one() -> None:
    seen = scaled(features())
    assert torch.allclose(seen.mean(dim=0), torch.zeros(WIDTH), atol=1e-4)
    assert torch.allclose(seen.std(dim=0, correction=0), torch.ones(WIDTH), atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.3, -1e6])
def test_a_dead_feature_is_passed_on_as_zero_not_as_noise(value: float) -> None:
    given = features()
    given[:, 3] = value
    seen = scaled(given)
    assert torch.isfinite(seen).all()
    assert seen[:, 3].abs().max() <= 1e-6 * max(abs(value), 1)


def test_rounding_noise_on_a_dead_feature_is_not_blown_up() -> None:
    given = features()
    given[:, 3] = 0.3 + 1e-6 * torch.randn(len(given), generator=torch.Generator().manual_seed(1))
    assert scaled(given)[:, 3].abs().max() < 1e-4


def test_photos_that_are_all_alike_give_finite_features() -> None:
    assert torch.equal(scaled(torch.full((5, WIDTH), 0.25)), torch.zeros(5, WIDTH))


def test_a_hidden_head_is_one_bent_layer_on_the_scaled_features() -> None:
    head = Head(WIDTH, "hidden", 0.5).eval()
    head.fit_scale(features())
    assert head.hidden is not None
    inside = nn.functional.hardswish(head.hidden((features(20) - head.mean) / head.std))
    assert torch.allclose(head(features(20)), head.last(inside), atol=1e-6)


def test_a_linear_head_has_the_margin_it_is_given_and_no_hidden_layer() -> None:
    head = Head(WIDTH, "linear", 0.5)
    head.fit_scale(features())
    slope = torch.linspace(-2, 3, WIDTH)
    head.set_linear(slope, 0.7)
    logits = head(features(20))
    assert {name for name, _ in head.named_parameters()} == {"last.weight", "last.bias"}
    assert torch.allclose(logits[:, 1] - logits[:, 0], head.scaled(features(20)) @ slope + 0.7, atol=1e-4)
    assert torch.allclose(logits.sum(dim=1), torch.zeros(20), atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "hidden"])
def test_the_slope_is_the_gradient_of_the_margin(kind: str) -> None:
    torch.manual_seed(3)
    head = Head(WIDTH, kind, 0.5).eval()
    head.fit_scale(features())
    seen = features(20).requires_grad_()
    logits = head(seen)
    (expected,) = torch.autograd.grad((logits[:, 1] - logits[:, 0]).sum(), seen)
    assert torch.allclose(head.slope(seen), expected, rtol=1e-4, atol=1e-6)


def test_the_probability_is_the_softmax_in_double_precision() -> None:
    logits = torch.tensor([[0.0, 0.0], [1.0, 3.0], [4.0, -1.0], [0.0, 40.0], [-500.0, 500.0]])
    p = p_defective(logits)
    difference = (logits[:, 1] - logits[:, 0]).double().numpy()
    assert p.dtype == torch.float64
    assert p.numpy() == pytest.approx(1 / (1 + np.exp(-difference)), rel=1e-12)


def test_a_network_depends_on_its_seed_alone_and_leaves_the_global_generator() -> None:
    torch.manual_seed(1)
    expected_next = torch.rand(1)
    torch.manual_seed(1)
    first = build_network(SPEC, 7).state_dict()
    assert torch.equal(torch.rand(1), expected_next)
    again, other = (build_network(SPEC, seed).state_dict() for seed in (7, 8))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.last.weight"], other["head.last.weight"])


def test_photos_are_normalised_with_the_numbers_of_the_spec(network: Classifier) -> None:
    photos = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    expected = torch.stack([(photos[:, i] - IMAGENET_MEAN[i]) / IMAGENET_STD[i] for i in range(3)], dim=1)
    assert torch.allclose(network.normalise(photos), expected, atol=1e-6)


@pytest.mark.parametrize("model", ["mobilenet", "mobilenet_v2"])
def test_export_folds_batch_norms_and_leaves_the_network_alone(
    model: str, make_network: Callable[[str, int], Classifier]
) -> None:
    network = make_network(model, 48).train()
    graph = onnx.load_from_string(features_to_onnx(network)).graph
    kinds = {node.op_type for node in graph.node}
    assert "Conv" in kinds
    assert "BatchNormalization" not in kinds
    norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    assert norms
    assert all(one.training for one in norms)


@pytest.mark.parametrize("model", ["mobilenet", "mobilenet_v2"])
@pytest.mark.parametrize("shape", [(1, 3, 48, 48), (3, 3, 48, 48), (5, 3, 96, 64)])
def test_the_feature_engine_gives_the_networks_own_features(
    model: str, shape: tuple[int, ...], make_network: Callable[[str, int], Classifier]
) -> None:
    network = make_network(model, 48)
    photos = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    engine = feature_engine(network, torch.device("cpu"))
    with torch.inference_mode():
        expected = network.features(photos)
    assert torch.allclose(engine.run(photos), expected, atol=1e-4 * float(expected.abs().max()))


def test_the_feature_engine_is_a_copy(make_network: Callable[[str, int], Classifier]) -> None:
    network = make_network("mobilenet", 48)
    photos = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    engine = feature_engine(network, torch.device("cpu"))
    before = engine.run(photos)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    assert torch.equal(engine.run(photos), before)
