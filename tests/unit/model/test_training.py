"""The training loop: what learns, what rests, and that a resumed run ends like an uninterrupted one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from castproof.errors import RunError
from castproof.measure.threshold import tune_threshold
from castproof.model.checkpoint import load_checkpoint, load_state, save_state
from castproof.model.learning import LabelledPhotos
from castproof.model.network import p_defective
from castproof.model.training import EpochRecord

MakeTraining = Callable[..., Any]
Tensors = dict[str, torch.Tensor]
LEARNS = ("head.hidden.", "head.last.")


def copied(network: torch.nn.Module) -> Tensors:
    return {key: value.clone() for key, value in network.state_dict().items()}


def changed_keys(before: Tensors, after: Tensors) -> set[str]:
    return {key for key in before if not torch.equal(before[key], after[key])}


def block_prefixes(learner: Any, blocks: int) -> tuple[str, ...]:
    count = len(learner.network.backbone.blocks())
    return tuple(f"backbone.net.features.{index}." for index in range(count - blocks, count))


def stop_after(epoch: int) -> Callable[[EpochRecord], None]:
    def stop(record: EpochRecord) -> None:
        if record.epoch == epoch:
            raise KeyboardInterrupt

    return stop


def assert_same(one: object, other: object) -> None:
    """Compare nested states bit by bit."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)  # type: ignore[arg-type]
    elif isinstance(one, dict):
        assert one.keys() == other.keys()  # type: ignore[attr-defined]
        for key, value in one.items():
            assert_same(value, other[key])  # type: ignore[index]
    elif isinstance(one, list):
        assert len(one) == len(other)  # type: ignore[arg-type]
        for left, right in zip(one, other, strict=True):  # type: ignore[call-overload]
            assert_same(left, right)
    else:
        assert one == other


def test_frozen_training_changes_the_head_alone(make_training: MakeTraining) -> None:
    training = make_training("run", epochs=3)
    before = copied(training.learner.network)
    training.trainer.run()
    last = load_state(training.last)["tensors"]
    assert changed_keys(before, last) == {key for key in before if key.startswith(LEARNS)}


@pytest.mark.parametrize("unfreeze", ["1", "3"])
def test_finetuning_trains_exactly_the_last_blocks_after_the_head_only_epochs(
    unfreeze: str, make_training: MakeTraining
) -> None:
    training = make_training("run", epochs=2, unfreeze=unfreeze, head_only_epochs=1, weights="none")
    learner = training.learner
    start = copied(learner.network)
    states: list[Tensors] = []
    training.trainer.run(lambda record: states.append(copied(learner.network)))
    untrained, head_only, trained = states
    assert not changed_keys(start, untrained)
    assert changed_keys(start, head_only) == {key for key in start if key.startswith(LEARNS)}
    prefixes = block_prefixes(learner, int(unfreeze))
    learns = {key for key in start if key.startswith((*prefixes, *LEARNS))}
    rests = set(start) - learns
    changed = changed_keys(head_only, trained)
    assert not changed & rests, "weights and batch norm statistics of the other blocks stay bit by bit"
    assert changed == learns


def test_finetuning_all_trains_every_block(make_training: MakeTraining) -> None:
    training = make_training("run", epochs=1, unfreeze="all", head_only_epochs=0)
    before = copied(training.learner.network)
    training.trainer.run()
    after = load_state(training.last)["tensors"]
    rests = set(before) - changed_keys(before, after)
    assert rests == {"head.mean", "head.std"}


def test_the_backbone_learns_at_its_own_rate(make_training: MakeTraining) -> None:
    training = make_training(
        "run", epochs=2, unfreeze="1", head_only_epochs=1, backbone_lr_mult=0.25, warmup_epochs=0
    )
    history = training.trainer.run()
    assert [record.lr_backbone for record in history] == [0, 0, pytest.approx(0.25 * history[2].lr)]
    groups = load_state(training.last)["optimizer"]["param_groups"]
    assert groups[1]["lr"] == pytest.approx(0.25 * groups[0]["lr"])


