"""Must hold: what commands, forms and files bring is typed text from the first line on."""

import ast
import typing
from collections.abc import Iterator

import pytest
from discord import app_commands
from discord.ext import commands

from bot.ui.discord.form_fields import Sent
from bot.ui.discord.typed_option import TypedOption
from generation.typed_text import TypedText
from tests.typed.readers import modules, sources

STRING = 3  # Discord's type of an option
TAKES_IN = {"TypedText", "take_in"}
# What such a parameter is called where text comes in; elsewhere it may hold anything.
TYPED_NAMES = {"prompt", "negative", "typed", "template", "aspect", "lora", "outpaint", "which", "code", "flags"}
KEPT = {
    ("bot.services.repositories", "code"),
    ("bot.services.people.remembering", "code"),
}  # of a shared preset, by what keeps it


def options() -> Iterator[tuple[str, app_commands.Parameter, object]]:
    """Gives every option of every command, and what makes its value."""
    for module in modules():
        for value in vars(module).values():
            if isinstance(value, commands.CogMeta) and value.__module__ == module.__name__:
                for command in value.__cog_app_commands__:
                    if isinstance(command, app_commands.Command):
                        for option in command.parameters:
                            made_by = command._params[option.name]._annotation
                            yield f"/{command.name} {option.name}", option, made_by


def test_every_option_that_takes_text_makes_typed_text() -> None:
    texts = [(name, made_by) for name, option, made_by in options() if option.type.value == STRING]
    free = [name for name, option, _ in options() if option.type.value == STRING and option.choices]

    assert len(texts) > 25
    assert [name for name, made_by in texts if not isinstance(made_by, TypedOption) and name not in free] == []


def test_what_is_typed_while_offers_are_made_is_typed_text() -> None:
    raw = [
        f"{module}.{function.name}"
        for module, function in _functions("bot.cogs.")
        if any("autocomplete" in ast.unparse(decorator) for decorator in function.decorator_list)
        for parameter in function.args.args[2:]
        if not all(taken for taken in _uses(function, parameter.arg))
    ]

    assert raw == []


def test_forms_are_read_in_one_place_as_typed_text() -> None:
    readers = [name for name, source in sources().items() if name.startswith("bot.") and 'data["components"]' in source]

    assert readers == ["bot.ui.discord.form_fields"]
    assert typing.get_args(typing.get_type_hints(Sent)["texts"]) == (str, TypedText)


def test_no_public_function_takes_typed_text_as_a_plain_string() -> None:
    plain = [
        f"{module}.{function.name} {parameter.arg}"
        for module, function in _functions("bot.cogs.", "bot.ui.", "bot.services.")
        for parameter in (*function.args.args, *function.args.kwonlyargs)
        if parameter.arg in TYPED_NAMES
        and parameter.annotation is not None
        and ast.unparse(parameter.annotation) in {"str", "str | None"}
        and not function.name.startswith("_")
        and (module, parameter.arg) not in KEPT
    ]

    assert plain == []


@pytest.mark.parametrize("reader", ["from_json", "model_hash", "from_prompt", "from_workflow", "from_a1111"])
def test_the_texts_of_files_are_read_as_typed_text(reader: str) -> None:
    found = [
        ast.unparse(function.args.args[0].annotation)
        for _, function in _functions("generation.metadata.")
        if function.name == reader and function.args.args[0].annotation is not None
    ]

    assert found == ["TypedText | str"]


def _functions(*packages: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name, source in sources().items():
        if name.startswith(packages):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield name, node


def _uses(function: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> Iterator[bool]:
    """Says of each use of a parameter whether it is taken in right there."""
    taken = {
        id(argument)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TAKES_IN
        for argument in call.args
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == parameter:
            yield id(node) in taken
