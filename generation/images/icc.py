"""Colours as a file means them become those of sRGB, which everything here paints in (IEC 61966-2-1)."""

import io
from functools import cache
from typing import Any

from PIL import Image, ImageCms

MAX_PROFILE = 4 * 2**20  # bytes; those of printing presses take two
_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}  # the modes that are transformed, and their profiles' spaces


def in_srgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """Brings a picture with an embedded ICC profile to sRGB.

    Args:
        image: Loaded, eight bits a channel.

    Returns:
        The picture, and whether its profile could be used; True too where there is none. Without one, its numbers
        are taken as they are.
    """
    data = image.info.get("icc_profile")
    if not data:
        return image, True
    if len(data) > MAX_PROFILE:
        return image, False
    colours, alpha = _apart(image)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        said: Any = profile.profile
        if said.xcolor_space.strip() != _SPACES.get(colours.mode):
            return image, False
        if "srgb" in (said.profile_description or "").lower():
            return image, True
        turned = ImageCms.profileToProfile(colours, profile, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, False
    if turned is None:
        return image, False
    if alpha is not None:
        turned.putalpha(alpha)
    return turned, True


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Parts a picture into its colours, in a mode that can be transformed, and its opacity."""
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return layered.convert("RGB"), layered.getchannel("A")
    return (image, None) if image.mode in _SPACES else (image.convert("RGB"), None)


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
