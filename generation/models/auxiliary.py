"""What lies next to the checkpoints in the models folder: LoRAs, separate VAEs, embeddings, upscalers; by name."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from generation.errors import ModelError
from generation.models.folders import expanded, is_there, status_of, walk
from generation.models.safetensors_header import Header, Kind, lora_base, read_header, recognise, trigger_words
from generation.request.validation import MAX_OPTION_CHARACTERS, file_name, has_folders, is_path, quoted
from generation.visible import is_visible


class AuxiliaryFiles:
    """Finds files by name anywhere in the models folder.

    A name never becomes a path: it is looked up among the names of the files that are there. Reading is cheap: a
    file's header is read again only when its size or time has changed. It touches the disk, so keep it off the event
    loop.

    Args:
        folder: The models folder; it need not exist.
        vae: The operator's own choice of a VAE (EASEL_VAE). Where it is a path, that file has its name among the VAEs.
    """

    def __init__(self, folder: Path, vae: str | None = None) -> None:
        self._folder = folder
        self._vae = expanded(vae) if vae and is_path(vae) else None
        self._kinds: dict[Path, tuple[tuple[int, int], Kind | None]] = {}

    def names(self, kind: Kind) -> list[str]:
        """Lists what there is of a kind, by name."""
        return list(self.all_names().get(kind, ()))

    def all_names(self) -> Mapping[Kind, tuple[str, ...]]:
        """Lists everything by kind and name; the folder is walked once."""
        names: dict[Kind, set[str]] = {}
        for path in self._files():
            kind = self._kind(path)
            if kind is not None:
                names.setdefault(kind, set()).add(path.stem)
        if self._vae is not None:
            names.setdefault(Kind.VAE, set()).add(file_name(str(self._vae)))
        return {kind: tuple(sorted(found)) for kind, found in names.items()}

    def loras(self) -> dict[str, str]:
        """Lists the LoRAs by name, each with its trigger words, or with the base model it is for instead of SDXL."""
        listed = {}
        for path in self._files():
            if self._kind(path) is Kind.LORA:
                listed[path.stem] = _about_lora(path)
        return listed

    def find(self, kind: Kind, name: str) -> Path:
        """Finds a file.

        Args:
            kind: What it must be.
            name: The file's name without its ending, in any capitalization.

        Raises:
            ModelError: The name is a path, there is no file of that name, or it is something else.
        """
        if has_folders(name):
            raise ModelError(f"{quoted(name)} is a path. Name the {kind} by its file's name alone, without folders.")
        if kind is Kind.VAE and self._vae is not None and name.lower() == file_name(str(self._vae)).lower():
            found = recognise(read_header(self._vae))
            if found is not kind:
                raise ModelError(f"{self._vae.name} is no {kind} but a {found}.")
            return self._vae
        files = {file.stem.lower(): file for file in self._files() if self._kind(file) is kind}
        if name.lower() not in files:
            near = difflib.get_close_matches(name.lower()[:MAX_OPTION_CHARACTERS], files, n=3, cutoff=0.4)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"The models folder has {len(files)} of them."
            raise ModelError(f"There is no {kind} named {quoted(name)}. {hint}")
        return files[name.lower()]

    def _files(self) -> list[Path]:
        if not is_there(self._folder):
            return []
        return [path for path in walk(self._folder).paths if path.suffix == ".safetensors" and is_visible(path.name)]

    def _kind(self, path: Path) -> Kind | None:
        """Says what a file is; None for one that cannot be used, which the catalog lists with the reason."""
        try:
            status = status_of(path)
            stamp = (status.st_mtime_ns, status.st_size)
            if path not in self._kinds or self._kinds[path][0] != stamp:
                self._kinds[path] = (stamp, _recognised(path))
        except ModelError:
            return None
        return self._kinds[path][1]


def _about_lora(path: Path) -> str:
    try:
        header = read_header(path)
    except ModelError as error:  # it has changed since it was recognised
        return str(error)
    base = lora_base(header)
    return f"for {base}, not for SDXL" if base else ", ".join(trigger_words(header))


def _recognised(path: Path) -> Kind | None:
    try:
        return recognise(read_header(path))
    except ModelError:
        return None


def count_vectors(embedding: Header) -> int:
    """Says how many vectors a textual inversion embedding for SDXL has, the same for both text encoders.

    Raises:
        ModelError: It is not for SDXL, or its two halves do not belong together.
    """
    of_l, of_g = embedding.shapes.get("clip_l"), embedding.shapes.get("clip_g")
    if of_l is None or of_g is None:
        raise ModelError(f"{embedding.path.name} is an embedding for Stable Diffusion 1.x or 2.x, not for SDXL.")
    if len(of_l) != 2 or len(of_g) != 2 or of_l[0] != of_g[0]:
        raise ModelError(
            f"{embedding.path.name} is damaged: clip_l and clip_g must be as many vectors, not {of_l} and {of_g}."
        )
    return of_l[0]
