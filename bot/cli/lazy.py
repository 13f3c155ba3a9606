"""Commands whose modules are imported when they are called, so that the others start quickly."""

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class LazyCommand(TyperCommand):
    """Stands in a list of commands for one whose module is not imported yet.

    Args:
        name: What is typed to call it.
        module: The module whose `app` it is.
        text: What the list says of it.
    """

    def __init__(self, name: str, module: str, text: str) -> None:
        super().__init__(name, help=text)
        self._module = module

    def load(self) -> Any:
        """Imports the module and returns the command itself."""
        return typer.main.get_command(import_module(self._module).app)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Begins a call: of the command itself, whose options and help are its own."""
        return self.load().make_context(*args, **kwargs)


class LazyGroup(TyperGroup):
    """A group of such commands, beside those that were registered."""

    lazy: ClassVar[tuple[tuple[str, str, str], ...]] = ()  # name, module and help of each

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, module, text in self.lazy:
            self.add_command(LazyCommand(name, module, text))
