"""The components that the scripted bot shows."""

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

Interaction = discord.Interaction[Any]


class Buttons(ui.View):
    """One button of each style; each answers in its own way."""

    @ui.button(label="Edit", style=discord.ButtonStyle.primary, emoji="✏️")
    async def edit(self, interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        await interaction.response.edit_message(content=f"Edited by {interaction.user.name}.")

    @ui.button(label="Whisper", style=discord.ButtonStyle.secondary)
    async def whisper(self, interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        await interaction.response.send_message("Only for you.", ephemeral=True)

    @ui.button(label="Form", style=discord.ButtonStyle.success)
    async def form(self, interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        await interaction.response.send_modal(Form())

    @ui.button(label="Silence", style=discord.ButtonStyle.danger)
    async def silence(self, _interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        return

    @ui.button(label="Sold out", disabled=True)
    async def disabled(self, _interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        raise AssertionError("a disabled button was pressed")


class Choices(ui.View):
    """Selects of texts, people and channels."""

    @ui.select(
        placeholder="One colour",
        options=[
            discord.SelectOption(label="Red", value="red", description="like a poppy", emoji="🔴"),
            discord.SelectOption(label="Blue", value="blue", description="like the sea", emoji="🔵"),
        ],
    )
    async def colour(self, interaction: Interaction, select: ui.Select["Choices"]) -> None:
        await interaction.response.edit_message(content=f"Colour: {select.values[0]}")

    @ui.select(
        placeholder="Some sizes",
        min_values=1,
        max_values=2,
        options=[discord.SelectOption(label=each) for each in ("S", "M", "L")],
    )
    async def sizes(self, interaction: Interaction, select: ui.Select["Choices"]) -> None:
        await interaction.response.edit_message(content=f"Sizes: {', '.join(sorted(select.values))}")

    @ui.select(cls=ui.UserSelect, placeholder="Somebody")
    async def person(self, interaction: Interaction, select: ui.UserSelect["Choices"]) -> None:
        await interaction.response.edit_message(content=f"Person: {select.values[0].name}")

    @ui.select(cls=ui.ChannelSelect, placeholder="Somewhere")
    async def channel(self, interaction: Interaction, select: ui.ChannelSelect["Choices"]) -> None:
        await interaction.response.edit_message(content=f"Channel: {select.values[0].name}")


class Form(ui.Modal, title="Paint order"):
    """A modal with the fields that discord.py knows, five at most."""

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
        text="Extras",
        component=ui.CheckboxGroup(
            required=False,
            options=[
                discord.CheckboxGroupOption(label="Frame", value="frame"),
                discord.CheckboxGroupOption(label="Signature", value="signature"),
            ],
        ),
    )
    model: ui.Label[Any] = ui.Label(
        text="Model",
        component=ui.Select(options=[discord.SelectOption(label=each) for each in ("Small", "Large")]),
    )
    reference: ui.Label[Any] = ui.Label(
        text="Reference",
        description="A picture to start from",
        component=ui.FileUpload(required=False, max_values=2),
    )

    async def on_submit(self, interaction: Interaction) -> None:
        title, style = self.about.component, self.style.component
        extras, model, reference = self.extras.component, self.model.component, self.reference.component
        assert isinstance(title, ui.TextInput)
        assert isinstance(style, ui.RadioGroup)
        assert isinstance(extras, ui.CheckboxGroup)
        assert isinstance(model, ui.Select)
        assert isinstance(reference, ui.FileUpload)
        files = [await each.to_file() for each in reference.values]
        text = f"{title.value} · {style.value} · {', '.join(extras.values) or 'plain'} · {model.values[0]}"
        await interaction.response.send_message(text, files=files)


class Gallery(ui.LayoutView):
    """Everything that components version 2 can lay out."""

    def __init__(self, files: Sequence[discord.File]) -> None:
        super().__init__()
        first, *rest = files
        press: ui.Button[Any] = ui.Button(label="Like", style=discord.ButtonStyle.primary)
        press.callback = self._like  # type: ignore[method-assign]
        row: ui.ActionRow[Any] = ui.ActionRow(press, ui.Button(label="Website", url="https://example.org/"))
        self.add_item(
            ui.Container(
                ui.Section("## Three colours", "-# painted for the test", accessory=ui.Thumbnail(first)),
                ui.Separator(),
                ui.MediaGallery(*(discord.MediaGalleryItem(each, description=each.filename) for each in rest)),
                ui.TextDisplay("Words under the **pictures**"),
                row,
                accent_colour=0xC2571A,
            )
        )

    @staticmethod
    async def _like(interaction: Interaction) -> None:
        await interaction.response.send_message("Thank you!", ephemeral=True)
