"""An inspector's verdict is on the disk at once, and nothing takes it from there."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_verdicts import made

from castproof.errors import OutputError, SettingError
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting import verdict_database
from castproof.pipeline.inspecting.inspector_verdict import latest_of, verdict_entry, withdrawal_entry
from castproof.pipeline.inspecting.verdict_file import InspectorVerdict, VerdictFile
from castproof.pipeline.inspecting.verdict_places import path_beside, path_in

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of photos in a folder of its own."""
    path = tmp_path / "line 3" / "batch"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def fallback(tmp_path: Path) -> Path:
    """Return where verdicts go that cannot lie next to the folder; it is not there yet."""
    return tmp_path / "user" / "verdicts"


def verdicts(folder: Path, fallback: Path) -> dict[str, InspectorVerdict]:
    """Return what a program that starts now finds."""
    with closing(VerdictFile.open(folder, fallback)) as file:
        return file.latest()


def run(script: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a script that finds the packages, and the makers of these tests."""
    paths = [str(ROOT / "src"), str(Path(__file__).parent)]
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


def test_a_verdict_is_found_again_as_it_was_given(folder: Path, fallback: Path) -> None:
    odd = os.fsdecode(b"d\xff\xfe/p\xe9.png")
    given_ones = [
        made("a.png"),
        made(
            "sub/b.png",
            Verdict.ACCEPT,
            verdict=Verdict.REJECT,
            p_defective=0.1 + 0.2,
            comment="'); DROP --\n",
        ),
        made("c.png", verdict=Verdict.NOT_INSPECTED, p_defective=None, reason="", comment="\0", inspector=""),
        made(odd, comment="\ud800"),
    ]
    with closing(VerdictFile.open(folder, fallback)) as file:
        for one in given_ones:
            file.add(one)
    assert file.path == folder.parent / "batch.verdicts.sqlite"
    assert file.moved_from is None
    assert file.set_aside == file.waiting == ()
    assert verdicts(folder, fallback) == {one.file: one for one in given_ones}
    assert not fallback.exists()
    assert {path.name for path in folder.parent.iterdir()} == {"batch", "batch.verdicts.sqlite"}


@pytest.mark.parametrize(
    ("verdict", "agrees"),
    [
        (Verdict.ACCEPT, False),
        (Verdict.REJECT, True),
        (Verdict.REVIEW, None),
        (Verdict.NOT_INSPECTED, None),
    ],
)
def test_agreement_with_the_model(verdict: Verdict, agrees: bool | None) -> None:
    assert made(decided=Verdict.REJECT, verdict=verdict).agrees is agrees


@pytest.mark.parametrize(
    "wrong", [{"decided": Verdict.REVIEW}, {"p_defective": float("nan")}, {"threshold": -0.1}]
)
def test_what_is_no_verdict_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="no verdict of an inspector"):
        made(**wrong)  # type: ignore[arg-type]


def test_the_file_of_a_root_lies_inside_of_it() -> None:
    assert path_beside(Path("/")) == Path("/verdicts.sqlite")
    assert path_in(Path("/home/me"), Path("/")).name.startswith("root-")


def test_folders_of_one_name_have_fallback_files_of_their_own(tmp_path: Path) -> None:
    one, other = (path_in(tmp_path, tmp_path / line / "batch") for line in ("1", "2"))
    assert one != other
    assert one.name.startswith("batch-")
    (tmp_path / "link").symlink_to(tmp_path / "1" / "batch")
    assert path_in(tmp_path, tmp_path / "link") == one


KILLED = """
import os, signal, sys
from pathlib import Path
from made_verdicts import made
from castproof.pipeline.inspecting.verdict_file import VerdictFile
file = VerdictFile.open(Path(sys.argv[1]), Path(sys.argv[2]))
for number in range(3):
    file.add(made(f"{number}.png"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_stored_survives_a_kill(folder: Path, fallback: Path) -> None:
    assert run(KILLED, folder, fallback).returncode == -signal.SIGKILL
    assert list(verdicts(folder, fallback)) == ["0.png", "1.png", "2.png"]


WRITER = """
import sys
from contextlib import suppress
from pathlib import Path
from made_verdicts import made
from castproof.errors import OutputError
from castproof.pipeline.inspecting.verdict_file import VerdictFile
file = VerdictFile.open(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    with suppress(OutputError):  # the other program had the file for too long
        file.add(made(f"{sys.argv[3]} {number}.png", inspector=sys.argv[3]))
while file.waiting:
    with suppress(OutputError):
        file.retry()
file.close()
"""


def test_two_programs_write_at_once(folder: Path, fallback: Path) -> None:
    paths = os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(fallback), name],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("Ann", "Bob")
    ]
    for one in programs:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in programs:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    for one in programs:
        one.communicate(timeout=60)
        assert one.returncode == 0
    with closing(VerdictFile.open(folder, fallback)) as file:
        by_writer = {
            name: [one.file for one in file.history() if one.inspector == name] for name in ("Ann", "Bob")
        }
    assert by_writer == {name: [f"{name} {number}.png" for number in range(40)] for name in ("Ann", "Bob")}


def test_programs_see_each_other_and_agree_on_the_last_word(folder: Path, fallback: Path) -> None:
    with (
        closing(VerdictFile.open(folder, fallback)) as ann,
        closing(VerdictFile.open(folder, fallback)) as bob,
    ):
        assert ann.news() == bob.news() == ()
        ann.add(made(inspector="Ann"))
        bob.add(made(decided=Verdict.ACCEPT, inspector="Bob"))  # without having looked
        assert [one.inspector for one in bob.news()] == ["Ann"]
        assert [one.inspector for one in ann.news()] == ["Bob"]
        assert ann.news() == bob.news() == ()
        assert ann.latest() == bob.latest() == {"a.png": made(decided=Verdict.ACCEPT, inspector="Bob")}
        assert ann.history() == bob.history()
        assert ann.withdraw(made(decided=Verdict.ACCEPT, inspector="Bob"), inspector="Ann")
        assert bob.latest() == {"a.png": made(inspector="Ann")}
        (news,) = bob.news()
        assert (news.verdict, news.inspector, news.withdraws) == (None, "Ann", ann.history()[1].entry_id)


def test_a_withdrawn_verdict_stays_in_the_journal(folder: Path, fallback: Path) -> None:
    with closing(VerdictFile.open(folder, fallback)) as file:
        number = file.add(made())
        assert file.withdraw(number)
        assert not file.withdraw(number)
        assert not file.withdraw(made("never seen.png"))
        assert file.latest() == {}
        assert [one.withdraws for one in file.history()] == ["", number]
    with closing(sqlite3.connect(file.path)) as database:
        for change in ("UPDATE journal SET decided='ACCEPT'", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(change)


def test_the_latest_by_time_counts_wherever_it_stands_in_the_journal() -> None:
    times = ("2026-11-26T06:00:00.000Z", "2026-11-26T05:59:59.999Z", "2025-12-31T23:00:00.000Z")
    decided = (Verdict.REJECT, Verdict.ACCEPT, Verdict.ACCEPT)
    entries = [
        verdict_entry(made(decided=one, when=time), "p") for one, time in zip(decided, times, strict=True)
    ]
    for order in permutations(entries):
        assert latest_of(order) == {"a.png": entries[0].verdict}
        withdrawn = withdrawal_entry(entries[0], "p", "")
        assert latest_of([withdrawn, *order]) == {"a.png": entries[1].verdict}


def test_of_verdicts_of_one_time_the_last_in_the_journal_counts() -> None:
    entries = [verdict_entry(made(comment=text), "p") for text in ("first", "second")]
    assert latest_of(entries)["a.png"].comment == "second"
    assert latest_of(reversed(entries))["a.png"].comment == "first"


def test_an_older_verdict_that_comes_back_from_the_fallback_does_not_count(
    folder: Path, fallback: Path
) -> None:
    older = made(decided=Verdict.ACCEPT, when="2026-11-26T05:00:00.000Z")
    newer_one = made(decided=Verdict.REJECT, when="2026-11-26T06:00:00.000Z")
    elsewhere = folder.parent.with_name("unplugged")
    folder.parent.rename(elsewhere)
    with closing(VerdictFile.open(folder, fallback)) as file:
        file.add(older)
        assert file.moved_from is not None
    elsewhere.rename(folder.parent)
    with closing(VerdictFile.open(folder, folder / "other")) as file:
        file.add(newer_one)
    with closing(VerdictFile.open(folder, fallback)) as file:
        assert file.brought_back == 1
        assert [one.verdict for one in file.history()] == [newer_one, older]
        assert file.latest() == {"a.png": newer_one}


FILES = st.sampled_from(["a.png", "b/ä.png", "\udcff.png"])
STEPS = st.one_of(
    st.tuples(st.just("add"), FILES, st.sampled_from([Verdict.ACCEPT, Verdict.REJECT]), st.text(max_size=3)),
    st.tuples(st.just("withdraw"), st.integers(0, 12)),
    st.tuples(st.just("reopen")),
)


@settings(deadline=None, max_examples=25)
@given(steps=st.lists(STEPS, max_size=12))
def test_the_latest_are_those_of_a_plain_list(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "batch"
        file = VerdictFile.open(folder, folder)
        given_ones: list[tuple[str, InspectorVerdict]] = []
        withdrawn: set[str] = set()
        for kind, *rest in steps:
            if kind == "add":
                verdict = made(rest[0], rest[1], comment=rest[2])  # type: ignore[arg-type]
                given_ones.append((file.add(verdict), verdict))
            elif kind == "withdraw" and given_ones:
                number = given_ones[int(rest[0]) % len(given_ones)][0]  # type: ignore[call-overload]
                assert file.withdraw(number) == (number not in withdrawn)
                withdrawn.add(number)
            elif kind == "reopen":
                file.close()
                file = VerdictFile.open(folder, folder)
        expected = {one.file: one for number, one in given_ones if number not in withdrawn}
        assert file.latest() == expected
        assert len(file.history()) == len(given_ones) + len(withdrawn)
        file.close()


def test_a_file_without_a_folder_to_lie_in_goes_to_the_fallback(tmp_path: Path, fallback: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "batch"
    with closing(VerdictFile.open(folder, fallback)) as file:
        assert file.moved_from == tmp_path / "file" / "batch.verdicts.sqlite"
        assert file.path == path_in(fallback, folder)
        file.add(made())
    assert verdicts(folder, fallback) == {"a.png": made()}


AS_A_GUEST = """
import os, sys, json
from pathlib import Path
from made_verdicts import made
from castproof.pipeline.inspecting.verdict_file import VerdictFile
folder, fallback = Path(sys.argv[1]), Path(sys.argv[2])
file = VerdictFile.open(folder, fallback) if sys.argv[3] == "meanwhile" else None
if file:
    file.add(made("before.png"))
folder.parent.chmod(0o555)
if os.geteuid() == 0:
    os.setgroups([]); os.setegid(int(sys.argv[4])); os.seteuid(int(sys.argv[4]))
assert not os.access(folder.parent, os.W_OK, effective_ids=True)
file = file or VerdictFile.open(folder, fallback)
file.add(made("after.png"))
print(json.dumps([str(file.path), str(file.moved_from), list(file.latest())]))
"""


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Return a folder that every user of this machine may read, with a folder for a guest in it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "line" / "batch").mkdir(parents=True)
        (place / "guest").mkdir()
        (place / "guest").chmod(0o777)
        yield place
        (place / "line").chmod(0o755)


@pytest.mark.parametrize("when", ["from the start", "meanwhile"])
def test_a_read_only_place_sends_verdicts_to_the_fallback_and_later_takes_them_back(
    open_place: Path, when: str
) -> None:
    folder, fallback = open_place / "line" / "batch", open_place / "guest" / "verdicts"
    done = run(AS_A_GUEST, folder, fallback, when, NOBODY)
    assert done.returncode == 0, done.stderr
    files = [*(["before.png"] if when == "meanwhile" else []), "after.png"]
    beside = path_beside(folder)
    assert done.stdout.strip() == str([str(path_in(fallback, folder)), str(beside), files]).replace("'", '"')
    folder.parent.chmod(0o755)
    with closing(VerdictFile.open(folder, fallback)) as file:
        assert file.path == beside
        assert list(file.latest()) == files
        assert file.brought_back == 1
    with closing(VerdictFile.open(folder, fallback)) as file:
        assert len(file.history()) == len(files)
        assert file.brought_back == 0


def test_a_folder_that_vanishes_takes_no_verdict_with_it(folder: Path, fallback: Path) -> None:
    file = VerdictFile.open(folder, fallback)
    file.add(made("before.png"))
    folder.parent.rename(folder.parent.with_name("unplugged"))
    file.add(made("after.png"))
    assert file.moved_from == path_beside(folder)
    assert file.path.parent == fallback
    assert not folder.parent.exists()
    assert list(file.latest()) == ["before.png", "after.png"]
    file.close()
    assert list(verdicts(folder, fallback)) == ["before.png", "after.png"]


def test_a_file_of_verdicts_that_somebody_deletes_is_written_anew(folder: Path, fallback: Path) -> None:
    file = VerdictFile.open(folder, fallback)
    file.add(made("before.png"))
    file.path.unlink()
    file.add(made("after.png"))
    file.close()
    assert file.moved_from is None
    assert list(verdicts(folder, fallback)) == ["before.png", "after.png"]


def test_where_nothing_can_be_written_verdicts_wait_in_memory(folder: Path, fallback: Path) -> None:
    file = VerdictFile.open(folder, fallback)
    folder.parent.rename(folder.parent.with_name("unplugged"))
    fallback.parent.write_text("in the way")
    for name in ("1.png", "2.png"):
        with pytest.raises(OutputError, match="Nor can they be written"):
            file.add(made(name))
    assert [one.file for one in file.waiting] == list(file.latest()) == ["1.png", "2.png"]
    fallback.parent.unlink()
    assert file.withdraw(made("1.png"))
    assert file.waiting == ()
    file.close()
    assert list(verdicts(folder, fallback)) == ["2.png"]


FULL = """
import resource, sys
from pathlib import Path
from made_verdicts import made
from castproof.errors import OutputError
from castproof.pipeline.inspecting.verdict_file import VerdictFile
file = VerdictFile.open(Path(sys.argv[1]), Path(sys.argv[2]))
file.add(made("first.png"))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
told = []
for limit in (0, 5000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        file.add(made(f"{limit}.png", comment="x" * 9000))
    except OutputError as error:
        told.append(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
assert len(told) == 2 and all("Free some space" in one.fix for one in told), told
assert [one.file for one in file.waiting] == ["0.png", "5000.png"]
assert list(file.latest()) == ["first.png", "0.png", "5000.png"]
file.retry()
assert file.waiting == () and file.moved_from is None
file.add(made("last.png"))
"""


def test_verdicts_that_a_full_disk_refuses_are_stored_first_later(folder: Path, fallback: Path) -> None:
    done = run(FULL, folder, fallback)
    assert done.returncode == 0, done.stderr
    assert list(verdicts(folder, fallback)) == ["first.png", "0.png", "5000.png", "last.png"]
    assert not fallback.exists()


def test_a_program_that_keeps_the_file_locked_is_told_of(
    folder: Path, fallback: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_database, "BUSY_S", 0.05)
    file = VerdictFile.open(folder, fallback)
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutputError, match="keeps it locked"):
            file.add(made("1.png"))
        with pytest.raises(OutputError, match="keeps it locked"):
            VerdictFile.open(folder, fallback)
        assert file.news() == ()
    file.add(made("2.png"))
    file.close()
    assert list(verdicts(folder, fallback)) == ["1.png", "2.png"]
    assert not fallback.exists()


def test_the_window_waits_half_a_second_for_a_lock_and_retries_later(folder: Path, fallback: Path) -> None:
    file = VerdictFile.open(folder, fallback)
    connection, _ = verdict_database.read_database(file.path)
    with closing(connection):
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (500,)
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="keeps it locked"):
            file.add(made("1.png"))
        with pytest.raises(OutputError, match="keeps it locked"):
            file.retry()
        assert [one.file for one in file.waiting] == ["1.png"]
        connection.execute("ROLLBACK")
    file.retry()
    assert file.waiting == ()
    file.close()
    assert list(verdicts(folder, fallback)) == ["1.png"]


def damaged(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xaa" * 4096
    return bytes(content)


def newer(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version=99")
    return path.read_bytes()


def with_a_trigger(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TRIGGER evil AFTER INSERT ON journal BEGIN SELECT 1; END")
    return path.read_bytes()


def with_an_odd_row(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as database, database:
        columns = "entry, program, file, withdraws, inspector, at, verdict, decided, before, checksum"
        database.execute(
            f"INSERT INTO journal ({columns}) VALUES ('1', '', 'b.png', '', '', '', 'ACCEPT', 'MAYBE', '', '')"
        )
    return path.read_bytes()


def with_bytes(path: Path, statement: str) -> bytes:
    """Return the file after `statement`, in which each Q then becomes a byte that no UTF-8 has."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
    return path.read_bytes().replace(b"QQQQ", b"\xff" * 4)


def with_a_name_that_is_no_text(path: Path) -> bytes:
    return with_bytes(path, "CREATE TABLE QQQQ (a)")


def with_an_error_that_is_no_text(path: Path) -> bytes:
    content = with_bytes(path, "CREATE TABLE b (c TEXT)")
    return content.replace(b"CREATE TABLE b", b"CREATE TABL\xff b")  # SQLite tells of it: near "TABL\xff"


def with_a_cell_that_is_no_text(path: Path) -> bytes:
    columns = "entry, program, file, withdraws, inspector, at, before, checksum"
    return with_bytes(path, f"INSERT INTO journal ({columns}) VALUES ('1', '', 'QQQQ', 'x', '', '', '', '')")


def text(path: Path) -> bytes:
    return b"file,verdict\n" * 1000


@pytest.mark.parametrize(
    ("broken", "salvaged"),
    [
        (damaged, []),
        (with_a_trigger, ["old.png"]),
        (with_an_odd_row, ["old.png"]),
        (with_a_name_that_is_no_text, ["old.png"]),
        (with_an_error_that_is_no_text, ["old.png"]),
        (with_a_cell_that_is_no_text, ["old.png"]),
        (text, []),
    ],
)
def test_a_broken_file_is_set_aside_and_kept(
    folder: Path, fallback: Path, broken: Callable[[Path], bytes], salvaged: list[str]
) -> None:
    with closing(VerdictFile.open(folder, fallback)) as file:
        file.add(made("old.png"))
    content = broken(file.path)
    file.path.write_bytes(content)
    with closing(VerdictFile.open(folder, fallback)) as opened:
        opened.add(made("new.png"))
        (aside,) = opened.set_aside
    assert aside.name.startswith("batch.verdicts.sqlite.broken-")
    assert aside.read_bytes() == content
    assert opened.moved_from is None
    assert opened.salvaged == len(salvaged)
    assert list(verdicts(folder, fallback)) == [*salvaged, "new.png"]


def test_a_file_damaged_while_it_is_open_is_set_aside_and_nothing_known_is_lost(
    folder: Path, fallback: Path
) -> None:
    file = VerdictFile.open(folder, fallback)
    file.add(made("1.png"))
    file.path.write_bytes(b"\xaa" * 40_000)
    file.add(made("2.png"))
    file.close()
    assert len(file.set_aside) == 1
    assert list(verdicts(folder, fallback)) == ["1.png", "2.png"]


def test_a_file_of_a_newer_program_is_left_as_it_is(folder: Path, fallback: Path) -> None:
    with closing(VerdictFile.open(folder, fallback)) as file:
        file.add(made("old.png"))
    content = newer(file.path)
    with pytest.raises(OutputError, match="newer version"):
        VerdictFile.open(folder, fallback)
    assert file.path.read_bytes() == content
    assert {path.name for path in folder.parent.iterdir()} == {"batch", "batch.verdicts.sqlite"}
    assert not fallback.exists()


def test_a_fallback_file_of_a_newer_program_is_left_as_it_is(folder: Path, fallback: Path) -> None:
    other = path_in(fallback, folder)
    fallback.mkdir(parents=True)
    connection, _ = verdict_database.read_database(other)
    connection.close()
    content = newer(other)
    with closing(VerdictFile.open(folder, fallback)) as file:
        file.add(made())
        assert file.set_aside == ()
    assert other.read_bytes() == content
    assert [path.name for path in fallback.iterdir()] == [other.name]


def test_verdicts_go_to_the_fallback_once_a_newer_program_has_taken_the_file(
    folder: Path, fallback: Path
) -> None:
    file = VerdictFile.open(folder, fallback)
    file.add(made("before.png"))
    content = newer(file.path)
    file.add(made("after.png"))
    assert file.moved_from == path_beside(folder)
    assert file.path == path_in(fallback, folder)
    assert file.waiting == file.set_aside == ()
    assert list(file.latest()) == ["before.png", "after.png"]
    file.close()
    assert file.moved_from.read_bytes() == content
    assert [one.file for one in verdict_database.read_file(file.path)] == ["before.png", "after.png"]
