"""What the card of a model file tells a person: results, promise, photos, where it comes from. All of it is words."""

from pathlib import Path
from typing import Any, Final

from castproof.data.manifest import SPLITS, Manifest
from castproof.data.splits import part_key
from castproof.errors import CastproofError
from castproof.gate.gate import NO_DEFECTS_SEEN, Gate
from castproof.gate.results import Results, VerdictRates
from castproof.measure.intervals import Rate
from castproof.model.checkpoint import Checkpoint
from castproof.pipeline.exporting.parity import Parity
from castproof.pipeline.gate_words import promise_sentences
from castproof.pipeline.reporting.reported import Reported, reported
from castproof.wording import counted, decimal, percent

Section = dict[str, Any]

PREPROCESSING: Final = (
    "The whole photo, no crop, is squeezed to {size} x {size} pixels by an antialiased bilinear filter in float32, "
    "scaled to [0, 1] and normalised with mean {mean} and std {std} per channel (red, green, blue). The graph does it: "
    "give the raw pixels, uint8 (height, width, 1) for grey or (height, width, 3) for RGB."
)
NO_LICENCE: Final = (
    "Not stated. It was trained on your photos; castproof and its shipped weights are Apache-2.0."
)


def about_run(
    folder: Path, hparams: dict[str, Any], checkpoint: Checkpoint, manifest: Manifest, gate: Gate
) -> dict[str, Section]:
    """Return the sections of a card that tell of a run, by title.

    Args:
        folder: of the run.
        hparams: content of its hparams.json.
        checkpoint: its network.
        manifest: its photos.
        gate: its gate.
    """
    told = _reported(folder)
    return {
        "promise": _promise(told, gate),
        "results": _results(told),
        "photos": _photos(manifest, hparams),
        "network": _network(checkpoint, hparams),
        "provenance": _provenance(folder, hparams),
    }


def parity_section(parity: Parity) -> Section:
    """Return how alike the file and the trained network are."""
    heat = parity.largest_heat_difference
    return {
        "photos compared with PyTorch": f"{parity.photos:,}",
        "changed verdicts": f"{parity.changed_verdicts:,}",
        "changed defect types": f"{parity.changed_types:,}",
        "largest difference of p_defective": f"{parity.largest_p_difference:.2g}",
        "largest difference of heat, nats": "no heat map" if heat is None else f"{heat:.2g}",
    }


def _promise(told: Reported | None, gate: Gate) -> Section:
    section: Section = {"policy": gate.policy.name}
    if gate.knows_no_defects:
        section["promise"] = [f"none: {NO_DEFECTS_SEEN}", gate.calibrated_for]
    elif told is not None and told.decided:
        section["promise"] = promise_sentences(told.decision) or ["none"]
    else:
        section["promise"] = ["none: no gate is described here; see castproof decide"]
    return section


def _results(told: Reported | None) -> Section:
    if told is None:
        return {"measured on": "nothing: the run has no photos of parts that the network was not trained on"}
    results = told.decision.results
    return {
        "measured on": f"{counted(len(told.decision.photos), 'photo')}, {told.decision.told_on}, of parts that the "
        "network was not trained on; every part has the same weight, 95% intervals are clustered by part",
        "defective": _rates(results.defective),
        "good": _rates(results.good),
        "ECE, 15 bins": decimal(results.after.ece),
        "MCE, 15 bins": decimal(results.after.mce),
        "Brier score": decimal(results.after.brier),
        **_for_the_line(results),
    }


def _for_the_line(results: Results) -> dict[str, str]:
    """Return load and cost, which there are only at a stated share of defective parts."""
    if results.defect_rate is None:
        return {}
    return {
        "review load": f"{percent(results.review_load or 0.0)} at {percent(results.defect_rate)} defective parts",
        "expected cost of a part": f"{results.cost:.4g}",
    }


def _rates(rates: VerdictRates) -> dict[str, str]:
    names = {"ACCEPT": rates.accepted, "REVIEW": rates.reviewed, "REJECT": rates.rejected}
    return {name: _rate(rate) for name, rate in names.items()}


def _rate(rate: Rate) -> str:
    if rate.share is None or rate.low is None or rate.high is None:
        return "no photos"
    return (
        f"{percent(rate.share)} ({percent(rate.low)} to {percent(rate.high)}): "
        f"{rate.hits:,} of {counted(rate.photos, 'photo')}, {rate.parts_hit:,} of {counted(rate.parts, 'part')}"
    )


def _reported(folder: Path) -> Reported | None:
    try:
        return reported(folder)
    except CastproofError:
        return None


def _photos(manifest: Manifest, hparams: dict[str, Any]) -> Section:
    section: Section = {}
    for name in SPLITS:
        photos = manifest.of_split(name)
        parts = {
            defective: {part_key(one) for one in photos if one.defective == defective} for defective in (0, 1)
        }
        defective = sum(one.defective for one in photos)
        section[name] = (
            f"{counted(defective, 'defective photo')} of {counted(len(parts[1]), 'part')}, "
            f"{counted(len(photos) - defective, 'good photo')} of {counted(len(parts[0]), 'part')}"
        )
    section["data hash"] = str(hparams.get("data_hash", ""))
    return section


def _network(checkpoint: Checkpoint, hparams: dict[str, Any]) -> Section:
    spec, rule = checkpoint.spec, checkpoint.spec.preprocess
    return {
        "backbone": spec.model,
        "features": spec.features,
        "head": spec.head,
        "epoch": checkpoint.epoch,
        "starting weights": Path(str(hparams["settings"].get("weights", ""))).name,
        "preprocessing": PREPROCESSING.format(size=rule.size_px, mean=list(rule.mean), std=list(rule.std)),
    }


def _provenance(folder: Path, hparams: dict[str, Any]) -> Section:
    settings = hparams["settings"]
    return {
        "run": folder.resolve().name,
        "trained": str(hparams.get("started", "")),
        "recipe": str(settings.get("recipe", "")),
        "seed": settings.get("seed"),
        "hash of the starting weights": str(hparams.get("weights_hash", "")),
        "versions": dict(hparams.get("machine", {}).get("versions", {})),
    }
