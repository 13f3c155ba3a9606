"""The commands a bot registers: what Discord refuses in them, and who may use them where."""

import re
from collections.abc import Iterable
from typing import Any

import discord

from playground.state.clock import Snowflakes
from playground.state.forms import Form, Path
from playground.state.messages import Channel
from playground.state.people import Person

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2
IN_GUILD, IN_BOT_DM = 0, 1
FOR_GUILDS = 0
_NAME = re.compile(r"[-_'\w]{1,32}")
_TOTAL = 8000
_PER_KIND = {SLASH: 100, USER_MENU: 15, MESSAGE_MENU: 15}


class CommandBook:
    """All commands of the bot: those for everywhere, and those for the one server.

    Args:
        snowflake: Makes ids.
        application_id: The bot's application.
        guild_id: The server.
    """

    def __init__(self, snowflake: Snowflakes, application_id: int, guild_id: int) -> None:
        self._snowflake = snowflake
        self._application_id = application_id
        self._guild_id = guild_id
        self.restrictions: dict[int, dict[str, Any]] = {}
        self._commands: dict[int | None, dict[tuple[int, str], dict[str, Any]]] = {None: {}, guild_id: {}}

    def register(self, payloads: list[dict[str, Any]], guild_id: int | None) -> list[dict[str, Any]]:
        """Replaces all commands of a place; a command that was there before keeps its id.

        Raises:
            Refusal: Something in them is not allowed.
        """
        form = Form()
        for number, payload in enumerate(payloads):
            _check_command(form, (number,), payload)
        _check_together(form, payloads)
        form.refuse()
        before = self._commands[guild_id]
        place = {} if guild_id is None else {"guild_id": str(guild_id)}
        self._commands[guild_id] = {_key(each): self._made(each, before) | place for each in payloads}
        return self.listed(guild_id)

    def listed(self, guild_id: int | None) -> list[dict[str, Any]]:
        """Lists the commands of a place."""
        return list(self._commands[guild_id].values())

    def clear(self) -> None:
        """Forgets all commands."""
        for place in self._commands.values():
            place.clear()

    def restrict(self, target: int, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Says who may use a command, or all of them by the application's id, as a server's admins do.

        Args:
            target: The id of the command or the application.
            entries: Roles (type 1), people (2) and channels (3) by id, each with its "permission".

        Returns:
            The server's settings for it, as Discord tells them.
        """
        self.restrictions[target] = {
            "id": str(target), "application_id": str(self._application_id), "guild_id": str(self._guild_id),
            "permissions": entries,
        }  # fmt: skip
        return self.restrictions[target]

    def names(self) -> set[str]:
        """Names all commands."""
        return {name for place in self._commands.values() for _, name in place}

    def everything(self) -> list[dict[str, Any]]:
        """Lists all commands; in the server, one of its own stands for the global one with the same name."""
        shadowed = self._commands[self._guild_id]
        general = [command for key, command in self._commands[None].items() if key not in shadowed]
        return [*shadowed.values(), *general]

    def find(self, command_id: int) -> dict[str, Any] | None:
        """Returns the command with an id."""
        return next((each for each in self.everything() if each["id"] == str(command_id)), None)

    def _made(self, payload: dict[str, Any], before: dict[tuple[int, str], dict[str, Any]]) -> dict[str, Any]:
        old = before.get(_key(payload))
        given = {name: value for name, value in payload.items() if value is not None}
        if "default_member_permissions" in given:
            given["default_member_permissions"] = str(given["default_member_permissions"])
        return {
            "default_member_permissions": None, "type": SLASH, "description": "", "nsfw": False,
            "contexts": None, "integration_types": [FOR_GUILDS], **given,
            "id": old["id"] if old else str(self._snowflake()), "version": str(self._snowflake()),
            "application_id": str(self._application_id),
        }  # fmt: skip


def allowed(command: dict[str, Any], person: Person, channel: Channel) -> bool:
    """Whether Discord's client offers a command to a person in a channel."""
    if channel.guild_id is None:
        contexts = command.get("contexts")
        return command.get("guild_id") is None and (contexts is None or IN_BOT_DM in contexts)
    contexts = command.get("contexts")
    if contexts is not None and IN_GUILD not in contexts:
        return False
    if command.get("nsfw") and not channel.nsfw:
        return False
    if not person.permissions.use_application_commands:
        return False
    needed = command.get("default_member_permissions")
    if needed is None or person.permissions.administrator:
        return True
    wanted = discord.Permissions(int(needed))
    return wanted.value != 0 and wanted <= person.permissions


def leaf(command: dict[str, Any], path: Iterable[str]) -> dict[str, Any] | None:
    """Returns the subcommand at the end of a path, the command itself for an empty one."""
    node = command
    for name in path:
        inside = [each for each in node.get("options") or [] if each["type"] in {SUBCOMMAND, SUBCOMMAND_GROUP}]
        found = next((each for each in inside if each["name"] == name), None)
        if found is None:
            return None
        node = found
    return node


def _key(payload: dict[str, Any]) -> tuple[int, str]:
    return payload.get("type") or SLASH, payload["name"]


def _check_together(form: Form, payloads: list[dict[str, Any]]) -> None:
    keys = [_key(payload) for payload in payloads]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            form.wrong((number, "name"), "Application command names must be unique")
    for kind, most in _PER_KIND.items():
        if sum(key[0] == kind for key in keys) > most:
            form.wrong((), f"Maximum number of application commands reached ({most})")


def _check_command(form: Form, path: Path, command: dict[str, Any]) -> None:
    kind = command.get("type") or SLASH
    name = command.get("name") or ""
    if kind == SLASH:
        _check_name(form, path, name)
        form.length((*path, "description"), command.get("description"), 1, 100)
        _check_options(form, path, command)
        if _weight(command) > _TOTAL:
            form.wrong(path, f"Command exceeds maximum size ({_TOTAL})")
    else:
        form.length((*path, "name"), name, 1, 32)


def _check_name(form: Form, path: Path, name: str) -> None:
    if not _NAME.fullmatch(name) or name != name.lower():
        form.wrong((*path, "name"), "Command name is invalid")


def _check_options(form: Form, path: Path, parent: dict[str, Any]) -> None:
    options = parent.get("options") or []
    form.length((*path, "options"), options, 0, 25)
    optional = False
    for number, option in enumerate(options):
        here = (*path, "options", number)
        _check_name(form, here, option.get("name") or "")
        form.length((*here, "description"), option.get("description"), 1, 100)
        _check_choices(form, here, option)
        if option.get("required") and optional:
            required_first = "Required options must be placed before non-required options"
            form.wrong(here, required_first)
        optional = optional or not option.get("required", False)
        _check_options(form, here, option)
    names = [option.get("name") for option in options]
    if len(names) != len(set(names)):
        form.wrong((*path, "options"), "Option name already exists")


def _check_choices(form: Form, path: Path, option: dict[str, Any]) -> None:
    choices = option.get("choices") or []
    form.length((*path, "choices"), choices, 0, 25)
    for number, choice in enumerate(choices):
        form.length((*path, "choices", number, "name"), choice.get("name"), 1, 100)
        if isinstance(choice.get("value"), str):
            form.length((*path, "choices", number, "value"), choice["value"], 1, 100)


def _weight(node: dict[str, Any]) -> int:
    """Counts the characters that Discord counts: names, descriptions and choices' values."""
    own = len(node.get("name") or "") + len(node.get("description") or "")
    own += sum(len(choice["name"]) + len(str(choice["value"])) for choice in node.get("choices") or [])
    return own + sum(_weight(option) for option in node.get("options") or [])
