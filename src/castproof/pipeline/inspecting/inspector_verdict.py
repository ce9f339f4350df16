"""What an inspector decided about a photo, and the journal of it: entries are added, never changed or taken away."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from castproof.errors import SettingError
from castproof.measure.decision import DECISIVE, Verdict


@dataclass(frozen=True)
class InspectorVerdict:
    """What an inspector decided about one photo, beside what the model said.

    Args:
        file: path below the folder of photos, with forward slashes.
        sha256: of the photo's file, hex.
        model_id: SHA-256 of the model file, hex.
        threshold: in [0, 1]; only a p_defective below it is ACCEPT.
        reject_from: in [threshold, 1]; REJECT begins there.
        p_defective: in [0, 1], None where the photo could not be judged.
        verdict: the model's, at these thresholds.
        decided: the inspector's, ACCEPT or REJECT.
        reason: why, one of the inspector's list, or "".
        comment: anything else, or "".
        inspector: name of the inspector.
        when: UTC, ISO 8601 with milliseconds; see `utc_now`.

    Raises:
        SettingError: `decided` is neither ACCEPT nor REJECT, or a number is out of its range.
    """

    file: str
    sha256: str
    model_id: str
    threshold: float
    reject_from: float
    p_defective: float | None
    verdict: Verdict
    decided: Verdict
    reason: str
    comment: str
    inspector: str
    when: str

    def __post_init__(self) -> None:
        numbers = (self.threshold, self.reject_from, 0.0 if self.p_defective is None else self.p_defective)
        if self.decided in DECISIVE and all(0.0 <= one <= 1.0 for one in numbers):
            return
        raise SettingError(
            f"This is no verdict of an inspector on {self.file}.",
            rule="It is ACCEPT or REJECT; p_defective and the thresholds are numbers from 0 to 1.",
            found=f"Found {self.decided}, p_defective {self.p_defective!r}, thresholds {numbers[:2]}.",
        )

    @property
    def agrees(self) -> bool | None:
        """Whether the inspector decided as the model did; None where the model left it to the inspector."""
        if self.verdict not in DECISIVE:
            return None
        return self.decided is self.verdict


@dataclass(frozen=True)
class JournalEntry:
    """One entry of the journal: a verdict, or that one is withdrawn.

    Args:
        entry_id: random, hex; the same in every file that the entry is copied to.
        program: random, hex; which running program wrote it.
        file: the photo, see `InspectorVerdict`.
        verdict: None where one is withdrawn.
        withdraws: `entry_id` of the verdict that is withdrawn, else "".
        inspector: who wrote it.
        when: UTC, ISO 8601 with milliseconds.
    """

    entry_id: str
    program: str
    file: str
    verdict: InspectorVerdict | None
    withdraws: str
    inspector: str
    when: str


def verdict_entry(verdict: InspectorVerdict, program: str) -> JournalEntry:
    """Return the entry that holds `verdict`."""
    return JournalEntry(new_id(), program, verdict.file, verdict, "", verdict.inspector, verdict.when)


def withdrawal_entry(withdrawn: JournalEntry, program: str, inspector: str) -> JournalEntry:
    """Return the entry that withdraws the verdict in `withdrawn`, now."""
    return JournalEntry(
        new_id(),
        program,
        withdrawn.file,
        None,
        withdrawn.entry_id,
        inspector or withdrawn.inspector,
        utc_now(),
    )


def valid_entries(entries: Iterable[JournalEntry]) -> list[tuple[JournalEntry, InspectorVerdict]]:
    """Return the verdicts of a journal that are not withdrawn, in its order."""
    listed = list(entries)
    withdrawn = {one.withdraws for one in listed if one.withdraws}
    return [(one, one.verdict) for one in listed if one.verdict is not None and one.entry_id not in withdrawn]


def latest_of(entries: Iterable[JournalEntry]) -> dict[str, InspectorVerdict]:
    """Return the latest verdict on every file that is not withdrawn, whoever gave it.

    The latest is the one whose `when` is, since an older one may come into the journal after it: it waited behind a
    lock or in another file. Of those of one time, the last in the journal counts.
    """
    by_time = sorted(valid_entries(entries), key=lambda pair: pair[1].when)
    return {entry.file: verdict for entry, verdict in by_time}


def utc_now() -> str:
    """Return the time now, UTC, such as 2026-11-26T05:59:02.123Z."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_after(earlier: str) -> str:
    """Return the time now, but later than `earlier`: another station's clock may be ahead of this one's.

    Args:
        earlier: a time as `utc_now` gives it; "" for none.
    """
    now = utc_now()
    if now > earlier:
        return now
    moved = datetime.fromisoformat(earlier.replace("Z", "+00:00")) + timedelta(milliseconds=1)
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """Return 32 random hex digits."""
    return uuid.uuid4().hex
