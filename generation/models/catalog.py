"""Which checkpoints exist: found by name, told from their headers, never by their tensors."""

import difflib
import math
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from generation.errors import ModelError
from generation.models.documents import Config, ModelIndex, UNetConfig, read_document
from generation.models.folders import Listing, expanded, is_file, is_folder, is_there, status_of, walk
from generation.models.safetensors_header import Header, Kind, prediction, read_header, recognise
from generation.visible import shortened, visible

SDXL_NATIVE_SIZE = 1024
STARTER = "starter"
STARTER_FILE = Path(str(resources.files("generation"))) / "starter" / "easel-starter.safetensors"
STARTER_NOTE = (
    "This is the built-in starter, a tiny model for trying things: `easel models add FILE|HUB_ID` adds a real "
    "SDXL checkpoint (docs/models.md)."
)
_NEED_VAE = frozenset({Kind.SDXL_V_PREDICTION, Kind.SDXL_INPAINT, Kind.SDXL_REFINER})  # and are known with and without
_INDEX = "model_index.json"
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
        found = [*self._named, *sorted(self._in_folder(), key=lambda entry: entry.name.lower())]
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

    def _in_folder(self) -> list[ModelEntry]:
        if not is_there(self._folder):
            return []
        listing = walk(self._folder)
        unreadable = [
            _unusable(folder, f"The folder {visible(folder.name)} cannot be read ({why}).")
            for folder, why in listing.problems.items()
        ]
        return [*(self._look_at(path) for path in _candidates(listing, self._folder)), *unreadable]

    def _bundled(self, path: Path) -> ModelEntry:
        return replace(self._look_at(path), name=STARTER, bundled=True)

    def _look_at(self, path: Path) -> ModelEntry:
        try:
            status = status_of(path)
        except ModelError as error:
            return _unusable(path, str(error))
        stamp = (status.st_mtime_ns, status.st_size)
        seen = self._seen.get(path)
        if seen is None or seen[0] != stamp or (is_folder(path) and seen[1].problem is not None):
            seen = self._seen[path] = (stamp, describe(path))  # a folder's own time tells little of what is in it
        return seen[1]


def describe(path: Path) -> ModelEntry:
    """Says what lies at a path: a usable model, or a thing with its problem named. Never fails."""
    try:
        status = status_of(path)
        return _describe_folder(path) if stat.S_ISDIR(status.st_mode) else _describe_file(path, status.st_size)
    except ModelError as error:
        return _unusable(path, str(error))


def _unusable(path: Path, problem: str) -> ModelEntry:
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        size = 0
    return ModelEntry(visible(path.stem), path, "unusable", size=size, problem=problem)


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
    return int(header.config.get("native_size", SDXL_NATIVE_SIZE))


def _describe_file(path: Path, size: int) -> ModelEntry:
    header = read_header(path)
    check_usable(header)
    prediction(header)
    kind = recognise(header)
    refines = kind is Kind.SDXL_REFINER
    return ModelEntry(path.stem, path, kind, header.dtype, size, native_size(header), refines=refines)


def _describe_folder(path: Path) -> ModelEntry:
    listing = walk(path)
    if path / _INDEX not in listing.paths:
        raise ModelError(f"{path.name} is no diffusers folder: its {_INDEX} cannot be read.")
    index = read_document(path / _INDEX, ModelIndex)
    refines = index.requires_aesthetics_score
    wanted = ("unet", "vae", *(() if refines else ("text_encoder",)), "text_encoder_2")
    missing = [part for part in wanted if not is_file(path / part / "config.json")]
    if missing:
        kind = shortened(index.class_name)
        raise ModelError(f"{path.name} is not an SDXL model: {', '.join(missing)} is missing ({kind}).")
    for folder, why in listing.problems.items():
        raise ModelError(f"{path.name}: the folder {folder.name} in it cannot be read ({why}).")
    for part in wanted:
        read_document(path / part / "config.json", Config)
    sizes = {each: status_of(each).st_size for each in listing.paths}
    weights = [each for each in sizes if each.suffix == ".safetensors"]
    if not weights:
        raise ModelError(f"{path.name} has no .safetensors weights (pickled .bin files are not opened).")
    kind = "SDXL refiner, diffusers folder" if refines else "SDXL diffusers folder"
    native = _folder_native_size(path)
    size = sum(sizes[each] for each in weights)
    return ModelEntry(path.name, path, kind, size=size, native_size=native, refines=refines)


def _folder_native_size(path: Path) -> int:
    """Returns the side of the pictures; where width and height differ, the square of the same area's."""
    said = read_document(path / "unet" / "config.json", UNetConfig).sample_size or SDXL_NATIVE_SIZE // 8
    side = math.isqrt(said[0] * said[1]) if isinstance(said, tuple) else said
    return side * 8


def _candidates(listing: Listing, top: Path) -> list[Path]:
    """Chooses what might be a model: files and links of that name, diffusers folders, and pickles to be named."""
    homes = {path.parent for path in listing.paths if path.name == _INDEX}
    weights = [path for path in (*listing.paths, *listing.folders) if path.suffix == ".safetensors" and path != top]
    alone = [path for path in weights if path not in homes and homes.isdisjoint(path.parents)]
    pickles = [path for path in listing.paths if path.parent == top and path.suffix in {".ckpt", ".pt", ".pth"}]
    return [*alone, *sorted(homes), *pickles]


def _is_elsewhere(model: str) -> bool:
    return _is_path(model) or _HUB_ID.match(model) is not None


def _is_path(model: str) -> bool:
    path = expanded(model)
    return path.is_absolute() or path.suffix == ".safetensors" or is_there(path)


def _named(model: str) -> ModelEntry:
    if _is_path(model):
        return describe(expanded(model))
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
