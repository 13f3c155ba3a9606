"""A Discord on loopback and a page to use it from a browser: the bot without a token."""

from playground.browser import open_page
from playground.server import Playground
from playground.state.faults import Fault, Faults

__all__ = ["Fault", "Faults", "Playground", "open_page"]
