"""Which class folders contain good parts and which contain defective ones.

A folder name is cut into words. Words that say good or defective decide, together with a negation right
before them ("not ok", "non-defective") or a "free" beside them ("defect-free"). A name that says both, or
hedges, is unclear, and an unclear name is never guessed: taking defective parts for good ones is the mistake
that must not happen.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from castproof.errors import ClassNameError, DataError
from castproof.files import name_key

Reading = Literal["good", "defective", "unclear", "unknown"]

_GOOD = frozenset(
    """ok okay oks good goods normal pass passed passes passing accept accepted acceptable approved conform
    conforming conforme flawless faultless perfect intact sound undamaged clean nondefective
    io ordnung gut gute fehlerfrei bon bonne bueno buena buono buona bom boa
    合格 合格品 良品 良 正常 正常品 无缺陷 無欠陥 정상 양품 годен""".casefold().split()
)
_DEFECTIVE = frozenset(
    """def defs defect defects defective ng nok nio ko bad scrap scrapped reject rejected rejects fail failed
    fails failure fault faults faulty flaw flaws flawed anomaly anomalies anomalous abnormal broken damage
    damaged nonconforming unacceptable notok nogood crack cracks cracked
    defekt defekte fehler fehlerhaft ausschuss schlecht defaut defauts defectueux mauvais defecto defectos
    defectuoso malo difetto difetti difettoso
    不合格 不合格品 不良 不良品 缺陷 有缺陷 次品 废品 異常 异常 불량 брак""".casefold().split()
)
_FREE = frozenset({"free", "frei"})
_NEGATIONS = frozenset(
    {"not", "non", "no", "n", "nicht", "kein", "keine", "without", "ohne", "sans", "sin", "senza"}
)
_UNCLEAR = frozenset(
    """almost nearly maybe possible possibly probable probably likely suspect suspected suspicious doubtful
    borderline pseudo false fake semi half partly rework repair repaired review recheck unsure uncertain
    unknown unclear unlabeled unlabelled unsorted mixed ambiguous ignore ignored other others misc
    background all""".casefold().split()
)
_FILLERS = frozenset({"a", "an", "any", "of", "from", "in", "the"})
_GOOD_STEMS = tuple(
    word for word in (*_GOOD, *_FREE) if len(word) > 1 and word not in {"io", "bon", "bom", "boa"}
)


@dataclass(frozen=True)
class Classes:
    """The class folders of a data set, by their own names.

    Args:
        good: names of the folders that contain good parts, sorted.
        defective: names of the folders that hold defective parts, sorted; each is a defect type.
    """

    good: tuple[str, ...]
    defective: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All class names, the good ones first."""
        return self.good + self.defective

    def is_defective(self, name: str) -> bool:
        """Return whether class `name` contains defective parts. Raises KeyError for a name that is no class."""
        if name not in self.names:
            raise KeyError(name)
        return name in self.defective


def recognise_classes(
    folders: Sequence[str], ok: Sequence[str] = (), *, may_lack_defects: bool = False
) -> Classes:
    """Return which of `folders` are good and which are defective.

    Args:
        folders: the names of the class folders.
        ok: the names that are good, where a person says so; all others are then defective.
        may_lack_defects: whether good classes alone will do.

    Raises:
        ClassNameError: a name in `ok` is no folder, or the names do not say clearly which ones are good.
        DataError: there is no good or no defective class.
    """
    names = sorted(set(folders))
    good = {_find(name, names) for name in ok} if ok else _recognised_good(names)
    classes = Classes(
        tuple(name for name in names if name in good), tuple(name for name in names if name not in good)
    )
    missing = "defective" if not classes.defective else "good" if not classes.good else ""
    if missing and not (may_lack_defects and classes.good):
        raise DataError(
            f"There is no {missing} class.",
            rule="A labelled data set contains photos of good and of defective parts, in folders of their own.",
            found=f"The class folders are {_listed(names)}." if names else "There are no class folders.",
            fix=f"Add a folder with photos of {missing} parts"
            + ("." if ok else ", or name the good folders with --ok NAME.")
            + " To judge photos of one kind, use castproof predict.",
        )
    return classes


