"""The recipe of a picture: our own JSON, and the texts that A1111 and ComfyUI write into pictures and read back."""

from generation.metadata.a1111 import from_a1111, to_a1111
from generation.metadata.chunks import without_digests
from generation.metadata.comfyui.graph import from_prompt, from_workflow, to_prompt, to_workflow
from generation.metadata.easel_json import FORMAT, from_json, to_json
from generation.metadata.files import A1111_KEY, KEY, exif_of, png_texts, read_file, without_inputs
from generation.metadata.parsed import Reading

__all__ = [
    "A1111_KEY",
    "FORMAT",
    "KEY",
    "Reading",
    "exif_of",
    "from_a1111",
    "from_json",
    "from_prompt",
    "from_workflow",
    "png_texts",
    "read_file",
    "to_a1111",
    "to_json",
    "to_prompt",
    "to_workflow",
    "without_digests",
    "without_inputs",
]
