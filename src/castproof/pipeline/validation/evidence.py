"""What a validation rests on, in sentences."""

from castproof.data.splits import part_key
from castproof.pipeline.validation.new_photos import SAME_FILE
from castproof.pipeline.validation.validate import Validation
from castproof.pipeline.validation.words import parts_words
from castproof.wording import counted


def evidence_lines(validation: Validation) -> list[str]:
    """Return what the validation rests on: which photos count, which do not, and what could not be looked at."""
    new, source = validation.new, validation.source
    found = [f"{counted(len(validation.judged.photos), 'new photo')} of {parts_words(validation)}."]
    same = sum(why == SAME_FILE for why in new.known.values())
    if new.known:
        found.append(
            f"{counted(len(new.known), 'photo')} {_do(len(new.known))} not count: {same:,} the run has already, and "
            f"{len(new.known) - same:,} show parts that it knows."
        )
    if new.manifest.unreadable:
        found.append(f"{counted(len(new.manifest.unreadable), 'photo')} cannot be read.")
    both = _both_labels(validation)
    if both:
        found.append(
            f"{counted(both, 'part')} {'has' if both == 1 else 'have'} good and defective photos: look whether the "
            "labels are right."
        )
    if validation.gone:
        found.append(
            f"{counted(validation.gone, 'photo')} of the run {'is' if validation.gone == 1 else 'are'} not where "
            f"{'it was' if validation.gone == 1 else 'they were'} any more: parts of "
            f"{'it' if validation.gone == 1 else 'them'} are known by identical files alone."
        )
    if any(not photo.part for photo in source.manifest.photos):
        found.append(
            "The run does not know its parts: each of its photos counts as a part, which is too sure."
        )
    if not validation.gate_file:
        found.append("No gate was decided: the threshold of training is checked. See castproof decide.")
    return found


def _do(count: int) -> str:
    return "does" if count == 1 else "do"


def _both_labels(validation: Validation) -> int:
    keys = {(part_key(photo), photo.defective) for photo in validation.judged.photos}
    return len(keys) - len({key for key, _ in keys})
