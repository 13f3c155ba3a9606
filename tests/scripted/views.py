"""The scripted bot's views: buttons, selects, a form with every field, and components v2."""

import io
from typing import Any

import discord
from discord import ui

Interaction = discord.Interaction[discord.Client]


class Buttons(ui.View):
    """A button per way to answer."""

    count = 0

    @ui.button(label="Count", style=discord.ButtonStyle.primary)
    async def count_up(self, interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        self.count += 1
        await interaction.response.edit_message(content=f"pressed {self.count}", view=self)

    @ui.button(label="Later", emoji="⏳")
    async def later(self, interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="edited later")
        await interaction.followup.send("only you see this", ephemeral=True)

    @ui.button(label="Ask", style=discord.ButtonStyle.success)
    async def ask(self, interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        await interaction.response.send_modal(Question())

    @ui.button(label="Off", disabled=True)
    async def off(self, _interaction: Interaction, _button: ui.Button["Buttons"]) -> None:
        raise AssertionError("a button that is switched off was pressed")


class Selects(ui.View):
    """A select per kind."""

    @ui.select(
        custom_id="colours",
        min_values=1,
        max_values=2,
        placeholder="Colours",
        options=[discord.SelectOption(label=each.title(), value=each) for each in ("red", "green", "blue")],
    )
    async def colours(self, interaction: Interaction, select: ui.Select["Selects"]) -> None:
        await interaction.response.send_message(" ".join(select.values))

    @ui.select(cls=ui.UserSelect, custom_id="people")
    async def people(self, interaction: Interaction, select: ui.UserSelect["Selects"]) -> None:
        await interaction.response.send_message(" ".join(person.name for person in select.values))

    @ui.select(cls=ui.ChannelSelect, custom_id="channels", channel_types=[discord.ChannelType.text])
    async def channels(self, interaction: Interaction, select: ui.ChannelSelect["Selects"]) -> None:
        await interaction.response.send_message(" ".join(channel.name for channel in select.values))

    @ui.select(cls=ui.RoleSelect, custom_id="roles")
    async def roles(self, interaction: Interaction, select: ui.RoleSelect["Selects"]) -> None:
        await interaction.response.send_message(" ".join(role.name for role in select.values))


class Question(ui.Modal, title="A question"):
    """The older kind of form: one line of text."""

    answer: ui.TextInput["Question"] = ui.TextInput(label="Answer", custom_id="answer", required=False, max_length=10)

    async def on_submit(self, interaction: Interaction) -> None:
        await interaction.response.edit_message(content=f"answered {self.answer.value}")


class Form(ui.Modal, title="Everything"):
    """A form with five kinds of fields."""

    about = ui.TextDisplay[Any]("Fill this in.")
    words = ui.Label["Form"](
        text="Words", component=ui.TextInput(custom_id="words", style=discord.TextStyle.paragraph, min_length=3)
    )
    colour = ui.Label["Form"](
        text="Colour",
        component=ui.Select(
            custom_id="colour", options=[discord.SelectOption(label="Red"), discord.SelectOption(label="Blue")]
        ),
    )
    files = ui.Label["Form"](
        text="Files", component=ui.FileUpload(custom_id="files", min_values=0, max_values=2, required=False)
    )
    size = ui.Label["Form"](
        text="Size",
        component=ui.RadioGroup(
            custom_id="size", options=[discord.RadioGroupOption(label="Small"), discord.RadioGroupOption(label="Large")]
        ),
    )

    async def on_submit(self, interaction: Interaction) -> None:
        fields: dict[str, Any] = {item.custom_id: item for item in self.walk_children() if hasattr(item, "custom_id")}
        uploads = [discord.File(io.BytesIO(await each.read()), each.filename) for each in fields["files"].values]
        said = f"{fields['words'].value} {fields['colour'].values} {fields['size'].value}"
        await interaction.response.send_message(said, files=uploads)


class Gallery(ui.LayoutView):
    """Components v2: text, pictures, a section with a thumbnail, a row with a button."""

    box = ui.Container["Gallery"](
        ui.TextDisplay("## A gallery"),
        ui.MediaGallery(
            discord.MediaGalleryItem("attachment://one.png", description="the first"),
            discord.MediaGalleryItem("attachment://two.png", spoiler=True),
        ),
        ui.Separator(),
        ui.Section("A section", accessory=ui.Thumbnail("attachment://one.png")),
        accent_colour=0x336699,
    )
    row = ui.ActionRow["Gallery"]()

    @row.button(label="Close", style=discord.ButtonStyle.danger)
    async def shut(self, interaction: Interaction, _button: ui.Button["Gallery"]) -> None:
        self.clear_items()
        self.add_item(ui.TextDisplay("closed"))
        await interaction.response.edit_message(view=self, attachments=[])
