"""Which checkpoints exist: found by name, told from their headers, never by their tensors."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from generation.errors import ModelError
from generation.header import Header, Kind, read_header, recognise

SDXL_NATIVE_SIZE = 1024
STARTER = "starter"
STARTER_FILE = Path(str(resources.files("generation"))) / "starter" / "easel-starter.safetensors"
STARTER_NOTE = (
    "This is the built-in starter, a tiny model for trying things: `easel models add FILE|HUB_ID` adds a real "
    "SDXL checkpoint (docs/models.md)."
)
_NEED_VAE = frozenset({Kind.SDXL_V_PREDICTION, Kind.SDXL_INPAINT, Kind.SDXL_REFINER})  # and are known with and without
_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+(@[\w./-]+)?$")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model that can be named in a request, or one file that cannot be used and why.

    Attributes:
        name: How people call it: the file's or folder's name without its ending, or the hub id.
        source: A single file, a diffusers folder, or a hub id (a str, with @revision where one was given).
        kind: What it is, in words.
        dtype: The weights' data type as the file says, "" where it is not known yet.
        size: Bytes on disk, 0 where they are not here yet.
        native_size: Side in pixels of the pictures it was trained on.
        problem: Why it cannot be used; None for a usable model.
        bundled: Whether it is the small model that comes with Easel.
        refines: Whether it can only go on with what another model began.
    """

    name: str
    source: Path | str
    kind: str
    dtype: str = ""
    size: int = 0
    native_size: int = SDXL_NATIVE_SIZE
    problem: str | None = None
    bundled: bool = False
    refines: bool = False


class Catalog:
    """The models a person may choose from: those named by the operator, a folder's, and the bundled starter.

    Reading it is cheap: a file is looked at again only when its size or time has changed. It does touch the
    disk, so keep it off the event loop. Not made for several threads at once.

    Args:
        folder: Where checkpoints lie; it need not exist.
        default: The operator's choice: a name, a file, a folder or a hub id.
        starter: The checkpoint that comes with Easel; None leaves it out.
        refiner: What else is named, likewise; None for nothing.
    """

    def __init__(
        self,
        folder: Path,
        default: str | None = None,
        starter: Path | None = STARTER_FILE,
        refiner: str | None = None,
    ) -> None:
        self._folder = folder
        self._starter = starter
        self._seen: dict[Path, tuple[tuple[int, int], ModelEntry]] = {}
        self._named = [_named(name) for name in (default, refiner) if name and _is_elsewhere(name)]
        self._default = _named(default).name if default and _is_elsewhere(default) else default

    def entries(self) -> tuple[ModelEntry, ...]:
        """Lists what is there, usable or not, by name; what the operator named comes first, the starter last."""
        in_folder = (self._look_at(path) for path in _candidates(self._folder))
        found = [*self._named, *sorted(in_folder, key=lambda entry: entry.name.lower())]
        if self._starter is None:
            return tuple(_distinct(found))
        starter, *others = _distinct([self._bundled(self._starter), *found])  # the first keeps its name
        return (*others, starter)

    def usable(self) -> tuple[ModelEntry, ...]:
        """Lists only what can be painted with."""
        return tuple(entry for entry in self.whole() if not entry.refines)

    def whole(self) -> tuple[ModelEntry, ...]:
        """Lists what can be painted with, and the refiners."""
        return tuple(entry for entry in self.entries() if entry.problem is None)

    def find(self, name: str) -> ModelEntry:
        """Finds a model or a refiner by its name, whatever its capitals.

        Raises:
            ModelError: There is none of that name, or it cannot be used.
        """
        entries = {entry.name.lower(): entry for entry in self.entries()}
        entry = entries.get(name.lower())
        if entry is None:
            usable = [each.name for each in entries.values() if each.problem is None]
            raise ModelError(f"There is no model named {name!r}. {_suggest(name, usable)}")
        if entry.problem is not None:
            raise ModelError(entry.problem)
        return entry

    def default(self) -> ModelEntry:
        """Returns the operator's choice, else the first usable model of the folder, else the starter.

        Raises:
            ModelError: The chosen model is not there, or there is none at all.
        """
        if self._default is not None:
            chosen = self.find(self._default)
            if chosen.refines:
                raise ModelError(no_beginner(chosen.name))
            return chosen
        usable = self.usable()
        if usable:
            return usable[0]
        problems = [entry.problem for entry in self.entries() if entry.problem]
        raise ModelError(
            "No model is installed: put an SDXL checkpoint (a .safetensors file) into the models folder "
            "or name one with EASEL_MODEL." + "".join(f" {problem}" for problem in problems[:1])
        )

    def _bundled(self, path: Path) -> ModelEntry:
        entry = self._look_at(path) if path.is_file() else describe(path)
        return replace(entry, name=STARTER, bundled=True)

    def _look_at(self, path: Path) -> ModelEntry:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if path not in self._seen or self._seen[path][0] != stamp:
            self._seen[path] = (stamp, describe(path))
        return self._seen[path][1]


