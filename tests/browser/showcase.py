"""The scripted bot with more to look at: what the page has to show that the server's tests do not need."""

import io
import time
from typing import Any

import discord
from discord import app_commands, ui
from PIL import Image

from tests.scripted import ScriptedBot

Interaction = discord.Interaction[discord.Client]
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


class ShowcaseBot(ScriptedBot):
    """Knows some commands more."""

    async def setup_hook(self) -> None:
        for command in COMMANDS:
            self.tree.add_command(command)
        await super().setup_hook()

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Answers a star with a direct message."""
        await super().on_raw_reaction_add(payload)
        if str(payload.emoji) == "⭐" and payload.member is not None:
            await payload.member.send("You starred a message.")


@app_commands.command(description="Every kind of markdown, and a countdown")
async def markdown(interaction: Interaction) -> None:
    soon = int(time.time()) + 90
    await interaction.response.send_message(f"{MARKDOWN}\n{interaction.user.mention} <t:{soon}:R>")


@app_commands.command(description="Four pictures and a text file")
async def pictures(interaction: Interaction) -> None:
    files = [picture(colour) for colour in ("firebrick", "goldenrod", "seagreen", "steelblue")]
    await interaction.response.send_message(files=[*files, discord.File(io.BytesIO(b"seed 7"), "recipe.txt")])


@app_commands.command(description="Order a picture by a form")
async def order(interaction: Interaction) -> None:
    await interaction.response.send_modal(Order())


@app_commands.command(description="A card with pictures, a select and buttons")
async def card(interaction: Interaction) -> None:
    files = [picture(colour) for colour in ("teal", "peru", "plum")]
    await interaction.response.send_message(view=Card(files), files=files)


COMMANDS: list[app_commands.Command[Any, ..., Any]] = [markdown, pictures, order, card]


def picture(colour: str) -> discord.File:
    """Makes a file with a plain picture."""
    data = io.BytesIO()
    Image.new("RGB", (480, 320), colour).save(data, "PNG")
    data.seek(0)
    return discord.File(data, f"{colour}.png")


class Order(ui.Modal, title="Paint order"):
    """A form with the kinds of fields that group and check."""

    about: ui.Label[Any] = ui.Label(
        text="Title",
        description="What hangs below the picture",
        component=ui.TextInput(max_length=40, placeholder="Fox in snow"),
    )
    style: ui.Label[Any] = ui.Label(
        text="Style",
        component=ui.RadioGroup(
            options=[
                discord.RadioGroupOption(label="Photo", value="photo", description="as a camera sees it"),
                discord.RadioGroupOption(label="Oil", value="oil", description="thick and bright"),
            ]
        ),
    )
    extras: ui.Label[Any] = ui.Label(
        text="AuxiliaryFiles",
        component=ui.CheckboxGroup(
            required=False,
            options=[
                discord.CheckboxGroupOption(label="Frame", value="frame"),
                discord.CheckboxGroupOption(label="Signature", value="signature"),
            ],
        ),
    )
    rush: ui.Label[Any] = ui.Label(text="In a hurry", component=ui.Checkbox())
    friend: ui.Label[Any] = ui.Label(text="For whom", component=ui.UserSelect(required=False))

    async def on_submit(self, interaction: Interaction) -> None:
        title, style, extras, rush, friend = (
            each.component for each in (self.about, self.style, self.extras, self.rush, self.friend)
        )
        assert isinstance(title, ui.TextInput)
        assert isinstance(style, ui.RadioGroup)
        assert isinstance(extras, ui.CheckboxGroup)
        assert isinstance(rush, ui.Checkbox)
        assert isinstance(friend, ui.UserSelect)
        people = [person.name for person in friend.values]
        await interaction.response.send_message(f"{title.value} {style.value} {extras.values} {rush.value} {people}")


class Card(ui.LayoutView):
    """A container with most of what one can lay out."""

    def __init__(self, files: list[discord.File]) -> None:
        super().__init__()
        first, *rest = files
        self.add_item(
            ui.Container(
                ui.Section("## Three colours", "-# painted for the test", accessory=ui.Thumbnail(first)),
                ui.Separator(),
                ui.MediaGallery(*(discord.MediaGalleryItem(each, description=each.filename) for each in rest)),
                ui.TextDisplay("Words under the **pictures**"),
                ui.ActionRow(Silent(), ui.Button(label="Website", url="https://example.org/")),
                accent_colour=0xC2571A,
            )
        )


class Silent(ui.Button[Any]):
    """A button that nobody answers."""

    def __init__(self) -> None:
        super().__init__(label="Silence", style=discord.ButtonStyle.danger, emoji="🤫")

    async def callback(self, interaction: Interaction) -> None:
        """Does nothing."""
