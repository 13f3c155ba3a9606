"""The scripted bot's commands: options, autocomplete, context menus, and a command per kind of answer."""

import asyncio
import io
from typing import Any

import discord
from discord import app_commands

from tests.fakes import png
from tests.scripted.views import Buttons, Form, Gallery, Selects

Interaction = discord.Interaction[discord.Client]


def add_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Adds all commands."""
    plain: list[app_commands.Command[Any, ..., Any]] = [
        everything, complete, buttons, selects, form, gallery, embed, slow, late, react, secret, adults,
    ]  # fmt: skip
    for command in plain:
        tree.add_command(command)
    tree.add_command(Preset(name="preset", description="Keeps things"))
    tree.add_command(describe)
    tree.add_command(greet)


@app_commands.command(description="Takes one option of every type")
async def everything(  # noqa: PLR0917 - one parameter per option
    interaction: Interaction,
    text: app_commands.Range[str, 2, 10],
    whole: app_commands.Range[int, 0, 10] | None = None,
    real: float | None = None,
    truth: bool | None = None,
    person: discord.User | discord.Member | None = None,
    channel: discord.TextChannel | None = None,
    role: discord.Role | None = None,
    anyone: discord.Member | discord.Role | None = None,
    file: discord.Attachment | None = None,
) -> None:
    said = [text, whole, real, truth, person and person.name, channel and channel.name, role and role.name]
    said.append(getattr(anyone, "name", None))
    if file is not None:
        said.append(f"{file.filename} {file.content_type} {file.width}x{file.height} {len(await file.read())}")
    await interaction.response.send_message("|".join(str(each) for each in said if each is not None))


@app_commands.command(description="Has suggestions and choices")
@app_commands.choices(size=[app_commands.Choice(name="Small", value=1), app_commands.Choice(name="Large", value=2)])
async def complete(interaction: Interaction, fruit: str, size: app_commands.Choice[int] | None = None) -> None:
    await interaction.response.send_message(f"{fruit} {size.name if size else 'any'}", ephemeral=True)


@complete.autocomplete("fruit")
async def fruits(_interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=each.title(), value=each) for each in ("apple", "pear") if current in each]


@app_commands.command(description="Shows buttons")
async def buttons(interaction: Interaction) -> None:
    await interaction.response.send_message("press", view=Buttons())


@app_commands.command(description="Shows selects")
async def selects(interaction: Interaction) -> None:
    await interaction.response.send_message("choose", view=Selects())


@app_commands.command(description="Opens a form")
async def form(interaction: Interaction) -> None:
    await interaction.response.send_modal(Form())


@app_commands.command(description="Shows components v2")
async def gallery(interaction: Interaction) -> None:
    files = [discord.File(io.BytesIO(png(32, 16)), name) for name in ("one.png", "two.png")]
    await interaction.response.send_message(view=Gallery(), files=files)


@app_commands.command(description="Shows an embed with a picture")
async def embed(interaction: Interaction) -> None:
    card = discord.Embed(title="A card", description="with a picture", colour=0x336699)
    card.set_image(url="attachment://picture.png").add_field(name="size", value="32x16").set_footer(text="the end")
    await interaction.response.send_message(embed=card, file=discord.File(io.BytesIO(png(32, 16)), "picture.png"))


@app_commands.command(description="Thinks, edits, and follows up")
async def slow(interaction: Interaction, private: bool = False) -> None:
    await interaction.response.defer(thinking=True, ephemeral=private)
    await interaction.edit_original_response(content="first", attachments=[discord.File(io.BytesIO(b"text"), "a.txt")])
    await interaction.followup.send("second", ephemeral=True)


@app_commands.command(description="Never answers")
async def late(_interaction: Interaction) -> None:
    await asyncio.sleep(0)


@app_commands.command(description="Reacts to its own answer")
async def react(interaction: Interaction) -> None:
    await interaction.response.send_message("react")
    message = await interaction.original_response()
    for emoji in ("⭐", "❌"):
        await message.add_reaction(emoji)


@app_commands.command(description="For moderators only")
@app_commands.default_permissions(manage_messages=True)
@app_commands.guild_only()
async def secret(interaction: Interaction) -> None:
    await interaction.response.send_message("you may", ephemeral=True)


@app_commands.command(description="For grown-ups", nsfw=True)
async def adults(interaction: Interaction) -> None:
    await interaction.response.send_message("come in")


class Preset(app_commands.Group):
    """Commands in commands."""

    @app_commands.command(description="Saves")
    async def save(self, interaction: Interaction, name: str) -> None:
        await interaction.response.send_message(f"saved {name}")


@app_commands.context_menu(name="Describe")
async def describe(interaction: Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"{message.author.name}: {message.content}", ephemeral=True)


@app_commands.context_menu(name="Greet")
async def greet(interaction: Interaction, person: discord.Member) -> None:
    await interaction.response.send_message(f"Hello {person.name}")
