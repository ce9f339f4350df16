"""The language of windows: English is the key, other languages are files."""

from collections.abc import Iterator

import pytest

from castproof.translation import ENGLISH, language, languages, tr, use_language


@pytest.fixture(autouse=True)
def english_before_and_after() -> Iterator[None]:
    use_language(ENGLISH)
    yield
    use_language(ENGLISH)


def test_english_comes_first_and_every_language_tells_its_own_name() -> None:
    found = languages()
    assert next(iter(found.items())) == ("en", "English")
    assert found["pl"] == "Polski"


def test_english_is_what_the_code_says() -> None:
    assert tr("Cancel") == "Cancel"
    assert tr("Photos: {count}", count=3) == "Photos: 3"


def test_another_language_is_spoken_from_now_on() -> None:
    use_language("pl")
    assert language() == "pl"
    assert tr("Cancel") == "Anuluj"
    assert tr("Photos: {count}", count=3) == "Zdjęcia: 3"
    use_language("en")
    assert tr("Cancel") == "Cancel"


@pytest.mark.parametrize("code", ["", "xx", "PL", "../pl", "pl.json", "__init__"])
def test_an_unknown_language_is_english(code: str) -> None:
    use_language("pl")
    use_language(code)
    assert language() == ENGLISH
    assert tr("Cancel") == "Cancel"


def test_a_text_that_a_language_lacks_stays_english() -> None:
    use_language("pl")
    assert tr("no such text {count}", count=3) == "no such text 3"


def test_values_are_put_in_as_they_are() -> None:
    assert tr("{path} is not empty.", path="{count}") == "{count} is not empty."
    assert tr("{path} is not empty.", path="C:\\a {0}") == "C:\\a {0} is not empty."


def test_braces_without_values_stay() -> None:
    assert tr("Card of {name}") == "Card of {name}"


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        tr("{a} of {b}", a=1)
