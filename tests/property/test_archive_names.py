"""Whatever an archive calls its entries: a name that is accepted lies below any folder, on every system."""

import ntpath
import os
import posixpath
import zipfile

import hypothesis.strategies as st
from hypothesis import example, given

from castproof.data.archive import safe_name

PARTS = st.one_of(
    st.sampled_from(["", ".", "..", "...", " ", ".. ", "C:", "ok", "a.jpg", "~", "\\..", "\0", "\\\\host"]),
    st.text(max_size=6),
)
NAMES = st.builds(
    lambda parts, end: "/".join(parts) + end, st.lists(PARTS, max_size=6), st.sampled_from(["", "/"])
)


@given(NAMES)
@example("../a.jpg")
@example("ok/../../a.jpg")
@example("C:a.jpg")
@example("./C:")
@example("ok./a.jpg")
@example("ok\\..\\..\\a.jpg")
def test_no_accepted_name_leaves_the_folder(raw: str) -> None:
    info = zipfile.ZipInfo("x")
    info.orig_filename = raw
    try:
        name = safe_name(info)
    except ValueError:
        return
    assert os.path.realpath(f"/dest/{name}") == posixpath.join("/dest", name).rstrip("/")
    for paths, dest in ((posixpath, "/dest"), (ntpath, "D:\\dest")):
        there = paths.normpath(paths.join(dest, name))
        assert paths.commonpath([dest, there]) == dest
    assert not {"..", "."} & {part.rstrip(" .") or ".." for part in name.split("/") if name}


@given(st.lists(st.text("abcäö鋳_- 0", min_size=1).map(lambda part: f"x{part}x"), min_size=1, max_size=5))
def test_plain_names_are_accepted_as_they_are(parts: list[str]) -> None:
    info = zipfile.ZipInfo("x")
    info.orig_filename = "/".join(parts)
    assert safe_name(info) == info.orig_filename
