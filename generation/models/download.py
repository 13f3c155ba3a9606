"""Adding a checkpoint to the models folder: looked at before it is fetched, checked and written down after.

Meant for one caller at a time, off the event loop.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx2
from huggingface_hub import HfApi, ModelInfo, hf_hub_download
from huggingface_hub.errors import HFValidationError, NotASafetensorsRepoError, SafetensorsParsingError

from generation.errors import ModelError
from generation.models.catalog import ModelEntry, check_usable, describe
from generation.models.folders import expanded, is_there, reason
from generation.models.safetensors_header import Header
from generation.visible import is_visible, shortened

RECORD = "models.json"
MAX_ANSWER = 500  # characters of what a hub says
SPARE = 1 << 30  # bytes that stay free on the disk
_CHUNK = 1 << 22
_HUB = re.compile(
    r"^(?P<repository>[\w-][\w.-]*/(?P<name>[\w-][\w.-]*))(?:/(?P<file>[\w./ -]+\.safetensors))?"
    r"(?:@(?P<revision>[\w./-]+))?$"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PARTS = ("scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae")

OnBytes = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True, slots=True)
class Added:
    """A model that is in the folder now.

    Attributes:
        entry: The model as the catalogue lists it.
        hashes: The SHA-256 of each of its weight files, by its path in the models folder.
    """

    entry: ModelEntry
    hashes: dict[str, str]


def add(source: str, folder: Path, on_bytes: OnBytes, endpoint: str | None = None) -> Added:
    """Adds a model from a file or from a hub.

    Args:
        source: A .safetensors file, or `org/name`, `org/name/file.safetensors`, either with `@revision`.
        folder: The models folder; made where it is not there yet.
        on_bytes: Called while a local file is copied. Downloads show their own bars on stderr.
        endpoint: Another hub than the usual one.

    Raises:
        ModelError: It is no usable SDXL checkpoint, cannot be fetched, or does not fit on the disk.
    """
    path = expanded(source)
    if is_there(path) or not _HUB.match(source):
        return add_file(path, folder, on_bytes)
    return add_from_hub(source, folder, endpoint)


def add_file(source: Path, folder: Path, on_bytes: OnBytes) -> Added:
    """Copies a checkpoint into the folder, or only writes it down where it lies there already.

    Raises:
        ModelError: It is no usable SDXL checkpoint, its name is taken, or it does not fit on the disk.
    """
    entry = describe(source)
    if entry.problem is not None:
        raise ModelError(entry.problem)
    if source.is_dir():
        raise ModelError(f"{source.name} is a folder: put it into the models folder, or name it with EASEL_MODEL.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.name
    if source.resolve().is_relative_to(folder.resolve()):
        target = source
        digest = _copy(source, None, on_bytes)
    elif is_there(target) or target.is_symlink():
        raise ModelError(f"There is a {target.name} in the models folder already; rename one of the two.")
    else:
        _check_room(entry.size, folder)
        digest = _copy_in(source, target, on_bytes)
    return _record(describe(target), folder, {_place(target, folder): digest}, str(source.name))


def add_from_hub(hub_id: str, folder: Path, endpoint: str | None = None) -> Added:
    """Downloads a single file, or a diffusers folder, from a hub; goes on where an earlier download stopped.

    Raises:
        ModelError: There is no such model, it is no usable one, it cannot be fetched or does not fit on the disk.
    """
    match = _HUB.match(hub_id)
    if match is None:
        raise ModelError(f"{hub_id} is neither a file nor a hub id such as org/name.")
    api = HfApi(endpoint=endpoint)
    try:
        info = api.model_info(match["repository"], revision=match["revision"], files_metadata=True)
        info.id = match["repository"]  # what was asked for, whatever the hub answers
        if not _COMMIT.fullmatch(info.sha or ""):
            raise ModelError(f"The hub names no commit of {info.id}.")
        wanted = _choose(info, match["file"])
        if len(wanted) == 1:
            _look_ahead(api, info, wanted[0])
        home = folder if len(wanted) == 1 else folder / match["name"]
        return _download(info, wanted, (folder, home), endpoint)
    except (httpx2.HTTPError, HFValidationError, OSError) as error:
        why = shortened(" ".join(str(error).split()), MAX_ANSWER)
        raise ModelError(f"{hub_id} could not be fetched from the hub: {why}") from error


def _choose(info: ModelInfo, file: str | None) -> list[str]:
    """Chooses the files that make a model: the one named, a diffusers folder, or the only checkpoint."""
    names = {sibling.rfilename for sibling in info.siblings or ()}
    for name in names:
        if not _stays_inside(name):
            raise ModelError(f"{info.id} has a file {shortened(name)!r}, which would not lie in the models folder.")
    if file is not None:
        if file not in names:
            raise ModelError(f"{info.id} has no {file}.")
        return [file]
    if "model_index.json" in names:
        return sorted(["model_index.json", *(name for part in _PARTS for name in _part(part, names))])
    checkpoints = sorted(name for name in names if "/" not in name and name.endswith(".safetensors"))
    if len(checkpoints) != 1:
        found = ", ".join(checkpoints) or "no .safetensors file at all"
        raise ModelError(f"{info.id} has {found}; name one: easel models add {info.id}/FILE.safetensors.")
    return checkpoints


def _stays_inside(name: str) -> bool:
    """Whether a file of a hub's name lies within the folder it is put in, on any system."""
    return is_visible(name) and not any(
        part in {"", ".", ".."} or "\\" in part or ":" in part for part in name.split("/")
    )


