"""What a cross-validation says of a leak."""

from castproof.apps.cli.crossval import leak_sentence


def test_a_leak_is_spoken_of_only_where_the_given_split_is_better() -> None:
    better = leak_sentence(0.99, 0.91, [0.9, 0.92])
    assert better.startswith(
        "The given split shows 0.9900, parts never seen 0.9100 (folds: 0.9000 to 0.9200)."
    )
    assert "difference is the leak" in better
    for given in (0.91, 0.85):
        worse = leak_sentence(given, 0.91, [0.9, 0.92])
        assert "no leak shows here" in worse
        assert "difference is the leak" not in worse
