"""A model file in use: every kind of input and verdict, many threads, parts of several photos, other machines."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import castproof
from castproof import Inspection, Model
from castproof.errors import ImageError, ModelFileError, SettingError
from castproof.gate.gate import Gate
from castproof.measure.decision import Verdict
from castproof.modelfile.references import Reference
from made_models import CALIBRATOR, SHAPE, casting, colour, make_model_file, material, png, with_card, written

GREY_PHOTO = casting(5, 9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    return make_model_file(folder / "model.onnx")


@pytest.fixture(scope="module")
def model(file: Path) -> Model:
    return castproof.load(file)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return material().gate()


def told(one: Inspection) -> tuple[Any, ...]:
    """Return all that an inspection says, but for the time that it took."""
    heat = None if one.heat_map is None else one.heat_map.tobytes()
    said = (one.verdict, one.p_defective, one.logit, one.label, one.warnings, one.reason)
    return (*said, one.thresholds, one.model_id, heat)


# What an inspection says


def test_photos_get_what_the_network_and_the_gate_say(model: Model, gate: Gate) -> None:
    made = material()
    for pixels, logit, heat in zip(made.photos, made.logits, made.heats, strict=True):
        one = model.inspect(pixels)
        assert one.logit == pytest.approx(logit, abs=1e-4)
        assert one.p_defective == pytest.approx(float(CALIBRATOR.p(logit)), abs=1e-4)
        assert one.verdict is gate.verdict(one.p_defective)
        assert one.label == ("good" if one.verdict is Verdict.ACCEPT else "defective")
        assert one.heat_map is not None
        assert (one.heat_map.dtype, one.heat_map.shape) == (np.float32, (20, 20))
        np.testing.assert_allclose(one.heat_map, heat, atol=1e-4 * max(1.0, float(heat.max())))
        assert (one.warnings, one.reason, one.thresholds) == ((), "", gate.thresholds)
    assert {model.inspect(one).verdict for one in made.photos} == set(Verdict) - {Verdict.NOT_INSPECTED}


def test_an_inspection_tells_its_time_and_its_model(model: Model, file: Path) -> None:
    import hashlib

    one = model.inspect(GREY_PHOTO)
    assert one.model_id == model.model_id == hashlib.sha256(file.read_bytes()).hexdigest()
    assert set(one.latency_ms) == {"decode", "input_gate", "network", "total"}
    assert all(value >= 0 for value in one.latency_ms.values())
    assert one.latency_ms["total"] >= one.latency_ms["network"]
    assert model.path == file
    assert model.card.defective == ("blowhole", "crack")


def test_photos_unlike_those_of_training_are_for_a_person_whatever_the_network_says(
    model: Model, gate: Gate
) -> None:
    rng, without_warnings = np.random.default_rng(0), set()
    for _ in range(60):
        height, width, top = rng.integers((20, 20, 2), (90, 90, 256))
        one = model.inspect(rng.integers(0, top, (height, width), dtype=np.uint8))
        if not one.warnings:
            continue
        assert one.p_defective is not None
        verdict = gate.verdict(one.p_defective)
        without_warnings.add(verdict)
        assert one.verdict is Verdict.REVIEW
        assert one.label == ("good" if verdict is Verdict.ACCEPT else "defective")
    assert without_warnings == {Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda pixels: pixels // 20, "dark"),
        (lambda pixels: pixels[:, ::2], "shape"),
        (lambda pixels: np.full_like(pixels, 128), "contrast"),
        (lambda pixels: pixels[::4, ::4], "smaller"),
        (lambda pixels: np.stack([pixels, 255 - pixels, pixels], axis=2), "colour"),
    ],
)
def test_the_warning_says_what_is_wrong(model: Model, change: Callable[[Any], Any], word: str) -> None:
    assert any(word in warning for warning in model.inspect(change(GREY_PHOTO)).warnings)


# Inputs


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(Image.fromarray(GREY_PHOTO), "JPEG", exif=exif, quality=95)


def of_mode(mode: str) -> Image.Image:
    rng = np.random.default_rng(8)
    if mode == "I;16":
        return Image.fromarray(GREY_PHOTO.astype(np.uint16) * 257)
    rgb = Image.fromarray((colour(GREY_PHOTO) * np.array([1.0, 0.9, 0.8])).astype(np.uint8))
    if "A" in mode:
        image = rgb.convert(mode)
        image.putalpha(Image.fromarray(rng.integers(0, 256, SHAPE, dtype=np.uint8)))
        return image
    return rgb.convert(mode)


def test_path_text_and_bytes_are_one_photo(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "Gußteil 鋳物 1.png"
    path.write_bytes(png(GREY_PHOTO))
    data = path.read_bytes()
    ways = [path, str(path), data, bytearray(data), memoryview(data)]
    assert {told(model.inspect(one)) for one in ways} == {told(model.inspect(GREY_PHOTO))}


def test_arrays_are_what_a_file_of_the_same_pixels_is(model: Model) -> None:
    expected = told(model.inspect(png(GREY_PHOTO)))
    wide = np.zeros((SHAPE[0], 2 * SHAPE[1]), np.uint8)
    wide[:, ::2] = GREY_PHOTO
    frozen = GREY_PHOTO.copy()
    frozen.flags.writeable = False
    grey = [
        GREY_PHOTO,
        GREY_PHOTO[..., None],
        colour(GREY_PHOTO),
        wide[:, ::2],
        np.asfortranarray(GREY_PHOTO),
        frozen,
    ]
    assert {told(model.inspect(one)) for one in grey} == {expected}
    long = np.repeat(np.repeat(colour(GREY_PHOTO), 90, axis=0), 2, axis=1)
    assert told(model.inspect(long)) == told(model.inspect(png(long))), (
        "a side is averaged down to 4096 pixels"
    )
    tinted = np.array(of_mode("RGB"))
    assert told(model.inspect(tinted)) == told(model.inspect(png(tinted))) != expected
    assert told(model.inspect(tinted[..., ::-1])) != told(model.inspect(tinted)), "red is not blue"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16", "CMYK"])
def test_pillow_images_are_what_their_file_is(model: Model, mode: str) -> None:
    image = of_mode(mode)
    assert image.mode == mode
    assert told(model.inspect(image)) == told(
        model.inspect(written(image, "TIFF" if mode == "CMYK" else "PNG"))
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pillow_image_is_turned_like_its_file(model: Model, orientation: int) -> None:
    data = turned(orientation)
    one = model.inspect(Image.open(io.BytesIO(data)))
    assert told(one) == told(model.inspect(data))
    assert any("shape" in warning for warning in one.warnings) == (orientation >= 5)


def test_a_station_can_be_told_to_take_only_formats_with_checksums(model: Model) -> None:
    strict = castproof.load(model.path, only_checksummed=True)
    photo = Image.fromarray(GREY_PHOTO)
    sound = written(photo, "PNG")
    assert told(strict.inspect(sound)) == told(model.inspect(sound))
    assert told(strict.inspect(GREY_PHOTO)) == told(model.inspect(GREY_PHOTO))
    for kind in ("JPEG", "TIFF", "BMP", "WEBP"):
        assert model.inspect(written(photo, kind)).verdict is not Verdict.NOT_INSPECTED
        one = strict.inspect(written(photo, kind))
        assert one.verdict is Verdict.NOT_INSPECTED
        assert "is no PNG" in one.reason


@pytest.mark.parametrize(
    ("image", "word"),
    [
        ("no such.png", "no such.png"),
        (Path("no such.png"), "no such.png"),
        ("", "folder"),
        ("\0", "null"),
        (b"", "empty"),
        (b"verdict: ACCEPT\n", "not a photo"),
        (png(GREY_PHOTO)[:-200], "cut off"),
        (written(Image.fromarray(GREY_PHOTO), "JPEG")[:400], "cut off"),
        (np.zeros((9, 9), np.float32), "float32"),
        (np.zeros((9, 9), np.uint16), "uint16"),
        (np.zeros((9, 9), np.bool_), "bool"),
        (np.zeros((9, 9, 4), np.uint8), "(9, 9, 4)"),
        (np.zeros((9, 9, 2), np.uint8), "(9, 9, 2)"),
        (np.zeros((1, 9, 9, 3), np.uint8), "(1, 9, 9, 3)"),
        (np.zeros((0, 9), np.uint8), "(0, 9)"),
        (np.zeros(9, np.uint8), "(9,)"),
        (np.zeros((), np.uint8), "()"),
        (Image.new("F", (9, 9)), "floating-point"),
        (Image.new("I;16", (9, 9), 400), "nearly black"),
        (Image.new("L", (0, 9)), "no pixels"),
        (Image.open(io.BytesIO(written(Image.fromarray(GREY_PHOTO), "JPEG")[:400])), "cut off"),
        (Image.open(io.BytesIO(png(GREY_PHOTO)[:300])), "cut off"),
    ],
)
def test_what_cannot_be_read_is_not_inspected_and_says_why(model: Model, image: Any, word: str) -> None:
    one = model.inspect(image)
    assert one.verdict is Verdict.NOT_INSPECTED
    assert word in one.reason
    assert (one.p_defective, one.logit, one.label, one.heat_map, one.warnings) == (None, None, "", None, ())


def test_a_text_file_is_not_inspected(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_text("verdict: ACCEPT", encoding="utf-8")
    assert model.inspect(path).verdict is Verdict.NOT_INSPECTED


@pytest.mark.parametrize("image", [None, 7, [[0, 0], [0, 0]], np.uint8(3), object()])
def test_what_is_no_image_at_all_is_an_error_of_the_program(model: Model, image: Any) -> None:
    with pytest.raises(TypeError, match="image is needed"):
        model.inspect(image)


# Threads


def test_many_threads_get_what_one_gets(model: Model) -> None:
    photos = [*material().photos[:8], colour(GREY_PHOTO), casting(3, 99)[:, :40]]
    alone = [told(model.inspect(one)) for one in photos]
    barrier = threading.Barrier(8)

    def calls(thread: int) -> bool:
        barrier.wait()
        return all(
            told(model.inspect(photos[number % len(photos)])) == alone[number % len(photos)]
            for number in range(thread, thread + 50)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(calls, range(8)))


def test_many_threads_with_photos_of_four_megapixels_get_what_one_gets(model: Model) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
    alone = told(model.inspect(photo))
    with ThreadPoolExecutor(24) as pool:
        assert {told(one) for one in pool.map(model.inspect, [photo] * 24)} == {alone}


def test_models_can_be_loaded_side_by_side(file: Path) -> None:
    barrier = threading.Barrier(4)

    def load(_: int) -> tuple[Any, ...]:
        barrier.wait()
        return told(castproof.load(str(file)).inspect(GREY_PHOTO))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(load, range(4)))) == 1


# Parts of several photos


@pytest.mark.parametrize("combine", ["any/3", "2/3", "mean/3"])
def test_a_part_is_judged_as_the_gate_judges_it(folder: Path, combine: str) -> None:
    model = castproof.load(make_model_file(folder / "several.onnx", combine))
    gate, made = material().gate(combine), material()
    p_network = torch.sigmoid(torch.tensor(made.logits, dtype=torch.float64)).numpy()
    verdicts = set()
    for start in range(0, len(made.photos) - 2, 2):
        one = model.inspect_part(made.photos[start : start + 3])
        assert one.p_defective == pytest.approx(gate.p_of_part(p_network[start : start + 3]), abs=1e-4)
        assert one.verdict is gate.verdict(one.p_defective)
        assert (one.heat_map, one.warnings, one.reason) == (None, (), "")
        verdicts.add(one.verdict)
    assert len(verdicts) >= 2


@pytest.fixture(scope="module")
def worst_of_three(folder: Path) -> Model:
    return castproof.load(make_model_file(folder / "any3.onnx", "any/3"))


def test_a_photo_that_is_unlike_the_others_lets_no_part_pass(worst_of_three: Model) -> None:
    order = np.argsort(material().logits)
    photos = [material().photos[number] for number in order[:3]]
    assert worst_of_three.inspect_part(photos).verdict is Verdict.ACCEPT
    odd = np.repeat(photos[0], 2, axis=1)
    part = worst_of_three.inspect_part([*photos[:2], odd])
    assert part.verdict is Verdict.REVIEW
    assert any("shape" in warning for warning in part.warnings)
    assert len(part.warnings) == len(set(part.warnings))


@pytest.mark.parametrize("bad", [b"", "missing.png", np.zeros((9, 9), np.float64)])
@pytest.mark.parametrize("place", [0, 2])
def test_a_part_with_a_photo_that_cannot_be_read_is_not_inspected(
    worst_of_three: Model, bad: Any, place: int
) -> None:
    photos: list[Any] = list(material().photos[:2])
    photos.insert(place, bad)
    one = worst_of_three.inspect_part(photos)
    assert one.verdict is Verdict.NOT_INSPECTED
    assert one.p_defective is None
    assert one.reason


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_a_part_takes_the_photos_that_its_gate_takes(worst_of_three: Model, count: int) -> None:
    with pytest.raises(SettingError, match=f"takes 3 photos .* Found {count}"):
        worst_of_three.inspect_part(material().photos[:count])


def test_single_photos_are_refused_where_parts_are_judged_and_parts_where_photos_are(
    worst_of_three: Model, model: Model
) -> None:
    with pytest.raises(SettingError, match="any/3"):
        worst_of_three.inspect(GREY_PHOTO)
    with pytest.raises(SettingError, match="1 photo"):
        model.inspect_part([GREY_PHOTO] * 3)


# Another machine, or a changed file


def change_example(number: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        example = data["examples"][number]
        for key, value in values.items():
            example[key] = value(example[key]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_example(0, p_defective=lambda p: p + 0.002),
        change_example(1, p_defective=lambda p: p - 0.002),
        change_example(2, hottest=lambda heat: heat * 1.05 + 0.05),
        change_example(2, hottest=0.0),
        change_example(0, photo=""),
        change_example(0, photo="QUNDRVBU"),
        lambda data: data["examples"][0].update(photo=data["examples"][2]["photo"]),
        change_example(1, hottest=None),
    ],
)
def test_a_machine_that_says_anything_else_is_refused(
    file: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    other = with_card(file, tmp_path / "other.onnx", change)
    with pytest.raises(ModelFileError) as caught:
        castproof.load(other)
    assert "This machine disagrees with" in caught.value.problem
    assert str(other) in caught.value.problem
    assert all((caught.value.rule, caught.value.found, caught.value.fix))


def test_rounding_of_another_machine_is_no_disagreement(file: Path, tmp_path: Path) -> None:
    change = change_example(0, p_defective=lambda p: p + 0.0005, hottest=lambda heat: heat + 0.01)
    assert castproof.load(with_card(file, tmp_path / "near.onnx", change)).inspect(GREY_PHOTO).p_defective


def test_a_verdict_that_is_not_that_of_the_thresholds_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="verdict of example"):
        castproof.load(with_card(file, tmp_path / "other.onnx", change_example(2, verdict="ACCEPT")))


def test_the_name_of_a_model_file_can_be_given_as_text_or_path(file: Path) -> None:
    assert castproof.load(str(file)).model_id == castproof.load(file).model_id


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        castproof.load(tmp_path / "none.onnx")


# Photos of good parts to compare with


def carrying(source: Path, target: Path, photos: list[bytes]) -> Model:
    references = [Reference(f"{number}.png", "", photo).to_json() for number, photo in enumerate(photos)]
    return castproof.load(with_card(source, target, lambda card: card.update(references=references)))


def test_the_most_similar_good_part_is_found_for_any_kind_of_photo(file: Path, tmp_path: Path) -> None:
    model = carrying(file, tmp_path / "m.onnx", [png(casting(part, 0)) for part in range(5)])
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(casting(3, 0)[:, ::-1]))
    for image in (photo, str(photo), photo.read_bytes(), casting(3, 0), colour(casting(3, 0))):
        found = model.most_similar_good(image)
        assert found is not None
        assert found.name == "3.png"
        assert found.pixels.shape == SHAPE
        assert found.similarity > 0.99
    with pytest.raises(ImageError, match=r"missing\.png"):
        model.most_similar_good(tmp_path / "missing.png")
    with pytest.raises(TypeError):
        model.most_similar_good(None)  # type: ignore[arg-type]


def test_many_threads_find_what_one_finds(file: Path, tmp_path: Path) -> None:
    model = carrying(file, tmp_path / "m.onnx", [png(casting(part, 0)) for part in range(8)])
    photos = [casting(part, 0) for part in range(8)] * 3
    with ThreadPoolExecutor(4) as threads:
        found = [one.name for one in threads.map(model.most_similar_good, photos) if one is not None]
    assert found == [f"{part}.png" for part in range(8)] * 3


def test_no_verdict_rests_on_photos_of_good_parts(file: Path, model: Model, tmp_path: Path) -> None:
    other = carrying(file, tmp_path / "m.onnx", [png(casting(part, 0)) for part in range(3)])
    for image in (GREY_PHOTO, casting(0, 0), np.zeros(SHAPE, np.uint8)):
        one, same = told(model.inspect(image)), told(other.inspect(image))
        assert [*one[:7], one[8]] == [*same[:7], same[8]], "all but the name of the file"


def test_a_file_without_photos_of_good_parts_finds_none(model: Model, file: Path, tmp_path: Path) -> None:
    assert model.most_similar_good(GREY_PHOTO) is None
    assert carrying(file, tmp_path / "m.onnx", [b"\xff\xd8\xff broken"]).most_similar_good(GREY_PHOTO) is None
    old = with_card(file, tmp_path / "old.onnx", lambda card: card.pop("references"))
    assert castproof.load(old).most_similar_good(GREY_PHOTO) is None
