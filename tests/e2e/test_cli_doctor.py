"""`castproof doctor`: what is there, what is missing, and whether what everything needs works."""

from pathlib import Path

from castproof_process import Server


def test_a_sound_installation_is_shown_with_its_extras(castproof: Server, tmp_path: Path) -> None:
    done = castproof.run(["doctor"], tmp_path, {"CASTPROOF_CACHE": str(tmp_path / "cache")})
    assert done.code == 0, done.text
    for word in ("castproof", "ONNX Runtime", "train", "inspector", "parquet", "PyTorch"):
        assert word in done.out
    assert str(tmp_path / "cache") in done.out.replace("\n", "").replace(" " * 10, "")


def test_a_cache_that_cannot_be_written_is_a_fault(castproof: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = castproof.run(["doctor"], tmp_path, {"CASTPROOF_CACHE": str(tmp_path / "file" / "cache")})
    assert done.code == 4, done.text
    assert "fault" in done.out
    assert "set CASTPROOF_CACHE" in " ".join(done.out.split())
