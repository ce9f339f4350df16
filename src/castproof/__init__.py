"""Photos of castings in, a visual-inspection gate out that one can prove."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from castproof.runtime.inspection import Inspection
    from castproof.runtime.model import Model, load

__version__ = "0.1.0"
__all__ = ["Inspection", "Model", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Return what runs a model file; it is loaded when it is first asked for, since numpy takes its time."""
    if name in ("Model", "load"):
        from castproof.runtime import model

        return getattr(model, name)
    if name == "Inspection":
        from castproof.runtime.inspection import Inspection

        return Inspection
    raise AttributeError(f"module 'castproof' has no attribute {name!r}")
