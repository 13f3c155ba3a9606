"""A Discord on loopback and a page to use it from a browser: the bot without a token."""

from bot.playground.browser import open_page
from bot.playground.faults import Fault, Faults
from bot.playground.safety import REAL_TOKEN, is_loopback
from bot.playground.server import Playground

__all__ = ["REAL_TOKEN", "Fault", "Faults", "Playground", "is_loopback", "open_page"]
