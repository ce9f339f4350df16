"""`castproof convert`: a model file from a model from elsewhere."""

from pathlib import Path
from typing import Annotated, Final

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    Bars,
    errors,
    escape,
    propose,
    tell,
    training_libraries,
)
from castproof.errors import SettingError
from castproof.measure.decision import Thresholds
from castproof.preprocess import IMAGENET_MEAN, IMAGENET_STD
from castproof.runtime.legacy_settings import CHANNELS, LOGITS, OUTPUTS, RGB, LegacySettings, Trust
from castproof.wording import counted

OWN: Final = {RGB: (IMAGENET_MEAN, IMAGENET_STD), "grey": ((0.5,), (0.5,))}


def convert_command(
    old: Annotated[
        Path,
        typer.Argument(help="TorchScript, torch.export or a whole pickled module.", metavar="FILE"),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The model file; its name ends in .onnx.", metavar="FILE")
    ],
    classes: Annotated[
        str, typer.Option(help="All classes in the order of the outputs, with commas between.", metavar="A,B")
    ],
    good: Annotated[str, typer.Option(help="Those of them that are good, with commas between.", metavar="A")],
    channels: Annotated[
        str, typer.Option(help="What the model takes.", metavar=f"[{'|'.join(CHANNELS)}]")
    ] = RGB,
    size: Annotated[int, typer.Option(help="Side of the square that goes in, pixels.")] = 224,
    resize: Annotated[
        int | None, typer.Option(help="Shorter side of the photo before --crop.", show_default="as it is")
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(help="Side of the square cut out of the middle.", show_default="the whole photo"),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(
            help="Per channel, from 0 to 1, with commas between.", show_default="of ImageNet; grey 0.5"
        ),
    ] = None,
    std: Annotated[
        str | None,
        typer.Option(
            help="Per channel, from 0 to 1, with commas between.", show_default="of ImageNet; grey 0.5"
        ),
    ] = None,
    output: Annotated[
        str, typer.Option(help="What comes out of the model.", metavar=f"[{'|'.join(OUTPUTS)}]")
    ] = LOGITS,
    threshold: Annotated[float, typer.Option(help="Where ACCEPT ends, on p_defective.")] = 0.5,
    reject_from: Annotated[
        float | None,
        typer.Option(help="Where REJECT begins; REVIEW lies between.", show_default="the threshold"),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos to compare the two on, and to store a few of.",
            show_default="made-up pictures",
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="Licence of the model, in words, for its card.", show_default="not stated"),
    ] = None,
    trust_pickle: Annotated[
        bool,
        typer.Option(
            "--trust-pickle",
            help="Let FILE run code on this computer, with all your rights: only where you know who made it.",
        ),
    ] = False,
    trust_torchscript: Annotated[
        bool,
        typer.Option(
            "--trust-torchscript",
            help="Let the TorchScript program in FILE run; it can write over your files.",
        ),
    ] = False,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Make a model file of an old PyTorch model, which then needs no PyTorch and runs no code when it is opened.

    Before it is written it is compared with the old model; a changed verdict leaves no file.

    [bold]Examples[/]

    castproof convert old.pt -o model.onnx --classes defective,ok --good ok --size 224 --trust-pickle

    castproof convert old.pt2 -o model.onnx --classes ok,scrap --good ok --resize 256 --crop 224 --photos today/
    """
    legacy = LegacySettings(
        classes=_names(classes),
        good=_names(good),
        channels=channels,
        size_px=size,
        mean=_numbers("--mean", mean) or OWN.get(channels, OWN[RGB])[0],
        std=_numbers("--std", std) or OWN.get(channels, OWN[RGB])[1],
        resize_px=resize,
        crop_px=crop,
        output=output,
    )
    thresholds = Thresholds(threshold, threshold if reject_from is None else reject_from)
    with training_libraries():
        from castproof.pipeline.exporting.convert import ConvertSettings, convert
    settings = ConvertSettings(
        legacy,
        Trust(pickle=trust_pickle, torchscript=trust_torchscript),
        thresholds,
        photos,
        licence or ConvertSettings.licence,
    )
    try:
        converted = convert(old, out, settings, Bars(wanted=not no_bars))
    except KeyboardInterrupt:
        errors.print("Stopped; no model file was written.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    tell(f"The model file is [bold]{escape(str(out))}[/] ({converted.size_bytes / 1e6:.1f} MB).")
    parity = converted.parity
    pictures = counted(parity.photos, "photo" if photos else "made-up picture")
    tell(
        f"Compared with the old model on {pictures}: {counted(parity.changed_verdicts, 'changed verdict')}, "
        f"largest difference of p_defective {parity.largest_p_difference:.1e}."
    )
    tell("It promises nothing, and judges any photo: the photos that it was trained on are not known.")
    propose("Look at its card", ["card", str(out)])


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _numbers(flag: str, text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in (text or "").split(",") if one.strip())
    except ValueError as error:
        raise SettingError(
            f"{flag} contains no numbers.",
            rule="It is numbers from 0 to 1 with commas between, one per channel.",
            found=f"Found {text!r}.",
            fix=f"Give for example {flag} 0.485,0.456,0.406",
        ) from error
