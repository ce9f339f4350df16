"""Opening models, folders and photos: by dialog, by recent list, by drop, by paste."""

from collections.abc import Sequence
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Final

from castproof.apps.inspector.card_window import show_card
from castproof.apps.inspector.events import ModelOpened
from castproof.apps.inspector.message_strip import NOTE
from castproof.apps.inspector.old_model_dialog import OldModelDialog
from castproof.apps.inspector.pasting import pasted_paths, pasted_picture
from castproof.data.folders import is_photo_name
from castproof.errors import CastproofError
from castproof.images import IMAGE_SUFFIXES
from castproof.pipeline.inspecting.model_kind import ModelKind, what_is
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings
from castproof.pipeline.inspecting.opening import (
    OldModelFile,
    OpenModel,
    changed_verdicts,
    open_old_model,
)
from castproof.pipeline.inspecting.photo_list import chosen_photos
from castproof.progress import Progress
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

_COMPARED: Final = 20


class Opening:
    """Commands of the menu Open."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._settings: dict[str, OldModelSettings] = {}

    def open_model(self) -> None:
        """Ask for a model and open it."""
        kinds = [(tr("Models"), "*.onnx *.pt *.pth *.pt2 *.ts"), (tr("All files"), "*")]
        chosen = filedialog.askopenfilename(
            parent=self._desk.root, title=tr("Open a model"), filetypes=kinds, initialdir=self._near_model()
        )
        if chosen:
            self.use_model_path(chosen)

    def open_folder(self) -> None:
        """Ask for a folder of photos and open it."""
        chosen = filedialog.askdirectory(
            parent=self._desk.root,
            title=tr("Open a folder of photos"),
            initialdir=self._near_photos(),
            mustexist=True,
        )
        if chosen:
            self.use_folder_path(chosen)

    def open_photo(self) -> None:
        """Ask for photos and open them."""
        endings = " ".join(f"*{one}" for one in sorted(IMAGE_SUFFIXES))
        kinds = [(tr("Photos"), f"{endings} {endings.upper()}"), (tr("All files"), "*")]
        chosen = filedialog.askopenfilenames(
            parent=self._desk.root, title=tr("Open photos"), filetypes=kinds, initialdir=self._near_photos()
        )
        if chosen:
            self.use_photo_paths([Path(one) for one in chosen])

    def paste(self) -> None:
        """Open what lies on the clipboard: a picture, or the path of a photo, a folder or a model."""
        copied = pasted_paths(self._desk.root)
        if copied:
            self.use_paths(copied)
            return
        try:
            found = pasted_picture(self._desk.root, self._desk.data_folder)
        except CastproofError as error:
            self._desk.tell_problem(tr("Paste"), error)
            return
        if found:
            self.use_paths(found)
        else:
            self._desk.tell(
                NOTE,
                tr(
                    "The clipboard contains no picture and no path. Copy a photo, or a file, and paste it here."
                ),
            )

    def show_card(self) -> None:
        """Show what the model says of itself."""
        model = self._desk.session.model
        if model is not None:
            show_card(self._desk.root, model, self._desk.colours, self._desk.window.scale)

    def use_paths(self, paths: Sequence[Path]) -> None:
        """Open what was dropped or pasted: a model, a folder, or photos."""
        photos = [one for one in paths if is_photo_name(one.name) and not one.is_dir()]
        folders = [one for one in paths if one.is_dir() and what_is(one) is not ModelKind.RUN_FOLDER]
        for one in paths:
            if one not in photos and one not in folders:
                self.use_model_path(one)
        if folders:
            self.use_folder_path(folders[0])
        elif photos:
            self.use_photo_paths(photos)

    def use_folder_path(self, folder: "Path | str") -> None:
        """Open a folder of photos."""
        self._desk.engine.list_photos(Path(folder))

    def use_photo_paths(self, photos: Sequence[Path]) -> None:
        """Open these photos."""
        self._desk.engine.take_photos(lambda: chosen_photos(photos))

    def use_given_photos(self, path: Path) -> None:
        """Open the folder or the photo that the program was started with."""
        if path.is_file():
            self.use_photo_paths([path])
        else:
            self.use_folder_path(path)

    def use_last_model(self, path: Path) -> None:
        """Open the model that was open last; an old one is not, since a person must agree to it again."""
        self._desk.engine.open_unknown(path.absolute(), ask=False)

    def use_model_path(self, path: "Path | str") -> None:
        """Open a model; of an old one a person is asked what its file does not say."""
        self._desk.engine.open_unknown(Path(path).absolute())

    def old_model_settings(self) -> None:
        """Ask again for what the file of the open old model does not say."""
        model = self._desk.session.model
        if model is not None and model.settings is not None:
            self.ask_old_model(OldModelFile(model.source, model.kind, model.source_sha256))

    def ask_old_model(self, file: OldModelFile) -> None:
        """Ask for what the file of an old model does not say, and open it."""
        desk = self._desk
        kept = desk.preferences.old_model(file.sha256) or OldModelSettings()
        start = self._settings.get(file.sha256, kept)

        def done(settings: OldModelSettings | None) -> None:
            if settings is not None:
                self._settings[file.sha256] = settings
                desk.keep(desk.preferences.with_old_model(file.sha256, settings))
                before, photos = desk.session.model, self._some_photos()
                desk.engine.open_model(
                    tr("Open model"), lambda progress: _reopened(file, settings, before, photos, progress)
                )

        OldModelDialog(desk.root, file, start, done, colours=desk.colours, scale=desk.window.scale)

    def _some_photos(self) -> list[Path]:
        """Return a few of the open photos, evenly spaced."""
        photos = self._desk.session.photos
        if photos is None:
            return []
        return [photos.path(place) for place in range(0, len(photos), -(-len(photos) // _COMPARED))]

    def _near_model(self) -> str:
        last = self._desk.preferences.last_model
        return str(Path(last).parent) if last and Path(last).parent.is_dir() else str(Path.home())

    def _near_photos(self) -> str:
        recent = self._desk.preferences.recent_folders
        return recent[0] if recent and Path(recent[0]).is_dir() else self._near_model()


def _reopened(
    file: OldModelFile,
    settings: OldModelSettings,
    before: OpenModel | None,
    photos: Sequence[Path],
    progress: Progress,
) -> ModelOpened:
    """Return an old model, and what its settings do to verdicts where it was open with others before."""
    opened = open_old_model(file.path, settings, progress)
    was_open = before is not None and before.source_sha256 == opened.source_sha256
    return ModelOpened(opened, changed_verdicts(before, opened, photos) if before and was_open else None)
