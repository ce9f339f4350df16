import pytest

from castproof.data.classes import Classes, reading_of, recognise_classes
from castproof.errors import ClassNameError, DataError

NAMES = {
    "good": """ok OK ok_front OK1 good Good_Parts GOOD-parts normal MT_Free free pass passed accepted iO i.O.
    conforming io non_defective no_defect defect-free crack_free NonDefective without_any_cracks O.K. no-scrap
    free_of_defects fehlerfrei gut in_Ordnung 合格 良品 ＯＫ not_bad no-anomaly sans_défaut""",
    "defective": """def def_front DEFECT defective ng NG N.G. nok NOK bad scrap scrapped reject Rejected fail
    failed faulty anomaly crack cracked Not_OK NotOK not-good nicht_ok nicht_in_ordnung n.i.O. NIO n_ok N-OK
    no_good non-conforming nonconforming abnormal Ausschuss défaut 不合格 不良品 KO no_pass""",
    "unclear": """bad_normal ok_with_defects not_quite_ok almost_ok false_reject pseudo-defect suspected_crack
    not_free unknown unlabelled other no_label okfront defectfree goodlooking n_def not_defect_free no_3_ok
    rework unclean""",
    "unknown": "MT_Blowhole scratch cold_shut smoke 0 1 classA front 2024-01-05 気孔 Lunker",
}


@pytest.mark.parametrize(
    ("name", "reading"), [(name, reading) for reading, names in NAMES.items() for name in names.split()]
)
def test_what_a_name_says(name: str, reading: str) -> None:
    assert reading_of(name) == reading


def test_a_name_with_a_space() -> None:
    assert reading_of("Not OK") == "defective"
    assert reading_of("good parts") == "good"


def test_classes_of_the_casting_folders() -> None:
    classes = recognise_classes(["ok_front", "def_front"])
    assert classes == Classes(("ok_front",), ("def_front",))
    assert classes.names == ("ok_front", "def_front")
    assert classes.is_defective("def_front")
    assert not classes.is_defective("ok_front")
    with pytest.raises(KeyError):
        classes.is_defective("other")


def test_unknown_names_are_defect_types_beside_a_good_one() -> None:
    classes = recognise_classes(["MT_Free", "MT_Blowhole", "MT_Uneven", "MT_Crack"])
    assert classes == Classes(("MT_Free",), ("MT_Blowhole", "MT_Crack", "MT_Uneven"))


def test_the_order_and_repetition_of_folders_do_not_matter() -> None:
    assert recognise_classes(["z", "ok", "a", "ok"]) == recognise_classes(["a", "ok", "z"])


@pytest.mark.parametrize(
    "folders",
    [
        ["0", "1"],
        ["def_front", "front"],
        ["ok", "def", "unlabelled"],
        ["ok_top", "okfront", "def"],
        ["scrap", "a", "b"],
    ],
)
def test_unclear_names_are_never_guessed(folders: list[str]) -> None:
    with pytest.raises(ClassNameError) as caught:
        recognise_classes(folders)
    assert all(repr(name) in caught.value.found for name in folders)
    assert "--ok" in caught.value.fix


def test_ok_decides_alone() -> None:
    assert recognise_classes(["0", "1", "2"], ok=["1"]) == Classes(("1",), ("0", "2"))
    assert recognise_classes(["ok", "def"], ok=["def"]) == Classes(("def",), ("ok",))
    assert recognise_classes(["Top", "side", "x"], ok=["top", "side"]) == Classes(("Top", "side"), ("x",))


def test_ok_with_another_form_of_the_same_letters() -> None:
    composed, decomposed = "Gu\u0308te", "G\u00fcte"
    assert recognise_classes([composed, "x"], ok=[decomposed]).good == (composed,)


def test_ok_that_is_no_folder() -> None:
    with pytest.raises(ClassNameError, match="'3' is not the name") as caught:
        recognise_classes(["0", "1"], ok=["3"])
    assert "'0', '1'" in caught.value.found


@pytest.mark.parametrize(
    ("folders", "ok", "missing"),
    [
        (["ok"], (), "defective"),
        (["ok", "good_top"], (), "defective"),
        (["def"], (), "good"),
        (["def", "scrap"], (), "good"),
        (["a", "b"], ["a", "b"], "defective"),
        (["parts"], (), "good"),
        ([], (), "defective"),
    ],
)
def test_one_kind_only(folders: list[str], ok: list[str], missing: str) -> None:
    with pytest.raises(DataError, match=f"no {missing} class"):
        recognise_classes(folders, ok)
