"""The training loop: one, whether the backbone learns or not."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from castproof.data.classes import Classes
from castproof.errors import BrokenRunError, RunError
from castproof.measure.confusion import confusion
from castproof.measure.metrics import Metrics, metrics
from castproof.measure.scores import Flags, Floats
from castproof.measure.threshold import tune_threshold
from castproof.model.checkpoint import Checkpoint, load_checkpoint, load_state, save_checkpoint, save_state
from castproof.model.learning import TRAIN, Batch, Learner, epoch_order
from castproof.model.network import NetworkSpec, p_defective
from castproof.model.schedule import Schedule
from castproof.progress import SILENT, Progress
from castproof.settings import UNTUNED, TrainSettings, TuneFor

VAL = "val"
MIDDLE: Final = 0.5


@dataclass(frozen=True)
class EpochRecord:
    """One line of a run's history; epoch 0 is the network before training.

    Losses are cross-entropies in eval mode without label smoothing or weights; `batch_loss` is what the optimizer
    saw. Metrics of both splits are taken at `threshold`, which is tuned on the validation photos or stays at 0.5.
    Without validation photos everything that they tell is None. `is_best` marks an epoch whose network replaced the
    one that was kept before: the best so far, or every one where the last is kept.
    """

    epoch: int
    lr: float
    lr_backbone: float
    batch_loss: float | None
    train_loss: float
    val_loss: float | None
    train_macro_f1: float | None
    val_macro_f1: float | None
    val_f1_defective: float | None
    val_auc_roc: float | None
    threshold: float
    val_score: float | None
    is_best: bool


@dataclass
class _State:
    """Where the loop stands; all of it is stored after every epoch."""

    epoch: int = -1
    best_epoch: int = -1
    best_score: float | None = None
    best_loss: float | None = None
    history: list[EpochRecord] = field(default_factory=list)


class Trainer:
    """Trains a learner's network and keeps the best or the last epoch, and the last state, on disk.

    Args:
        learner: what learns, and from which photos.
        settings: the run's settings.
        labels: per split, int64 (n,), 1 = defective; without val where the settings need none.
        classes, spec: stored with the network.
        best_path, last_path: the checkpoint of the epoch that is kept, and the state to resume from.
    """

    def __init__(
        self,
        learner: Learner,
        settings: TrainSettings,
        labels: dict[str, Tensor],
        classes: Classes,
        spec: NetworkSpec,
        best_path: Path,
        last_path: Path,
    ) -> None:
        self._learner = learner
        self._settings = settings
        self._labels = labels
        self._classes = classes
        self._spec = spec
        self._best_path = best_path
        self._last_path = last_path
        self._state = _State()
        self._optimizer = _make_optimizer(learner, settings)
        steps = len(epoch_order(len(labels[TRAIN]), settings.batch_size, settings.seed, epoch=1))
        self._steps = steps
        self._schedule = Schedule(
            settings.sched, settings.lr, settings.min_lr, settings.epochs, settings.warmup_epochs, steps
        )

    def resume(self) -> None:
        """Go on from the last stored epoch.

        Raises:
            BrokenRunError: the stored state is missing, broken or of other settings.
        """
        stored = load_state(self._last_path)
        try:
            self._learner.network.load_state_dict(stored["tensors"])
            self._optimizer.load_state_dict(stored["optimizer"])
            progress = stored["progress"]
            history = [EpochRecord(**record) for record in progress.pop("history")]
            self._state = _State(**progress, history=history)
        except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise BrokenRunError(
                f"{self._last_path} does not fit this run's settings.", fix="Train again from the start."
            ) from error

    def run(
        self, on_epoch: Callable[[EpochRecord], None] = lambda record: None, progress: Progress = SILENT
    ) -> list[EpochRecord]:
        """Return the history after training to the end or until validation stops improving.

        The learner's network is then that of the epoch that was kept, reloaded from disk.
        """
        if self._state.epoch < 0:
            self._close_epoch(None, on_epoch, progress)
        while self._state.epoch < self._settings.epochs and not self._is_exhausted():
            batch_loss = self._train_epoch(self._state.epoch + 1, progress)
            self._close_epoch(batch_loss, on_epoch, progress)
        best = load_checkpoint(self._best_path)
        self._learner.network.load_state_dict(best.network.state_dict())
        return list(self._state.history)

    def _is_exhausted(self) -> bool:
        """Patience counts from the best epoch, and not before the backbone has begun to learn."""
        counted_from = self._state.best_epoch
        if self._settings.keeps_last:
            return False
        if not self._settings.frozen:
            counted_from = max(counted_from, self._settings.head_only_epochs)
        return self._state.epoch - counted_from >= self._settings.patience

    def _train_epoch(self, epoch: int, progress: Progress) -> float:
        torch.manual_seed(int(np.random.SeedSequence((self._settings.seed, epoch)).generate_state(1)[0]))
        losses: list[float] = []
        with progress.task(f"epoch {epoch}/{self._settings.epochs}", self._steps) as task:
            for step, batch in enumerate(self._learner.batches(epoch)):
                loss = self._loss(batch)
                self._step(loss, (epoch - 1) * self._steps + step)
                losses.append(loss.item())
                task.advance(note=f"loss {losses[-1]:.3f}")
        return float(np.mean(losses))

    def _loss(self, batch: Batch) -> Tensor:
        smoothing = self._settings.label_smoothing
        each = F.cross_entropy(batch.logits, batch.defective, label_smoothing=smoothing, reduction="none")
        return (each * batch.weight).mean()

    def _step(self, loss: Tensor, step: int) -> None:
        rate = self._schedule.at(step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["multiplier"]
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._settings.clip_norm > 0:
            learning = [weight for group in self._optimizer.param_groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(learning, self._settings.clip_norm)
        self._optimizer.step()

    def _close_epoch(
        self, batch_loss: float | None, on_epoch: Callable[[EpochRecord], None], progress: Progress
    ) -> None:
        record = self._measure(batch_loss, progress)
        state = self._state
        state.epoch = record.epoch
        if record.is_best:
            state.best_epoch, state.best_score, state.best_loss = (
                record.epoch,
                record.val_score,
                record.val_loss,
            )
            network = self._learner.network
            save_checkpoint(
                Checkpoint(network, self._spec, self._classes, record.threshold, record.epoch),
                self._best_path,
            )
        state.history.append(record)
        save_state(self._stored_state(), self._last_path)
        on_epoch(record)

    def _stored_state(self) -> dict[str, Any]:
        return {
            "tensors": self._learner.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": asdict(self._state),
        }

    def _measure(self, batch_loss: float | None, progress: Progress) -> EpochRecord:
        settings, epoch = self._settings, self._state.epoch + 1
        measured_splits = [split for split in (TRAIN, VAL) if split in self._labels]
        logits = {split: self._learner.logits(split, progress) for split in measured_splits}
        if not all(torch.isfinite(values).all() for values in logits.values()):
            raise RunError(
                f"Training has diverged in epoch {epoch}: the network gives no numbers any more.",
                fix="Give a lower --lr.",
            )
        defective = {split: self._labels[split].numpy().astype(bool) for split in logits}
        probability = {split: p_defective(values).numpy() for split, values in logits.items()}
        loss = {split: F.cross_entropy(logits[split], self._labels[split]).item() for split in logits}
        threshold, score = tuned_threshold(defective, probability, settings.tune_for)
        measured = {
            split: metrics(
                defective[split], probability[split], threshold, settings.cost_fn, settings.cost_fp
            )
            for split in logits
        }
        val: Metrics = measured.get(VAL) or dict.fromkeys(measured[TRAIN])
        rate = self._schedule.at(epoch * self._steps - 1) if epoch else 0.0
        return EpochRecord(
            epoch=epoch,
            lr=rate,
            lr_backbone=rate * settings.backbone_lr_mult if self._backbone_learns(epoch) else 0.0,
            batch_loss=batch_loss,
            train_loss=loss[TRAIN],
            val_loss=loss.get(VAL),
            train_macro_f1=measured[TRAIN]["macro_f1"],
            val_macro_f1=val["macro_f1"],
            val_f1_defective=val["f1_defective"],
            val_auc_roc=val["auc_roc"],
            threshold=threshold,
            val_score=score,
            is_best=settings.keeps_last or self._is_improvement(score, loss.get(VAL)),
        )

    def _backbone_learns(self, epoch: int) -> bool:
        return not self._settings.frozen and epoch > self._settings.head_only_epochs

    def _is_improvement(self, score: float | None, loss: float | None) -> bool:
        """A better score counts, and on equal scores a lower validation loss."""
        best_score, best_loss = self._state.best_score, self._state.best_loss
        if score is None or loss is None or best_score is None or best_loss is None:
            return True
        return score > best_score + self._settings.min_delta or (score >= best_score and loss < best_loss)


def tuned_threshold(
    defective: Mapping[str, Flags], p: Mapping[str, Floats], tune_for: TuneFor
) -> tuple[float, float | None]:
    """Return the threshold, and the score of the validation photos where there are any.

    Args:
        defective, p: labels and p_defective of the photos, by split.
        tune_for: what the threshold is tuned for on the validation photos; "none" leaves it at 0.5.
    """
    if tune_for == UNTUNED:
        return MIDDLE, confusion(defective[VAL], p[VAL], MIDDLE).macro_f1 if VAL in p else None
    tuned = tune_threshold(defective[VAL], p[VAL], tune_for)
    return tuned.threshold, tuned.score


def _make_optimizer(learner: Learner, settings: TrainSettings) -> torch.optim.Optimizer:
    groups = [
        {"params": weights, "multiplier": multiplier}
        for weights, multiplier in learner.parameter_groups()
        if weights
    ]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.wd)
    return torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.wd, fused=True)
