"""What leaves the desk: the report, the verdicts as a table, photos in dispute, a picture of the window."""

import webbrowser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageGrab

from castproof.apps.inspector import PROGRAM
from castproof.apps.inspector.events import Written
from castproof.apps.inspector.message_strip import NOTE
from castproof.data.classes import Classes
from castproof.errors import OutputError
from castproof.files import atomic_path, beside, first_free
from castproof.pipeline.inspecting.batch import Batch
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.pipeline.inspecting.opening import OpenModel
from castproof.pipeline.inspecting.verdict_exports import export_disagreements, write_verdicts_csv
from castproof.progress import Progress
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

_REPORTS: Final = "_reports"
_DISAGREEMENTS: Final = "_disagreements"
_SETTLE_MS: Final = 250


class HandingOn:
    """Commands of the menu Hand on."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def report(self) -> None:
        """Write a report beside the folder and open it."""
        model, root = self._desk.session.model, self._photos_folder()
        if model is None or root is None or not self._desk.session.judgements.judged.any():
            self._desk.tell(
                NOTE, tr("There is nothing to report yet: open a model and a folder, and judge photos.")
            )
            return
        batch, folders = (
            self._batch(model, root),
            (beside(root, _REPORTS), self._desk.data_folder / "reports"),
        )

        def work(progress: Progress) -> Written:
            from castproof.pipeline.inspecting.batch_report import write_batch_report  # loads jinja2

            table, page = _in_one_of(
                folders, lambda folder: write_batch_report(folder, batch, progress, _heat(model))
            )
            webbrowser.open(page.as_uri())
            return Written(
                (table, page),
                tr("The report is in {page}, its table in {table}", page=page, table=table.name),
            )

        self._desk.engine.file(tr("Write the report"), work)

    def export_verdicts(self) -> None:
        """Ask for a file and write the inspectors' verdicts on the photos of the folder to it."""
        root = self._photos_folder()
        if root is None or not self._stored():
            self._desk.tell(
                NOTE,
                tr("There are no verdicts of yours on these photos yet: confirm (Enter), or say G or D."),
            )
            return
        chosen = filedialog.asksaveasfilename(
            parent=self._desk.root,
            title=tr("Verdicts as CSV"),
            defaultextension=".csv",
            initialdir=root.parent,
            initialfile=f"{root.name}_verdicts.csv",
            filetypes=[("CSV", "*.csv")],
        )
        if chosen:
            self.write_verdicts(Path(chosen))

    def write_verdicts(self, path: Path) -> None:
        """Write the inspectors' verdicts on the photos of the folder to `path`, and tell what is still open."""
        verdicts, model, left = self._stored(), self._desk.session.model, self._desk.session.left_open()
        card = None if model is None else model.model.card
        classes = {model.model.model_id: Classes(card.good, card.defective)} if model and card else {}
        told = tr("Verdicts: {count}, written to {path}", count=f"{len(verdicts):,}", path=path)
        if left.count:
            told += "\n" + tr(
                "Photos without your verdict: {count}, of these REVIEW {review} and NOT_INSPECTED {not_inspected}.",
                count=f"{left.count:,}",
                review=f"{left.review:,}",
                not_inspected=f"{left.not_inspected:,}",
            )

        def work(progress: Progress) -> Written:
            write_verdicts_csv(path, verdicts, classes)
            return Written((path,), told)

        self._desk.engine.file(tr("Write the verdicts"), work)

    def export_disagreements(self) -> None:
        """Ask for a folder and copy the photos in dispute below it, by the inspector's classes."""
        root = self._photos_folder()
        if not self._verdicts() or root is None:
            self._desk.tell(NOTE, tr("There are no verdicts of yours on these photos yet."))
            return
        chosen = filedialog.askdirectory(
            parent=self._desk.root,
            title=tr("Where should the folder with the disagreements go?"),
            initialdir=root.parent,
        )
        if chosen:
            self.write_disagreements(_free(Path(chosen) / f"{root.name}{_DISAGREEMENTS}"))

    def write_disagreements(self, target: Path) -> None:
        """Copy the photos in dispute to `target`, a new folder."""
        verdicts, model, root = self._verdicts(), self._desk.session.model, self._photos_folder()
        if model is None or root is None:
            return
        card = model.model.card

        def work(progress: Progress) -> Written:
            made = export_disagreements(root, verdicts, target, card.good, card.defective, progress)
            if not made.count:
                return Written((), tr("No photo is in dispute: nothing was copied."))
            told = tr("Photos copied for retraining: {count}, to {folder}", count=made.count, folder=target)
            left = "".join(f"\n• {name}: {why}" for name, why in made.left_out[:5])
            return Written(
                (target,), told + (tr("\nLeft out: {count}", count=len(made.left_out)) + left if left else "")
            )

        self._desk.engine.file(tr("Export the disagreements"), work)

    def screenshot(self) -> None:
        """Ask for a file and keep a picture of the window in it."""
        chosen = filedialog.asksaveasfilename(
            parent=self._desk.root,
            title=tr("Save screenshot"),
            defaultextension=".png",
            initialfile=f"{PROGRAM} {datetime.now().astimezone():%Y-%m-%d %H.%M.%S}.png",
            filetypes=[("PNG", "*.png")],
        )
        if chosen:
            self._desk.root.after(_SETTLE_MS, lambda: self.write_screenshot(Path(chosen)))

    def write_screenshot(self, path: Path) -> None:
        """Keep a picture of the window in `path`."""
        root = self._desk.root
        root.lift()
        root.update_idletasks()
        left, top = root.winfo_rootx(), root.winfo_rooty()
        box = (left, top, left + root.winfo_width(), top + root.winfo_height())
        try:
            picture: Image.Image = ImageGrab.grab(box)
            with atomic_path(path) as temporary:
                picture.save(temporary, "PNG")
        except OutputError as error:
            self._desk.tell_problem(tr("Save screenshot"), error)
        except OSError as error:
            failed = OutputError(
                tr("This system gives no pictures of windows to programs."),
                found=str(error),
                fix=tr("Use the screenshot key of the desktop."),
            )
            self._desk.tell_problem(tr("Save screenshot"), failed)
        else:
            self._desk.tell_done(tr("The screenshot is in {path}", path=path))

    def _photos_folder(self) -> Path | None:
        photos = self._desk.session.photos
        return None if photos is None else photos.root

    def _stored(self) -> list[InspectorVerdict]:
        """Return what counts in the file of verdicts, by name; also on photos that are not open, or have changed."""
        file = self._desk.verdict_file
        return [] if file is None else [one for _, one in sorted(file.latest().items())]

    def _verdicts(self) -> list[InspectorVerdict]:
        return [one for _, one in sorted(self._desk.session.verdicts.items())]

    def _batch(self, model: OpenModel, root: Path) -> Batch:
        session, card = self._desk.session, model.model.card
        return Batch(
            folder=root,
            predictions=session.predictions(),
            verdicts={one.file: one for one in self._verdicts()},
            model_name=model.name,
            model_id=model.model.model_id,
            good=card.good,
            defective=card.defective,
            thresholds=session.thresholds,
            own_thresholds=card.gate.thresholds,
            promises=session.promises,
            inspector=self._desk.preferences.inspector.strip(),
            when=datetime.now().astimezone(),
            pending=session.tally().pending,
        )


def _heat(model: OpenModel) -> "Callable[[Path], np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None]":
    return lambda path: model.model.inspect(path).heat_map


def _in_one_of(folders: tuple[Path, ...], write: Callable[[Path], tuple[Path, Path]]) -> tuple[Path, Path]:
    """Return what `write` wrote into the first of `folders` that can be written. Raises OutputError for the last."""
    for folder in folders[:-1]:
        try:
            return write(folder)
        except OutputError:
            continue
    return write(folders[-1])


def _free(folder: Path) -> Path:
    return first_free(
        lambda number: folder.with_name(f"{folder.name}_{number}" if number > 1 else folder.name)
    )