def _part(part: str, names: Iterable[str]) -> list[str]:
    """Lists one part's files; its weights in half precision where there are such."""
    inside = [name for name in names if PurePosixPath(name).parent.name == part and name.count("/") == 1]
    weights = [name for name in inside if name.endswith(".safetensors")]
    half = [name for name in weights if ".fp16." in name]
    return [name for name in inside if name.endswith((".json", ".txt"))] + (half or weights)


def _look_ahead(api: HfApi, info: ModelInfo, name: str) -> None:
    """Refuses what is no SDXL checkpoint by its header alone, before gigabytes are fetched."""
    try:
        found = api.parse_safetensors_file_metadata(info.id, name, revision=info.sha)
    except (NotASafetensorsRepoError, SafetensorsParsingError) as error:
        raise ModelError(f"{name} of {info.id} is no safetensors file.") from error
    shapes = {key: tuple(tensor.shape) for key, tensor in found.tensors.items()}
    check_usable(Header(Path(PurePosixPath(name).name), shapes, "", found.metadata))


def _download(info: ModelInfo, wanted: Sequence[str], folders: tuple[Path, Path], endpoint: str | None) -> Added:
    folder, home = folders
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    missing = [name for name in wanted if not (home / name).is_file()]
    folder.mkdir(parents=True, exist_ok=True)
    _check_room(sum(siblings[name].size or 0 for name in missing), folder)
    hashes: dict[str, str] = {}
    for name in wanted:
        path = Path(hf_hub_download(info.id, name, revision=info.sha, local_dir=home, endpoint=endpoint))
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ModelError(f"{name} does not lie in the models folder; nothing more was fetched.")
        if path.suffix != ".safetensors":
            continue
        digest = _copy(path, None, lambda _done, _total: None)
        stated = siblings[name].lfs
        if stated is not None and stated.sha256 != digest:
            path.unlink()
            raise ModelError(f"{name} arrived damaged (its SHA-256 is not the hub's) and was deleted; add it again.")
        hashes[_place(path, folder)] = digest
    entry = describe(home / wanted[0] if len(wanted) == 1 else home)
    return _record(entry, folder, hashes, f"{info.id}@{info.sha}")


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise ModelError(
            f"{needed / 1e9:.1f} GB are needed (and 1 GB should stay free), but the disk of the models folder "
            f"has only {free / 1e9:.1f} GB left."
        )


def _copy_in(source: Path, target: Path, on_bytes: OnBytes) -> str:
    """Copies a file under another name first, so that nobody finds half of it; returns its SHA-256."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        digest = _copy(source, partial, on_bytes)
        partial.replace(target)
    except OSError as error:
        raise ModelError(f"{source.name} could not be copied ({reason(error)}).") from error
    return digest


def _copy(source: Path, target: Path | None, on_bytes: OnBytes) -> str:
    """Reads a file once, copies it where a target is given, and returns its SHA-256."""
    digest, done, total = hashlib.sha256(), 0, source.stat().st_size
    writing = target.open("wb") if target is not None else None
    try:
        with source.open("rb") as reading:
            while chunk := reading.read(_CHUNK):
                digest.update(chunk)
                if writing is not None:
                    writing.write(chunk)
                done += len(chunk)
                on_bytes(done, total)
    finally:
        if writing is not None:
            writing.close()
    return digest.hexdigest()


def _place(path: Path, folder: Path) -> str:
    return path.resolve().relative_to(folder.resolve()).as_posix()


def _record(entry: ModelEntry, folder: Path, hashes: dict[str, str], source: str) -> Added:
    """Writes down where a model came from and what its files' hashes are."""
    if entry.problem is not None:
        raise ModelError(entry.problem)
    path = folder / RECORD
    recorded = _recorded(path)
    recorded[entry.name] = {"source": source, "sha256": hashes}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(recorded, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)
    return Added(entry, hashes)


def _recorded(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if is_there(path) else {}
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(
            f"{RECORD} in the models folder cannot be read; move it away and add the model again."
        ) from error
    return found if isinstance(found, dict) else {}
