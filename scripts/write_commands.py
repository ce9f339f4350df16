"""Write docs/commands.md, which is the help of every command: `uv run python scripts/write_commands.py`."""

import inspect
import re
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import typer

from castproof.apps.cli.main import command_line
from castproof.apps.cli.training_options import TRAINING_OPTIONS

PAGE: Final = Path(__file__).parents[1] / "docs" / "commands.md"
INTRODUCTION: Final = """# Commands

`castproof COMMAND --help` prints the same: this page is made of it by `scripts/write_commands.py`.
[Exit codes](troubleshooting.md#exit-codes) of all commands.
"""
READ_ON: Final = {
    "demo": "tutorial.md",
    "train": "training.md",
    "evaluate": "results.md#an-evaluation-folder",
    "export": "model-file.md",
    "card": "model-file.md",
    "convert": "legacy.md",
    "collect": "retraining.md",
    "doctor": "troubleshooting.md",
}


def commands_page() -> str:
    """Return docs/commands.md as it should be."""
    program: Any = typer.main.get_command(command_line())
    return "\n".join([INTRODUCTION, *(_section(name, one) for name, one in program.commands.items())])


def _section(name: str, command: Any) -> str:
    link = READ_ON.get(name, f"{name}.md")
    more = f"More: [{link.partition('.')[0].replace('-', ' ')}]({link})\n"
    return "\n".join([f"## castproof {name}\n", _told(command), more, *_parameters(name, command)])


def _told(command: Any) -> str:
    """Return the text of a help with its examples as a block."""
    text, _, examples = re.split(r"(\[bold\]Examples?\[/\]\n)", inspect.getdoc(command.callback) or "")
    lines = "\n".join(line for line in examples.splitlines() if line)
    return f"{_markdown(text)}```console\n{lines}\n```\n"


def _parameters(name: str, command: Any) -> list[str]:
    """Return the arguments and options, under the headings that the help has; a crossval learns as train does."""
    context = typer.Context(command, info_name=f"castproof {name}")
    own = [
        one
        for one in command.get_params(context)
        if one.name != "help" and not (name == "crossval" and one.name in TRAINING_OPTIONS)
    ]
    found = []
    for heading, parameters in groupby(own, key=lambda one: one.rich_help_panel or ""):
        records = [one.get_help_record(context) for one in parameters]
        found += [f"**{heading}**\n"] if heading else []
        found += [*(f"- `{words}`: {_markdown(text)}" for words, text in records), ""]
    if name == "crossval":
        found += [
            "And how a network learns, as of [train](#castproof-train): network, learning, threshold, seed, device.\n"
        ]
    return found


def _markdown(text: str) -> str:
    return re.sub(r"\[bold\](.*?)\[/\]", r"**\1**", text).replace("  [", " [")


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8", newline="\n")