def refuse_alike(folders: Iterable[str]) -> None:
    """Raise DataError where two class folders differ in letter case only."""
    names = sorted(set(folders))
    alike = [name for name in names if [other.casefold() for other in names].count(name.casefold()) > 1]
    if alike:
        raise DataError(
            f"The class folders {', '.join(alike)} differ in letter case only.",
            rule="A class has the same folder name in every split.",
            fix="Rename them.",
        )


def reading_of(name: str) -> Reading:
    """Return what a folder name says: unclear means both or a hedge, unknown means nothing at all."""
    words = [word for word in _words(name) if word not in _FILLERS]
    padded = ["", *words, ""]
    said = {_word_reading(*padded[i - 1 : i + 2]) for i in range(1, len(words) + 1)} - {"unknown"}
    if not said:
        return "unknown"
    return said.pop() if len(said) == 1 else "unclear"


def _recognised_good(names: Sequence[str]) -> set[str]:
    readings = {name: reading_of(name) for name in names}
    good = {name for name, reading in readings.items() if reading == "good"}
    unsure = [name for name, reading in readings.items() if reading == "unclear"]
    if not good:
        unsure += [name for name, reading in readings.items() if reading == "unknown"]
    if unsure and len(names) > 1:
        raise ClassNameError(
            f"It is not clear from {_listed(unsure)} which class folders contain good parts.",
            rule="Names such as ok, good, normal, def, defect, ng, scrap are recognised.",
            found=f"The class folders are {_listed(names)}.",
            fix="Name every good folder: --ok NAME (once for each). All others then count as defective.",
            items=[f"{name!r}: {readings[name]}" for name in names],
        )
    return good


def _find(name: str, folders: Sequence[str]) -> str:
    if name in folders:
        return name
    alike = [folder for folder in folders if name_key(folder) == name_key(name)]
    if len(alike) == 1:
        return alike[0]
    raise ClassNameError(
        f"--ok {name!r} is not the name of a class folder.",
        found=f"The class folders are {_listed(folders)}.",
        fix="Give one of these names.",
    )


def _word_reading(before: str, word: str, after: str) -> Reading:
    if word in _GOOD:
        return "defective" if before in _NEGATIONS else "good"
    if word in _DEFECTIVE:
        return _defect_word_reading(before, after)
    if word in _FREE:
        return "unclear" if before in _NEGATIONS else "good"
    if word in _NEGATIONS:
        return "unknown" if after in _GOOD | _DEFECTIVE | _FREE else "unclear"
    if word in _UNCLEAR or word.startswith(_GOOD_STEMS) or word.endswith(_GOOD_STEMS):
        return "unclear"
    return "unknown"


def _defect_word_reading(before: str, after: str) -> Reading:
    if before == "n" or (before in _NEGATIONS and after in _FREE):
        return "unclear"
    return "good" if before in _NEGATIONS | _FREE or after in _FREE else "defective"


def _words(name: str) -> list[str]:
    """Return the words of `name`: "NotOK_2" is not, ok, 2; "n.i.O." is nio."""
    chunks = re.findall(r"[^\W_]+", _stripped(name))
    words: list[str] = []
    letters = ""
    for chunk in [*chunks, ""]:
        if len(chunk) == 1 and chunk.isalpha() and chunk.isascii():
            letters += chunk.casefold()
            continue
        if letters:
            words.append(letters)
            letters = ""
        words += [chunk.casefold()] if _is_known(chunk) else _camel_words(chunk)
    return words


def _camel_words(chunk: str) -> Iterable[str]:
    parts = re.findall(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\WA-Z\d_]+|[A-Z]", chunk)
    return (part.casefold() for part in parts)


def _is_known(chunk: str) -> bool:
    return chunk.casefold() in _GOOD | _DEFECTIVE | _FREE | _NEGATIONS | _UNCLEAR | _FILLERS


def _stripped(name: str) -> str:
    """Return `name` without accents and in plain letter forms (full width to normal)."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
