"""A small bot that uses what the real one does not yet: selects, modals, context menus, layouts, every option type."""

import io
import time
from typing import Any, Literal

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from PIL import Image

from bot.bootstrap import point_at
from tests.browser.scripted_views import Buttons, Choices, Form, Gallery

Interaction = discord.Interaction[Any]
FRUITS = ("apple", "apricot", "banana", "cherry")
MARKDOWN = """\
**bold** *italic* __underlined__ ~~struck~~ ||a secret|| `code` \\*not italic\\*
-# small print
> quoted
- one
- two
<https://example.org/page> [a link](https://example.org) <script>alert("no")</script>
```py
print("<b>")
```"""


def picture(colour: str, name: str = "picture.png", size: tuple[int, int] = (480, 320)) -> discord.File:
    """Makes a file with a plain picture."""
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    data.seek(0)
    return discord.File(data, name)


class ScriptedBot(discord.Client):
    """Logs in to a playground and does the same for everybody, every time."""

    def __init__(self, api_url: str) -> None:
        point_at(api_url)
        intents = discord.Intents(guilds=True, guild_reactions=True, dm_reactions=True)
        super().__init__(intents=intents, max_messages=None)
        self.tree = app_commands.CommandTree(self)
        for command in COMMANDS:
            self.tree.add_command(command)
        self.tree.add_command(Shelf())
        self.tree.add_command(app_commands.ContextMenu(name="Describe", callback=describe))
        self.tree.add_command(app_commands.ContextMenu(name="Greet", callback=greet))

    async def setup_hook(self) -> None:
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        await self.tree.sync()

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """Answers a star with a direct message."""
        if str(event.emoji) == "⭐" and self.user is not None and event.user_id != self.user.id:
            person = await self.fetch_user(event.user_id) if event.member is None else event.member
            await person.send("You starred a message.")


@app_commands.command(description="Buttons of every style")
async def buttons(interaction: Interaction) -> None:
    await interaction.response.send_message("Press one.", view=Buttons())


@app_commands.command(description="Select menus")
async def choices(interaction: Interaction) -> None:
    await interaction.response.send_message("Choose.", view=Choices())


@app_commands.command(description="A modal with everything in it")
async def form(interaction: Interaction) -> None:
    await interaction.response.send_modal(Form())


@app_commands.command(description="Components of version 2")
async def layout(interaction: Interaction) -> None:
    files = [picture(colour, f"{colour}.png") for colour in ("teal", "peru", "plum")]
    await interaction.response.send_message(view=Gallery(files), files=files)


@app_commands.command(description="An embed with fields and a picture")
async def embed(interaction: Interaction) -> None:
    card = discord.Embed(title="A card", description="with **bold** words", colour=0x3A9D6E, url="https://example.org/")
    card.add_field(name="Steps", value="20", inline=True).add_field(name="Seed", value="`7`", inline=True)
    card.add_field(name="Notes", value="wide").set_footer(text="the foot").set_author(name="the author")
    card.set_image(url="attachment://picture.png")
    await interaction.response.send_message(embed=card, file=picture("slateblue"))


@app_commands.command(description="One option of each type")
async def options(  # noqa: PLR0917 - one parameter per type
    interaction: Interaction,
    size: Literal["small", "large"],
    fruit: str,
    steps: app_commands.Range[int, 1, 150] | None = None,
    strength: float | None = None,
    sharp: bool | None = None,
    friend: discord.User | None = None,
    place: discord.TextChannel | None = None,
    image: discord.Attachment | None = None,
) -> None:
    given = [size, fruit, steps, strength, sharp, friend and friend.name, place and place.name]
    files = [] if image is None else [await image.to_file()]
    await interaction.response.send_message(" · ".join(str(each) for each in given), files=files)


@options.autocomplete("fruit")
async def fruits(_interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=each, value=each) for each in FRUITS if current in each]


@app_commands.command(description="Every kind of markdown, and a countdown")
async def markdown(interaction: Interaction) -> None:
    soon = int(time.time()) + 90
    await interaction.response.send_message(f"{MARKDOWN}\n{interaction.user.mention} <t:{soon}:R>")


@app_commands.command(description="Four pictures and a text file")
async def pictures(interaction: Interaction) -> None:
    files = [picture(colour, f"{colour}.png") for colour in ("firebrick", "goldenrod", "seagreen", "steelblue")]
    files.append(discord.File(io.BytesIO(b"seed 7"), "recipe.txt"))
    await interaction.response.send_message(files=files)


@app_commands.command(description="An answer for one person")
async def whisper(interaction: Interaction) -> None:
    await interaction.response.send_message("Between us.", ephemeral=True)


@app_commands.command(description="No answer at all")
async def silence(_interaction: Interaction) -> None:
    return


@app_commands.command(description="For moderators")
@app_commands.default_permissions(manage_messages=True)
async def clear(interaction: Interaction) -> None:
    await interaction.response.send_message("Cleared.", ephemeral=True)


COMMANDS: list[app_commands.Command[Any, ..., Any]] = [
    buttons, choices, form, layout, embed, options, markdown, pictures, whisper, silence, clear,
]  # fmt: skip


class Shelf(app_commands.Group):
    """A command with subcommands."""

    def __init__(self) -> None:
        super().__init__(name="shelf", description="A shelf of names")

    @app_commands.command(description="Put a name on the shelf")
    async def save(self, interaction: Interaction, name: str) -> None:
        await interaction.response.send_message(f"Saved {name}.")

    @app_commands.command(name="list", description="What is on the shelf")
    async def show(self, interaction: Interaction) -> None:
        await interaction.response.send_message("Nothing yet.")


async def describe(interaction: Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"It says: {message.content}", ephemeral=True)


async def greet(interaction: Interaction, member: discord.Member) -> None:
    await interaction.response.send_message(f"Hello {member.mention}")
