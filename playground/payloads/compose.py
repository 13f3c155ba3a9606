"""Puts what the bot (or a person) sends into a message, refusing what Discord refuses."""

from typing import Any

from playground.payloads.components import check_message_components, numbered
from playground.state.forms import Form, check_content
from playground.state.limits import FILES_LIMIT, REQUEST_LIMIT
from playground.state.messages import COMPONENTS_V2, EPHEMERAL, SETTABLE, Attachment, Message
from playground.state.wire import Refusal, UploadedFile
from playground.state.world import World


def fill(world: World, message: Message, data: dict[str, Any], files: list[UploadedFile]) -> None:
    """Changes a message's parts that are named in the data; nothing is changed if anything is refused.

    Args:
        world: Keeps the files.
        message: A new message or one to edit.
        data: content, embeds, components, attachments, flags.
        files: Those of the multipart body.

    Raises:
        Refusal: Something is too long, too large or does not go together.
    """
    flags = message.flags | ((data.get("flags") or 0) & SETTABLE & ~EPHEMERAL)
    _check_files(world, files)
    form = Form()
    check_content(form, data)
    check_message_components(form, _named(message, data, "components"), flags)
    if flags & COMPONENTS_V2:
        for part in ("content", "embeds"):
            if data.get(part):
                form.wrong((part,), "Not with components v2")
    form.refuse()
    kept, descriptions = _attachments(message, data)
    _check_not_empty(message, data, [*kept, *files])
    message.flags = flags
    message.content = _named(message, data, "content") or ""
    message.embeds = _named(message, data, "embeds")
    if "components" in data:
        message.components = numbered(data["components"] or [])
    new = [world.cdn.keep(message.channel.id, file, descriptions.get(_number(file))) for file in files]
    message.attachments = [*kept, *new]
    message.remember()


def _named(message: Message, data: dict[str, Any], part: str) -> Any:
    """Returns a part as it will be: what the data says, an empty one for null, else what is there."""
    present = getattr(message, part)
    if part not in data:
        return present
    return data[part] or type(present)()


def _check_files(world: World, files: list[UploadedFile]) -> None:
    total = sum(len(file.data) for file in files)
    if any(len(file.data) > world.upload_limit for file in files) or total > REQUEST_LIMIT:
        raise Refusal(413, 40005, "Request entity too large")
    if len(files) > FILES_LIMIT:
        raise Refusal(400, 40005, f"Max number of files reached ({FILES_LIMIT})")


def _attachments(message: Message, data: dict[str, Any]) -> tuple[list[Attachment], dict[str, str]]:
    """Returns the old files that stay, and the descriptions of the new ones by their numbers."""
    listed = data.get("attachments")
    if listed is None:
        return ([] if "attachments" in data else message.attachments), {}
    numbers = {str(each["id"]) for each in listed}
    descriptions = {str(each["id"]): each["description"] for each in listed if each.get("description")}
    return [file for file in message.attachments if str(file.id) in numbers], descriptions


def _check_not_empty(message: Message, data: dict[str, Any], files: list[Any]) -> None:
    if not files and not any(_named(message, data, part) for part in ("content", "embeds", "components")):
        raise Refusal(400, 50006, "Cannot send an empty message")


def _number(file: UploadedFile) -> str:
    return file.part.removeprefix("files[").removesuffix("]")
