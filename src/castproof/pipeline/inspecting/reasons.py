"""Why an inspector says something else than a model: reasons to choose from."""

from castproof.measure.decision import Verdict
from castproof.translation import tr


def usual_reasons(verdict: Verdict, decided: Verdict) -> tuple[str, ...]:
    """Return the reasons to choose from where the user has none of their own.

    Args:
        verdict: of the model.
        decided: what the inspector says instead.
    """
    if verdict is Verdict.NOT_INSPECTED:
        return (tr("I looked at the part itself"), tr("I looked at the photo in another program"))
    if decided is Verdict.REJECT:
        return (tr("defect overlooked by the model"), tr("defect outside of the photo"), tr("bad photo"))
    return (
        tr("only dirt, oil or water"),
        tr("only a reflection or shadow"),
        tr("machining mark, no defect"),
        tr("within the tolerance"),
        tr("bad photo"),
    )
