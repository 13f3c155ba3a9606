"""The recipe of a picture: our own JSON, and the texts that A1111 and ComfyUI write into pictures and read back."""

from generation.recipe.a1111 import from_a1111, to_a1111
from generation.recipe.chunks import without_digests
from generation.recipe.comfyui import from_prompt, from_workflow, to_prompt, to_workflow
from generation.recipe.files import A1111_KEY, KEY, exif_of, png_texts, read_file, without_inputs
from generation.recipe.ours import FORMAT, from_json, to_json
from generation.recipe.reading import Reading

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
