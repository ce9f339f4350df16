"""Choosing a gate on photos of parts that the network was not trained on, and telling what it does on others."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from castproof import __version__
from castproof.data.manifest import Photo
from castproof.errors import BrokenRunError, CastproofError, DataError, PromiseError, SettingError
from castproof.files import write_csv, write_json
from castproof.gate.calibration import AUTO
from castproof.gate.calibrator import Calibrator
from castproof.gate.choice import sides
from castproof.gate.choosing import bound_of, choose_gate
from castproof.gate.gate import Bound, Gate
from castproof.gate.outcome import Outcome, cross_fitted, pass_through
from castproof.gate.policy import AUTO_GATE, Policy, usual_costs
from castproof.gate.results import Results, results
from castproof.gate.tradeoff import TradeoffRow, promises, tradeoff
from castproof.measure.decision import Thresholds
from castproof.measure.decision import decide as verdict_of
from castproof.pipeline.gate_file import (
    FORMAT,
    PROPOSED,
    gate_of,
    gate_path,
    network_hash,
    read_gate_file,
    sealed,
)
from castproof.pipeline.judged import (
    CROSSVAL,
    RUN,
    Judged,
    Source,
    open_source,
    refuse_good_parts,
    with_evidence_of,
)
from castproof.report.gate_plots import calibration_plot, tradeoff_plot
from castproof.report.style import save
from castproof.run_folder import REPORT_FILE, RunFolder
from castproof.settings import TrainSettings
from castproof.wording import command, program

TEST: Final = "test"
OUT_OF_FOLD: Final = "out of fold"
PHOTO_COLUMNS: Final = (
    "file",
    "part",
    "label",
    "class",
    "told_on",
    "fold",
    "p_network",
    "p_defective",
    "threshold",
    "reject_from",
    "verdict",
)
TRADEOFF_COLUMNS: Final = ("threshold", "missed", "bound", "good_passed", "review_load")


@dataclass(frozen=True)
class Asked:
    """What a decision follows from, besides the folder.

    Args:
        policy: how thresholds are chosen.
        calibration: see `choose_calibrator`.
        evidence: a cross-validation to choose the gate of a run on, instead of its validation photos.
        seed: of the folds of parts that the calibration is chosen by.
    """

    policy: Policy
    calibration: str = AUTO
    evidence: Path | None = None
    seed: int = 1337

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return {
            "policy": self.policy.to_json(),
            "calibration": self.calibration,
            "evidence": None if self.evidence is None else str(self.evidence.resolve()),
            "seed": self.seed,
        }


@dataclass(frozen=True, eq=False)
class Decision:
    """A gate and everything that is told about it.

    Args:
        source: the run or cross-validation.
        gate: what was chosen on the evidence.
        asked: what was asked for.
        told_on: TEST, or OUT_OF_FOLD where the same rule was applied to every fold without its parts.
        photos: the photos that the results are of.
        outcome: these with their verdicts, in the same order.
        results: what is told of them.
        proof: what the test photos prove about the gate, whatever it was chosen for; None out of fold, where every fold
            has a gate of its own.
        tradeoff: other thresholds, on the evidence.
        promises: those at which nothing passes, and at which usual promises can be kept.
    """

    source: Source
    gate: Gate
    asked: Asked
    told_on: str
    photos: tuple[Photo, ...]
    outcome: Outcome
    results: Results
    proof: Bound | None
    tradeoff: list[TradeoffRow]
    promises: list[tuple[float | None, TradeoffRow]]


def decide(folder: Path, asked: Asked) -> Decision:
    """Return the gate that is asked for, chosen on what was judged by networks that were not trained on it.

    Args:
        folder: a run, whose gate is chosen on its validation photos and measured on its test photos; or a
            cross-validation, whose gate is chosen on all photos and told fold by fold. With other evidence, the parts
            that a run is tested with are left out of it.
        asked: what is asked for.

    Raises:
        CastproofError: the folders do not fit, or the evidence does not allow what is asked for.
    """
    source, policy = open_source(folder), asked.policy
    if asked.evidence is not None:
        source = with_evidence_of(source, open_source(asked.evidence))
    evidence, tested = source.evidence.evidence, source.tested
    try:
        gate = choose_gate(evidence, policy, calibration=asked.calibration, seed=asked.seed)
    except PromiseError as error:
        raise _with_more_evidence(error, source) from error
    known = sides(evidence, policy)
    if tested is None:
        outcome = cross_fitted(evidence, policy, calibration=asked.calibration, seed=asked.seed)
    else:
        outcome = pass_through(gate, tested.evidence)
    return Decision(
        source=source,
        gate=gate,
        asked=asked,
        told_on=OUT_OF_FOLD if tested is None else TEST,
        photos=(tested or source.evidence).photos,
        outcome=outcome,
        results=results(outcome, policy, known.defect_rate),
        proof=None if tested is None else _proof(tested, policy, gate),
        tradeoff=tradeoff(known, policy, gate.calibrator),
        promises=promises(known, policy, gate.calibrator),
    )


def auto_gate(folder: Path) -> Decision | DataError | PromiseError:
    """Return the gate that asks nothing, after writing it into a run or a cross-validation; or why there is none."""
    try:
        decision = decide(folder, Asked(Policy(AUTO_GATE, costs=usual_costs(AUTO_GATE))))
    except (DataError, PromiseError) as error:
        return error
    write_decision(decision)
    return decision


def decided(folder: Path) -> Decision | None:
    """Return the decision that is kept in the folder of a run or of a cross-validation; None where there is none.

    It is made again from what was asked for.

    Raises:
        BrokenRunError: gate.json is broken, or the same question has another answer by now.
        SettingError: the gate was proposed by a validation.
    """
    content, path = read_gate_file(folder), gate_path(folder)
    if content is None:
        return None
    if PROPOSED in content:
        raise SettingError(
            f"The gate of {folder} was proposed by castproof validate.",
            rule="It rests on photos of the validation, too; the validation's page says what is known of it.",
            fix="Read validation.html there; or decide on the photos of this run alone: castproof decide",
        )
    kept = gate_of(content, path)
    if kept.knows_no_defects:
        refuse_good_parts(folder, TrainSettings.from_json(RunFolder(folder).read_hparams()["settings"]))
    try:
        told = content["asked"]
        evidence = None if told["evidence"] is None else Path(told["evidence"])
        asked = Asked(Policy.from_json(told["policy"]), str(told["calibration"]), evidence, int(told["seed"]))
    except (CastproofError, KeyError, TypeError, ValueError) as error:
        raise BrokenRunError(f"{path} does not say what was asked for.", fix="Decide again.") from error
    decision = decide(folder, asked)
    if decision.gate != kept:
        raise BrokenRunError(
            f"{path} is out of date.",
            rule="It must be the answer that its evidence gives.",
            fix="Decide again: castproof decide",
        )
    return decision


def write_decision(decision: Decision) -> Path:
    """Return the folder `gate` in the run's own, with gate.json (last), its tables and its pictures in it.

    Raises:
        OutputError: a file cannot be written.
    """
    path = gate_path(decision.source.folder)
    folder = path.parent
    rows, content = decision.tradeoff, gate_json(decision)
    (folder / REPORT_FILE).unlink(missing_ok=True)
    write_csv(folder / "photos.csv", PHOTO_COLUMNS, _photo_rows(decision))
    write_csv(folder / "tradeoff.csv", TRADEOFF_COLUMNS, [tuple(asdict(row).values()) for row in rows])
    save(calibration_plot(decision.results, decision.told_on), folder / "calibration.png")
    save(
        tradeoff_plot(rows, decision.gate.thresholds.threshold, decision.gate.policy), folder / "tradeoff.png"
    )
    write_json(path, sealed(content))
    return folder


def gate_json(decision: Decision) -> dict[str, Any]:
    """Return the content of gate.json: the gate, what it rests on, and what it does on other photos."""
    source, evidence = decision.source, decision.source.evidence.evidence
    return {
        "format": FORMAT,
        "castproof": __version__,
        "network": None if source.kind == CROSSVAL else network_hash(RunFolder(source.folder)),
        "gate": decision.gate.to_json(),
        "rests_on": {
            "kind": source.evidence_kind,
            "defective_parts": evidence.parts(defective=True),
            "good_parts": evidence.parts(defective=False),
            "defective_photos": evidence.photos(defective=True),
            "good_photos": evidence.photos(defective=False),
            "left_out": source.known,
            "also_chose_the_network": source.evidence_chose_the_network,
            "data_hash": source.manifest.data_hash(),
        },
        "asked": decision.asked.to_json(),
        "told_on": decision.told_on,
        "results": decision.results.to_json(),
        "proof": None if decision.proof is None else asdict(decision.proof),
        "promises": [{"miss_rate": rate, **asdict(row)} for rate, row in decision.promises],
    }


def _with_more_evidence(error: PromiseError, source: Source) -> PromiseError:
    """Return `error` with a cross-validation as a way out, where the evidence is the validation photos of a run."""
    if source.evidence_kind != RUN or error.needed is None:
        return error
    return PromiseError(
        error.problem,
        rule=error.rule,
        found=error.found,
        fix=f"{error.fix} A cross-validation makes evidence of all your parts, not only of those in val: "
        f"{more_evidence(source)}",
        needed=error.needed,
        best=error.best,
    )


def more_evidence(source: Source) -> str:
    """Return the commands that give a run the evidence of a cross-validation."""
    crossval = command(["crossval", source.settings.data])
    return f"{crossval}, with the flags of this training; then {program()} decide {source.folder} --evidence CROSSVAL"


def _proof(tested: Judged, policy: Policy, gate: Gate) -> Bound:
    return bound_of(sides(tested.evidence, policy), policy, gate.calibrator, gate.thresholds)


def _photo_rows(decision: Decision) -> list[tuple[object, ...]]:
    outcome = decision.outcome
    p_network = Calibrator().p(outcome.photos.logit)
    rows: list[tuple[object, ...]] = []
    for row, photo in enumerate(decision.photos):
        fold = int(outcome.photos.fold[row])
        at: Thresholds = outcome.gates[fold].thresholds
        p = float(outcome.p[row])
        rows.append(
            (
                photo.file,
                photo.part,
                "defective" if photo.defective else "good",
                photo.class_name,
                decision.told_on,
                fold,
                float(p_network[row]),
                p,
                at.threshold,
                at.reject_from,
                verdict_of(p, at).value,
            )
        )
    return rows
