"""What stands beside the checkpoints in the models folder: separate VAEs and textual inversion embeddings."""

import difflib
from pathlib import Path

from generation.errors import ModelError
from generation.header import Kind, lora_base, read_header, recognise, trigger_words


class Extras:
    """Finds VAEs and embeddings by name, anywhere in the models folder, or by their path.

    Reading is cheap: a file's header is read again only when its size or time has changed. It touches the disk, so
    keep it off the event loop.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kinds: dict[Path, tuple[tuple[int, int], Kind | None]] = {}

    def names(self, kind: Kind) -> list[str]:
        """Lists what there is of a kind, by name."""
        return sorted(path.stem for path in self._files() if self._kind(path) is kind)

    def loras(self) -> dict[str, str]:
        """Lists the LoRAs by name, each with its trigger words, or with the base model it is for instead of SDXL."""
        listed = {}
        for path in self._files():
            if self._kind(path) is Kind.LORA:
                header = read_header(path)
                base = lora_base(header)
                listed[path.stem] = f"for {base}, not for SDXL" if base else ", ".join(trigger_words(header))
        return listed

    def find(self, kind: Kind, name: str) -> Path:
        """Finds a file.

        Args:
            kind: Kind.VAE or Kind.EMBEDDING.
            name: The file's name without its ending, whatever its capitals, or a path to it.

        Raises:
            ModelError: There is none of that name, or it is something else.
        """
        path = Path(name).expanduser()
        if path.suffix == ".safetensors":
            found = recognise(read_header(path))
            if found is not kind:
                raise ModelError(f"{path.name} is no {kind} but a {found}.")
            return path
        files = {file.stem.lower(): file for file in self._files() if self._kind(file) is kind}
        if name.lower() not in files:
            near = difflib.get_close_matches(name.lower(), files, n=3, cutoff=0.4)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"The models folder has {len(files)} of them."
            raise ModelError(f"There is no {kind} named {name!r}. {hint}")
        return files[name.lower()]

    def _files(self) -> list[Path]:
        return sorted(self._folder.rglob("*.safetensors")) if self._folder.is_dir() else []

    def _kind(self, path: Path) -> Kind | None:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if path not in self._kinds or self._kinds[path][0] != stamp:
            try:
                kind = recognise(read_header(path))
            except ModelError:
                kind = None
            self._kinds[path] = (stamp, kind)
        return self._kinds[path][1]
