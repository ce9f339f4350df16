"""What docs/audit.md says of flags, limits and files must be what the code does."""

import re
from pathlib import Path

from castproof.data import content_cache
from castproof.data.audit import FLAGS
from castproof.data.audit.outliers import LEAST_PHOTOS, ODD_OBJECT_SPREADS, ODD_OBJECT_TIMES, RULES
from castproof.data.audit.parts import ODD_LABEL_BELOW, THIN_BELOW
from castproof.data.audit.shortcuts import CHANCE_WIDTHS, NOTICEABLE_FROM, STATISTICS, STRONG_FROM
from castproof.modelfile.photo_numbers import BRIGHT_FROM
from castproof.pipeline import audit

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_flags_are_told_in_their_order() -> None:
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == FLAGS


def test_limits_are_those_of_the_code() -> None:
    rules = {rule.flag: rule for rule in RULES}
    assert {rule.spreads for rule in RULES} == {5}
    assert ODD_OBJECT_SPREADS == 7
    assert ODD_OBJECT_TIMES == 2
    assert rules["dark"].at_least == 30
    assert f"by {rules['over-exposed'].at_least:.0%}" in PAGE
    assert f"by {rules['glare'].at_least:.0%}" in PAGE
    assert f"from grey level {BRIGHT_FROM}" in PAGE
    assert f"fewer than {LEAST_PHOTOS} photos" in PAGE
    assert f"confidence below {THIN_BELOW}" in PAGE
    assert ODD_LABEL_BELOW == 1 / 3
    assert CHANCE_WIDTHS == 2
    assert f"| noticeable | from {NOTICEABLE_FROM} |" in PAGE
    assert f"| strong | from {STRONG_FROM} |" in PAGE
    assert f"({', '.join(STATISTICS)})" in PAGE


def test_files_and_cache_are_those_of_the_code() -> None:
    for name in (audit.AUDIT_HTML, audit.AUDIT_JSON, audit.MANIFEST_CSV):
        assert f"| `{name}` |" in PAGE
    assert f"`{content_cache.CACHE_VARIABLE}`" in PAGE
    assert f"the {content_cache.MAX_RESULTS} data sets" in PAGE
    assert 256 * content_cache.MAX_ENTRIES_PER_FILE == 512_000