@pytest.mark.parametrize(
    "changes",
    [
        {"unfreeze": "none"},
        {"unfreeze": "none", "optimizer": "sgd"},
        {"unfreeze": "2", "head_only_epochs": 2},
        {"unfreeze": "all", "head_only_epochs": 0, "epochs": 3},
    ],
    ids=["frozen", "frozen sgd", "last two blocks", "all"],
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(
    changes: dict[str, Any], make_training: MakeTraining
) -> None:
    whole = make_training("whole", **changes)
    expected = whole.trainer.run()
    for stop in (0, 2):
        name = f"stopped after {stop}"
        with pytest.raises(KeyboardInterrupt):
            make_training(name, **changes).trainer.run(stop_after(stop))
        torch.manual_seed(999)  # a new process has another state of the global generator
        resumed = make_training(name, **changes)
        resumed.trainer.resume()
        assert resumed.trainer.run() == expected
        assert_same(load_state(resumed.last), load_state(whole.last))
        assert_same(load_state(resumed.best), load_state(whole.best))
        assert_same(copied(resumed.learner.network), copied(whole.learner.network))


def test_the_same_run_twice_is_the_same(make_training: MakeTraining) -> None:
    first, again = (make_training(name, epochs=2, unfreeze="1", head_only_epochs=0) for name in "ab")
    assert first.trainer.run() == again.trainer.run()
    assert_same(load_state(first.best), load_state(again.best))


def test_the_kept_network_and_threshold_are_those_of_the_best_epoch(
    make_training: MakeTraining, splits: dict[str, LabelledPhotos]
) -> None:
    training = make_training("run", epochs=6, lr=3e-3)
    history = training.trainer.run()
    best = [record for record in history if record.is_best][-1]
    assert best.val_score == max(record.val_score for record in history)
    kept = load_checkpoint(training.best)
    assert (kept.epoch, kept.threshold) == (best.epoch, best.threshold)
    assert_same(copied(training.learner.network), copied(kept.network))
    defective = splits["val"].defective.numpy().astype(bool)
    probability = p_defective(training.learner.logits("val")).numpy()
    assert tune_threshold(defective, probability, "macro_f1").threshold == best.threshold


def test_epoch_0_is_the_network_before_training(
    make_training: MakeTraining, splits: dict[str, LabelledPhotos]
) -> None:
    training = make_training("run", epochs=1)
    logits = training.learner.logits("val")
    history = training.trainer.run()
    expected = torch.nn.functional.cross_entropy(logits, splits["val"].defective)
    assert history[0].epoch == 0
    assert history[0].batch_loss is None
    assert history[0].lr == 0
    assert history[0].val_loss == pytest.approx(float(expected), abs=1e-6)


def test_training_stops_when_validation_no_longer_improves(make_training: MakeTraining) -> None:
    training = make_training("run", epochs=30, patience=2, min_delta=1.0, lr=1e-9, min_lr=0)
    history = training.trainer.run()
    best = [record.epoch for record in history if record.is_best][-1]
    assert len(history) - 1 == best + 2 < 30


def test_without_patience_every_epoch_is_trained_and_the_last_one_kept(make_training: MakeTraining) -> None:
    made = make_training("patient", epochs=6, patience=0)
    history = made.trainer.run()
    assert [record.epoch for record in history] == list(range(7))
    assert load_checkpoint(made.best).epoch == 6
    network = copied(made.learner.network)
    assert changed_keys(network, load_checkpoint(made.best).network.state_dict()) == set()
    assert all(record.is_best for record in history)


def test_an_untuned_threshold_stays_in_the_middle_and_needs_no_validation_photos(
    make_training: MakeTraining, splits: dict[str, LabelledPhotos]
) -> None:
    with_val = make_training("with val", patience=0, tune_for="none")
    without = make_training("without val", patience=0, tune_for="none", left_out=("val",))
    told, untold = with_val.trainer.run(), without.trainer.run()
    assert {record.threshold for record in (*told, *untold)} == {0.5}
    assert {record.val_loss for record in untold} == {record.val_score for record in untold} == {None}
    assert [record.train_loss for record in told] == [record.train_loss for record in untold]
    assert all(record.val_loss is not None for record in told)


def test_weights_decide_what_is_learnt(
    make_training: MakeTraining, splits: dict[str, LabelledPhotos]
) -> None:
    defective = splits["train"].defective.float()
    weighty = make_training("weighty", weight=2 * defective).trainer.run()
    plain = make_training("plain").trainer.run()
    assert weighty[0].train_loss == plain[0].train_loss, "losses of the history are unweighted"
    learner = make_training("again", weight=2 * defective).learner
    assert all(torch.equal(batch.weight, 2 * batch.defective.float()) for batch in learner.batches(1))
    assert weighty[-1].train_loss != plain[-1].train_loss


def test_training_learns(make_training: MakeTraining) -> None:
    history = make_training("run", epochs=30, patience=30, lr=3e-3).trainer.run()
    assert history[-1].train_loss < 0.7 * history[0].train_loss
    assert history[-1].lr < history[10].lr


def test_gradients_are_clipped_to_the_norm_asked_for(make_training: MakeTraining) -> None:
    sgd = {"epochs": 1, "optimizer": "sgd", "momentum": 0, "wd": 0, "lr": 1.0, "warmup_epochs": 0}
    training = make_training("run", clip_norm=1e-3, batch_size=16, sched="constant", **sgd)
    before = {key: value for key, value in copied(training.learner.network).items() if key.startswith(LEARNS)}
    training.trainer.run()
    after = load_state(training.last)["tensors"]
    moved = np.sqrt(sum(float(((after[key] - before[key]) ** 2).sum()) for key in before))
    assert moved == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("part", ["tensors", "optimizer", "progress"])
def test_a_stored_state_that_lacks_a_part_is_refused(part: str, make_training: MakeTraining) -> None:
    training = make_training("run", epochs=1)
    training.trainer.run()
    state = load_state(training.last)
    del state[part]
    save_state(state, training.last)
    with pytest.raises(RunError, match=r"last_state\.pt"):
        make_training("run", epochs=1).trainer.resume()


def test_a_state_of_other_settings_is_refused(make_training: MakeTraining) -> None:
    make_training("run", epochs=1, unfreeze="1").trainer.run()
    with pytest.raises(RunError, match="does not fit"):
        make_training("run", epochs=1, unfreeze="2").trainer.resume()


def test_a_run_without_a_stored_state_cannot_be_resumed(make_training: MakeTraining, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"last_state\.pt not found"):
        make_training("run").trainer.resume()