def describe(path: Path) -> ModelEntry:
    """Says what lies at a path: a usable model, or a thing with its problem named."""
    try:
        return _describe_folder(path) if path.is_dir() else _describe_file(path)
    except ModelError as error:
        return ModelEntry(
            path.stem, path, "unusable", size=path.stat().st_size if path.exists() else 0, problem=str(error)
        )


def no_beginner(name: str) -> str:
    """Says why nothing is painted with a refiner alone."""
    return (
        f"{name} is an SDXL refiner: it only goes on with what a base checkpoint began. Paint with that one, and name "
        "this one as its refiner."
    )


def check_usable(header: Header) -> None:
    """Refuses a file that is neither an SDXL checkpoint nor a refiner with everything in it.

    Raises:
        ModelError: What the file is, and why that does not do.
    """
    kind = recognise(header)
    with_vae = any(key.startswith("first_stage_model.") for key in header.shapes)
    if kind is Kind.SDXL or (kind in _NEED_VAE and with_vae):
        return
    if kind is Kind.SDXL_NO_VAE or kind in _NEED_VAE:
        raise ModelError(f"{header.path.name} is a {kind}, a checkpoint with its VAE baked in is needed.")
    raise ModelError(f"{header.path.name} is not an SDXL checkpoint but a {kind}.")


def native_size(header: Header) -> int:
    """Tells the side in pixels of the pictures a single file was trained on."""
    size = header.config.get("native_size", SDXL_NATIVE_SIZE)
    if not isinstance(size, int) or not 64 <= size <= 4096 or size % 8:
        raise ModelError(
            f"{header.path.name}: native_size in its easel.config must be a multiple of 8 from 64 to 4096."
        )
    return size


def _describe_file(path: Path) -> ModelEntry:
    header = read_header(path)
    check_usable(header)
    kind, size = recognise(header), path.stat().st_size
    refines = kind is Kind.SDXL_REFINER
    return ModelEntry(path.stem, path, kind, header.dtype, size, native_size(header), refines=refines)


def _describe_folder(path: Path) -> ModelEntry:
    try:
        index = json.loads((path / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} is no diffusers folder: its model_index.json cannot be read.") from error
    refines = bool(index.get("requires_aesthetics_score"))
    wanted = ("unet", "vae", *(() if refines else ("text_encoder",)), "text_encoder_2")
    missing = [part for part in wanted if not (path / part / "config.json").is_file()]
    if missing:
        raise ModelError(
            f"{path.name} is not an SDXL model: {', '.join(missing)} is missing ({index.get('_class_name')})."
        )
    weights = list(path.rglob("*.safetensors"))
    if not weights:
        raise ModelError(f"{path.name} has no .safetensors weights (pickled .bin files are not opened).")
    size = sum(file.stat().st_size for file in weights)
    kind = "SDXL refiner, diffusers folder" if refines else "SDXL diffusers folder"
    native = _folder_native_size(path)
    return ModelEntry(path.name, path, kind, size=size, native_size=native, refines=refines)


def _folder_native_size(path: Path) -> int:
    unet = json.loads((path / "unet" / "config.json").read_text(encoding="utf-8"))
    return int(unet.get("sample_size") or SDXL_NATIVE_SIZE // 8) * 8


def _candidates(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = [path for path in folder.rglob("*.safetensors") if not _within_diffusers_folder(path, folder)]
    folders = [path.parent for path in folder.rglob("model_index.json")]
    pickles = [path for path in folder.iterdir() if path.suffix in {".ckpt", ".pt", ".pth"}]
    return [*files, *folders, *pickles]


def _within_diffusers_folder(path: Path, top: Path) -> bool:
    parents = [parent for parent in path.parents if parent.is_relative_to(top)]
    return any((parent / "model_index.json").is_file() for parent in parents)


def _is_elsewhere(model: str) -> bool:
    return Path(model).exists() or Path(model).suffix == ".safetensors" or _HUB_ID.match(model) is not None


def _named(model: str) -> ModelEntry:
    path = Path(model).expanduser()
    if path.exists() or path.suffix == ".safetensors":
        return describe(path)
    return ModelEntry(model.partition("@")[0], model, "SDXL model from a hub")


def _distinct(entries: Iterable[ModelEntry]) -> Iterable[ModelEntry]:
    taken: set[str] = set()
    for entry in entries:
        name = entry.name
        number = 2
        while name.lower() in taken:
            name = f"{entry.name}-{number}"
            number += 1
        taken.add(name.lower())
        yield replace(entry, name=name)


def _suggest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(known[:10])}." if known else "The models folder is empty."
