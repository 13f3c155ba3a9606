"""/preset: settings saved under a name."""

from typing import Literal

from discord import app_commands
from discord.ext import commands

from bot.domain import Order, Owner
from bot.errors import LimitError
from bot.services.people.history import History
from bot.services.people.presets import Making, Presets
from bot.services.requests.preferences import PreferenceReader
from bot.ui.discord.context import Interaction, actor_of, context_of, manages
from bot.ui.discord.responses import send_ephemeral
from bot.ui.discord.typed_option import JobIdOption, PromptOption, TypedOption
from bot.ui.jobs.autocomplete import matching
from bot.ui.jobs.ordering import place_order
from bot.ui.settings import presets_text
from generation.request import presets as built_in
from generation.request.validation import MAX_OPTION_CHARACTERS
from generation.typed_text import TypedText

Choices = list[app_commands.Choice[str]]
Name = app_commands.Transform[TypedText, TypedOption(1, 40)]
Template = app_commands.Transform[TypedText, TypedOption(1, MAX_OPTION_CHARACTERS)]


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class PresetsCog(commands.GroupCog, group_name="preset", group_description="Settings saved under a name"):
    """Commands about presets; every answer but a picture is private.

    Args:
        presets: Saves and finds them.
        history: Finds the jobs that presets are made from.
        preferences: Knows the names that a person can use.
    """

    def __init__(self, presets: Presets, history: History, preferences: PreferenceReader) -> None:
        self._presets = presets
        self._history = history
        self._preferences = preferences

    @app_commands.command(name="save", description="Save settings under a name")
    @app_commands.describe(
        name="One word; use it as preset:name or --name",
        job="The id of a picture whose settings to take",
        flags="Settings as flags, such as --steps 30 --cfg 7",
        template="A prompt with {prompt} where yours goes",
        server="For everybody on this server; for those who manage it",
    )
    async def save(
        self,
        interaction: Interaction,
        name: Name,
        job: JobIdOption | None = None,
        flags: Template | None = None,
        template: Template | None = None,
        server: bool = False,
    ) -> None:
        """Saves a preset."""
        owner = _owner(interaction, server=server)
        request = (await self._history.show(job, await actor_of(interaction))).request if job else None
        preset = await self._presets.save(
            owner, name, Making(request=request, flags=flags or TypedText(""), template=template or TypedText(""))
        )
        await send_ephemeral(interaction, f"Saved.\n{presets_text.described(preset)}")

    @app_commands.command(name="list", description="See the presets you can name")
    async def list_all(self, interaction: Interaction) -> None:
        """Lists the person's, the server's and the built-in presets."""
        context = context_of(interaction)
        mine = await self._presets.of([context.me])
        server = await self._presets.of([context.server]) if context.server else []
        default = (await self._preferences.of(context)).mine.get("preset")
        await send_ephemeral(interaction, presets_text.listed(mine, server, default))

    @app_commands.command(name="show", description="See what a preset sets")
    @app_commands.describe(name="Its name")
    async def show(self, interaction: Interaction, name: Name) -> None:
        """Shows a preset."""
        await send_ephemeral(interaction, presets_text.described(await self._presets.find(_owners(interaction), name)))

    @app_commands.command(name="use", description="Paint with a preset")
    @app_commands.describe(name="Its name", prompt="What to paint; flags work too")
    async def use(self, interaction: Interaction, name: Name, prompt: PromptOption) -> None:
        """Paints as /imagine does."""
        preferences = await self._preferences.of(context_of(interaction))
        await place_order(interaction, Order(prompt=prompt, preset=name), preferences)

    @app_commands.command(name="delete", description="Delete a preset")
    @app_commands.describe(name="Its name", server="The server's; for those who manage it")
    async def delete(self, interaction: Interaction, name: Name, server: bool = False) -> None:
        """Deletes a preset."""
        await self._presets.delete(_owner(interaction, server=server), name)
        await send_ephemeral(interaction, f"`{name.casefold()}` is deleted.")

    @app_commands.command(name="rename", description="Give a preset another name")
    @app_commands.describe(name="Its name", new="Its new name", server="The server's; for those who manage it")
    async def rename(self, interaction: Interaction, name: Name, new: Name, server: bool = False) -> None:
        """Renames a preset."""
        preset = await self._presets.rename(_owner(interaction, server=server), name, new)
        await send_ephemeral(interaction, f"`{name.casefold()}` is called `{preset.name}` now.")

    @app_commands.command(name="default", description="Paint with a preset wherever you name none")
    @app_commands.describe(name="Its name; none for no preset at all; left out to have no default preset")
    async def default(self, interaction: Interaction, name: Name | None = None) -> None:
        """Makes a preset the person's default."""
        chosen = TypedText(name.casefold().strip()) if name else None
        await self._presets.make_default(context_of(interaction).me, chosen, _owners(interaction))
        text = "You have no default preset now." if chosen is None else f"`{chosen}` is your default preset now."
        await send_ephemeral(interaction, text)

    @app_commands.command(name="share", description="Share a preset by a code, or with this server")
    @app_commands.describe(name="Its name", how="A code for anybody, or the server; that is for those who manage it")
    async def share(self, interaction: Interaction, name: Name, how: Literal["code", "server"] = "code") -> None:
        """Gives a code, or copies the preset to the server's."""
        me = context_of(interaction).me
        if how == "server":
            owner = _owner(interaction, server=True)
            shared = await self._presets.give(owner, await self._presets.find([me], name))
            await send_ephemeral(interaction, f"Everybody on this server can use `{shared.name}` now.")
            return
        code = await self._presets.share(me, name)
        await send_ephemeral(interaction, f"Anybody can copy it with `/preset import code:{code}` until you delete it.")

    @app_commands.command(name="import", description="Copy a preset that was shared with you")
    @app_commands.describe(code="The code you were given", name="A name of your own for it")
    async def import_shared(self, interaction: Interaction, code: JobIdOption, name: Name | None = None) -> None:
        """Copies a shared preset."""
        preset = await self._presets.copy(context_of(interaction).me, code, name)
        await send_ephemeral(interaction, f"Saved.\n{presets_text.described(preset)}")

    @show.autocomplete("name")
    @use.autocomplete("name")
    @default.autocomplete("name")
    async def _offer_all(self, interaction: Interaction, current: str) -> Choices:
        preferences = await self._preferences.of(context_of(interaction))
        return matching(TypedText(current), [*preferences.presets, *built_in.presets()])

    @delete.autocomplete("name")
    @rename.autocomplete("name")
    @share.autocomplete("name")
    async def _offer_own(self, interaction: Interaction, current: str) -> Choices:
        return matching(TypedText(current), [preset.name for preset in await self._presets.of(_owners(interaction))])


def _owners(interaction: Interaction) -> list[Owner]:
    """Returns whose presets a person can name, the strongest first."""
    context = context_of(interaction)
    return [context.me] if context.server is None else [context.me, context.server]


def _owner(interaction: Interaction, *, server: bool) -> Owner:
    """Returns whose presets are meant, if the person may change them.

    Raises:
        LimitError: They may not.
    """
    context = context_of(interaction)
    if not server:
        return context.me
    if context.server is None:
        raise LimitError("In direct messages there is no server to save it for.")
    if not manages(interaction):
        raise LimitError("Only those who may manage the server can change its presets.")
    return context.server
