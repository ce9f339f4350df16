"""Photos of castings in, a visual-inspection gate out that one can prove."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from castproof.errors import CastproofError, ModelFileError
    from castproof.measure.decision import Verdict
    from castproof.runtime.inspection import Inspection
    from castproof.runtime.model import Model, load

__version__ = "0.1.0"
os.environ.setdefault(
    "ORT_DISABLE_TELEMETRY", "1"
)  # ONNX Runtime would report to its maker as soon as it is imported
__all__ = ["CastproofError", "Inspection", "Model", "ModelFileError", "Verdict", "__version__", "load"]
_HOMES = {
    "CastproofError": "castproof.errors",
    "ModelFileError": "castproof.errors",
    "Verdict": "castproof.measure.decision",
    "Inspection": "castproof.runtime.inspection",
    "Model": "castproof.runtime.model",
    "load": "castproof.runtime.model",
}


def __getattr__(name: str) -> Any:
    """Return what runs a model file; it is loaded when it is first asked for, since numpy takes its time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'castproof' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
