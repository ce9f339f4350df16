"""The first name that nothing has yet."""

from pathlib import Path

from castproof.files import first_free


def test_the_first_number_whose_path_is_free_is_taken(tmp_path: Path) -> None:
    def path_of(number: int) -> Path:
        return tmp_path / f"report-{number}"

    assert first_free(path_of) == path_of(1)
    path_of(1).mkdir()
    path_of(2).symlink_to(tmp_path / "nowhere")
    assert first_free(path_of) == path_of(3), "a link that leads nowhere is something, too"


def test_with_endings_all_of_them_must_be_free(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("")
    (tmp_path / "a2.html").write_text("")
    (tmp_path / "a3").write_text("")
    assert first_free(lambda number: tmp_path / f"a{number}", ".csv", ".html") == tmp_path / "a3"
