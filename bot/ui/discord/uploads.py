"""Files on their way to Discord."""

import io
from collections.abc import Sequence

import discord

from bot.services.ports import Upload


def as_files(uploads: Sequence[Upload], *, spoiler: bool = False) -> list[discord.File]:
    """Returns files for one request; a further try needs them anew."""
    return [discord.File(io.BytesIO(upload.data), filename=upload.name, spoiler=spoiler) for upload in uploads]
