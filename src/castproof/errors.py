"""Every exception that castproof raises on purpose.

    CastproofError            anything that a person can act on
    ├── SettingError          a setting is out of its range, or two settings contradict each other
    ├── DataError             the photos or their folders do not fit the request
    │   ├── ClassNameError    it is not clear which class folders are good
    │   └── UnreadableError   photos of a data set cannot be decoded (carries the whole list)
    ├── ImageError            one photo cannot be decoded
    ├── WeightsError          pretrained weights are missing, unreachable or do not fit
    ├── RunError              a run folder is missing, incomplete or broken
    │   └── BrokenRunError    a file of a run folder is missing, broken or of another run
    ├── ModelFileError        a model file is broken, hostile, of an unknown format, or this machine disagrees with it
    ├── OutputError           a result cannot be written
    ├── PromiseError          the evidence cannot keep what a gate is asked to promise (carries what it can)
    └── MissingExtraError     an optional dependency is not installed

An error carries its parts as data; the programs decide how to show them.
"""

from collections.abc import Sequence


class CastproofError(Exception):
    """A problem that a person can solve, told in four parts.

    Args:
        problem: what is wrong, with the file or field that it is wrong with.
        rule: what would have been right.
        found: what was there instead.
        fix: what to do next.
        items: the single cases, where there are several (one line each).
    """

    def __init__(
        self, problem: str, *, rule: str = "", found: str = "", fix: str = "", items: Sequence[str] = ()
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.rule = rule
        self.found = found
        self.fix = fix
        self.items = tuple(items)

    def __str__(self) -> str:
        head = " ".join(part for part in (self.problem, self.rule, self.found, self.fix) if part)
        return "\n".join([head, *(f"  {item}" for item in self.items)])


class SettingError(CastproofError):
    """A setting is out of its range, or two settings contradict each other."""


class DataError(CastproofError):
    """The photos or their folders do not fit the request."""


class ClassNameError(DataError):
    """It is not clear which class folders contain good parts."""


class UnreadableError(DataError):
    """Photos of a data set cannot be decoded."""


class ImageError(CastproofError):
    """One photo cannot be decoded."""


class WeightsError(CastproofError):
    """Pretrained weights are missing, unreachable or do not fit the network."""


class RunError(CastproofError):
    """A run folder is missing, incomplete or broken."""


class BrokenRunError(RunError):
    """A file of a run folder is missing, broken or of another run."""


class ModelFileError(CastproofError):
    """A model file is broken, hostile, of an unknown format, or this machine disagrees with it."""


class OutputError(CastproofError):
    """A result cannot be written."""


class PromiseError(CastproofError):
    """The evidence cannot keep what a gate is asked to promise.

    Args:
        needed: how many defective parts it would take, where that is what is lacking.
        best: the smallest miss rate that the evidence can promise, where that is what is lacking.
    """

    def __init__(
        self,
        problem: str,
        *,
        rule: str = "",
        found: str = "",
        fix: str = "",
        needed: int | None = None,
        best: float | None = None,
    ) -> None:
        super().__init__(problem, rule=rule, found=found, fix=fix)
        self.needed = needed
        self.best = best


class MissingExtraError(CastproofError):
    """An optional dependency is not installed."""
