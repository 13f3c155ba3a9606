"""A Discord on loopback and a page to use it from a browser: the bot without a token."""

from bot.playground.browser import open_page
from bot.playground.faults import Fault, Faults
from bot.playground.server import Playground

__all__ = ["Fault", "Faults", "Playground", "open_page"]
