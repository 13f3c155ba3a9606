"""Recipes in picture files: PNG texts, and EXIF in WebP and JPEG; written and read back."""

from dataclasses import replace
from pathlib import Path

from PIL import Image

from generation.errors import InvalidRequestError
from generation.metadata import a1111, easel_json
from generation.metadata.chunks import texts_of
from generation.metadata.comfyui import graph as comfyui
from generation.metadata.parsed import Reading
from generation.request.options import UNNAMED
from generation.request.request import GenerationRequest
from generation.typed_text import TypedText
from generation.visible import visible

KEY = "easel"
A1111_KEY = "parameters"
PROMPT_KEY, WORKFLOW_KEY = "prompt", "workflow"
_EXIF_BLOCK, _USER_COMMENT = 0x8769, 0x9286
_UNICODE = b"UNICODE\0"


def png_texts(
    request: GenerationRequest, model_hash: str | None = None, in_steps: GenerationRequest | None = None
) -> dict[str, str]:
    """Returns the text chunks of a picture's PNG file by their keys.

    Args:
        request: What painted it. The pictures it began from are not named: whoever has one could prove whose it is.
        model_hash: The checkpoint's short hash, where it is one file.
        in_steps: The same, its refiner said in steps, for ComfyUI; `request` where it has none.
    """
    request, graph = without_inputs(request), without_inputs(in_steps or request)
    return {
        A1111_KEY: a1111.to_a1111(request, model_hash),
        PROMPT_KEY: comfyui.to_prompt(graph),
        WORKFLOW_KEY: comfyui.to_workflow(graph),
        KEY: easel_json.to_json(request, model_hash),
    }


def without_inputs(request: GenerationRequest) -> GenerationRequest:
    """Returns a request as a file tells it: that it began from pictures, and not from which."""
    init = request.init and replace(request.init, picture=UNNAMED)
    mask = request.mask and replace(request.mask, picture=request.mask.picture and UNNAMED)
    return replace(request, init=init, mask=mask)


def exif_of(parameters: str) -> bytes:
    """Returns the EXIF block that carries A1111's text in WebP and JPEG: UserComment, UTF-16 big-endian."""
    exif = Image.Exif()
    exif[_EXIF_BLOCK] = {_USER_COMMENT: _UNICODE + parameters.encode("utf-16-be")}
    return exif.tobytes()


def read_file(path: Path) -> Reading:
    """Reads the settings out of a picture, without its pixels: ours, else A1111's, else ComfyUI's.

    Raises:
        InvalidRequestError: It is no picture, or it carries no settings that we know.
    """
    found = texts_of(path)
    comment = found.exif.get_ifd(_EXIF_BLOCK).get(_USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(_UNICODE):
        text = comment.removeprefix(_UNICODE).decode("utf-16-be", errors="replace")
        found.texts.setdefault(A1111_KEY, text)
    return _read(path, {key: TypedText(text) for key, text in found.texts.items()})


def _read(path: Path, texts: dict[str, TypedText]) -> Reading:
    if KEY in texts:
        request = easel_json.from_json(texts[KEY])
        values = {name: getattr(request, name) for name in request.__slots__}
        return Reading("Easel", values, model_hash=easel_json.model_hash(texts[KEY]))
    if A1111_KEY in texts:
        return a1111.from_a1111(texts[A1111_KEY])
    if PROMPT_KEY in texts:
        return comfyui.from_prompt(texts[PROMPT_KEY])
    if WORKFLOW_KEY in texts:
        return comfyui.from_workflow(texts[WORKFLOW_KEY])
    raise InvalidRequestError(
        "file", f"{visible(path.name)} carries no settings: no tool wrote any, or an upload removed them."
    )
