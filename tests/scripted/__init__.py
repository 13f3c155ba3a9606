"""A scripted bot that uses what Easel does not use yet; what it hears it writes down."""

from tests.scripted.bot import ScriptedBot, running

__all__ = ["ScriptedBot", "running"]
