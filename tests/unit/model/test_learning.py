"""What an epoch shows, and that cached features are the network's own."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from castproof.errors import ImageError
from castproof.model.augmentation import LEVELS, augment
from castproof.model.features import FeatureTable, feature_engine, split_features
from castproof.model.inference import network_outputs
from castproof.model.learning import FinetuneLearner, FrozenLearner, LabelledPhotos, epoch_order
from castproof.model.network import Classifier
from castproof.model.photos import PhotoBatches
from castproof.progress import SILENT
from castproof.settings import TrainSettings

CPU = torch.device("cpu")
SETTINGS = TrainSettings(data="photos", img_size=32, weights="none", batch_size=5)


def all_photos(split: LabelledPhotos) -> torch.Tensor:
    return torch.cat([batch for _, batch in split.photos.read_all(100)])


@given(st.integers(2, 500), st.integers(2, 100), st.integers(0, 2**31), st.integers(0, 100))
def test_an_epoch_shows_each_photo_once_and_never_a_batch_of_one(
    count: int, batch_size: int, seed: int, epoch: int
) -> None:
    batches = epoch_order(count, batch_size, seed, epoch)
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert min(map(len, batches)) > 1
    assert max(map(len, batches)) <= batch_size + 1
    assert len(batches) <= -(-count // batch_size)
    assert batches == epoch_order(count, batch_size, seed, epoch)


def test_the_order_changes_with_epoch_and_seed() -> None:
    first = epoch_order(50, 10, seed=1, epoch=1)
    assert first != epoch_order(50, 10, seed=1, epoch=2)
    assert first != epoch_order(50, 10, seed=2, epoch=1)


def test_view_0_is_the_networks_own_output_and_the_others_are_variations(
    network: Classifier, splits: dict[str, LabelledPhotos]
) -> None:
    train = splits["train"]
    photos = all_photos(train)
    views = 3
    found = split_features(feature_engine(network, CPU), train.photos, views, SETTINGS)
    level = LEVELS[SETTINGS.aug_level]
    with torch.inference_mode():
        assert torch.allclose(found[0], network.features(photos), atol=1e-4)
        for view in range(1, views):
            varied = augment(photos, level, [(SETTINGS.seed, view, index) for index in range(len(photos))])
            assert torch.allclose(found[view], network.features(varied), atol=1e-4)
    assert not torch.allclose(found[0], found[1], atol=1e-3)


def test_frozen_logits_equal_those_of_the_whole_network(
    network: Classifier, splits: dict[str, LabelledPhotos]
) -> None:
    learner = FrozenLearner(network, splits, SETTINGS, CPU, SILENT)
    for name, split in splits.items():
        expected = network_outputs(network, split.photos, CPU).logits
        assert torch.allclose(learner.logits(name), expected, atol=1e-4)


def test_frozen_batches_pair_each_photo_with_its_label(
    network: Classifier, splits: dict[str, LabelledPhotos]
) -> None:
    learner = FrozenLearner(network, splits, SETTINGS, CPU, SILENT)
    labels = splits["train"].defective
    order = epoch_order(len(labels), SETTINGS.batch_size, SETTINGS.seed, 3)
    found = [batch.defective.tolist() for batch in learner.batches(3)]
    assert found == [labels[batch].tolist() for batch in order]
    assert all(batch.logits.requires_grad for batch in learner.batches(3))


def test_a_table_of_features_gives_what_computing_them_gives(
    network: Classifier, splits: dict[str, LabelledPhotos]
) -> None:
    paths = [path for split in splits.values() for path in split.photos.paths]
    counts = [len(split.defective) for split in splits.values()]
    starts = torch.tensor([0, *counts]).cumsum(0).tolist()
    rows = {name: torch.arange(start, start + n) for name, start, n in zip(splits, starts, counts)}  # noqa: B905
    values = split_features(feature_engine(network, CPU), PhotoBatches(paths, 32, 1), 4, SETTINGS)
    tabled = FrozenLearner(network, splits, SETTINGS, CPU, SILENT, FeatureTable(values, rows))
    told = {name: tabled.logits(name) for name in splits}
    computed = FrozenLearner(network, splits, SETTINGS, CPU, SILENT)
    assert all(torch.allclose(told[name], computed.logits(name), atol=1e-5) for name in splits)


def test_finetune_logits_equal_those_of_the_network(
    network: Classifier, splits: dict[str, LabelledPhotos]
) -> None:
    settings = TrainSettings(data="photos", img_size=32, weights="none", unfreeze="2")
    learner = FinetuneLearner(network, splits, settings, CPU, SILENT)
    with torch.inference_mode():
        expected = network.eval()(all_photos(splits["test"]))
    assert torch.allclose(learner.logits("test"), expected, atol=1e-5)


def test_a_photo_that_cannot_be_decoded_has_no_logits_and_spares_the_others(
    network: Classifier, splits: dict[str, LabelledPhotos], tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no photo")
    good = splits["test"].photos.paths
    paths = [good[0], tmp_path / "bad.png", good[1], tmp_path / "missing.png"]
    failures: dict[int, ImageError] = {}
    logits = network_outputs(network, PhotoBatches(paths, 32, 2, failures), CPU).logits
    expected = network_outputs(network, PhotoBatches(good[:2], 32, 1), CPU).logits
    assert set(failures) == {1, 3}
    assert torch.isnan(logits[[1, 3]]).all()
    assert torch.allclose(logits[[0, 2]], expected, atol=1e-5)
    with pytest.raises(ImageError, match=r"bad\.png"):
        network_outputs(network, PhotoBatches(paths, 32, 2), CPU)


@pytest.mark.parametrize("workers", [1, 3])
def test_photos_come_in_the_order_asked_for(workers: int, splits: dict[str, LabelledPhotos]) -> None:
    train = splits["train"].photos
    photos = all_photos(splits["train"])
    chunks = [[3, 1], [15, 0, 7], [2]]
    batches = list(PhotoBatches(train.paths, 32, workers).read(chunks))
    assert [list(indices) for indices, _ in batches] == chunks
    assert all(torch.equal(batch, photos[list(indices)]) for indices, batch in batches)
