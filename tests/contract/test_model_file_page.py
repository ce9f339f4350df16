"""The page about model files: inputs, outputs, card, fields and limits are those of the code, in every language."""

import json
import re
from dataclasses import fields
from pathlib import Path

import onnxruntime
import pytest
from test_docs import blocks, first_names, names_in, page, table

import castproof
from castproof.modelfile import outputs
from castproof.modelfile.card import FORMAT
from castproof.modelfile.onnx_file import CARD_KEY, MAX_FILE_BYTES
from castproof.pipeline.exporting.chosen_photos import EXAMPLES, LEAST_COMPARED, NEAREST
from castproof.pipeline.exporting.parity import P_TOLERANCE
from castproof.runtime import model as runtime_model
from made_models import make_model_file, material

PAGE = page("model-file.md")
NAMES = {value for name, value in vars(outputs).items() if name.isupper() and isinstance(value, str)}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_file(tmp_path_factory.mktemp("page") / "model.onnx")


def test_inputs_and_outputs_are_those_of_the_file(file: Path) -> None:
    rows = {names_in([row[0]])[0]: row[1] for row in table("model-file.md", "What is in it").rows[:6]}
    assert set(rows) == NAMES
    session = onnxruntime.InferenceSession(file)
    puts = [*session.get_inputs(), *session.get_outputs()]
    assert {one.name for one in puts} == NAMES - {outputs.DEFECT_TYPES}  # its run has one type
    kinds = {"tensor(double)": "float64", "tensor(float)": "float32", "tensor(uint8)": "uint8"}
    for one in puts:
        assert kinds[one.type] in rows[one.name]
        if one.name != "image":
            shape = f"({', '.join(map(str, one.shape))}{',' * (len(one.shape) == 1)})"
            assert shape in rows[one.name]


def test_the_card_has_the_keys_of_the_page(file: Path) -> None:
    session = onnxruntime.InferenceSession(file)
    told = json.loads(session.get_modelmeta().custom_metadata_map[CARD_KEY])
    keys = re.findall(
        r"^\| `(\w+)` \|", PAGE.partition("| on the card |")[2].partition("\n\n")[0], re.MULTILINE
    )
    assert sorted(keys) == sorted(told)
    assert f"| `format` | {FORMAT};" in PAGE
    assert set(told["gate"]["thresholds"]) == {"threshold", "reject_from"}


def test_the_fields_of_an_inspection_are_those_of_the_page(file: Path) -> None:
    assert first_names(table("model-file.md", "In Python")) == [
        one.name for one in fields(castproof.Inspection)
    ]
    told = {names_in([row[0]])[0]: row[1] for row in table("model-file.md", "In Python").rows}
    assert names_in([told["latency_ms"]]) == list(
        castproof.load(file).inspect(material().photos[0]).latency_ms
    )


def test_figures_are_those_of_the_code() -> None:
    assert f"{LEAST_COMPARED} drawn" in PAGE
    assert f"the {NEAREST} nearest" in PAGE
    assert f"more than {P_TOLERANCE:.4f}" in PAGE
    assert f"more than {runtime_model.P_TOLERANCE:.3f}" in PAGE
    assert f"{runtime_model.HEAT_TOLERANCE:.0%}" in PAGE
    assert f"{MAX_FILE_BYTES >> 20} MiB" in PAGE
    assert "up to six" in PAGE
    assert EXAMPLES == 6


@pytest.mark.parametrize("language", ["python", "csharp", "cpp"])
def test_programs_in_every_language_use_the_names_of_the_file(language: str) -> None:
    found = blocks(PAGE, language)
    code = "\n".join(found)
    for name in ("p_defective", "image", "castproof", "model.onnx"):
        assert f'"{name}"' in code
    named = {"threshold", "reject_from"} if language != "cpp" else set()
    assert named <= set(re.findall(r'"(\w+)"', code))
