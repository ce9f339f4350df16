"""Photos of castings in, a visual-inspection gate out that one can prove."""

__version__ = "0.1.0"
