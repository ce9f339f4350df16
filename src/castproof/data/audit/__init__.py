"""What is wrong with a data set before anything is trained: pure findings from manifest and statistics."""

from castproof.data.audit.findings import FLAGS, Audit, find_everything

__all__ = ["FLAGS", "Audit", "find_everything"]
