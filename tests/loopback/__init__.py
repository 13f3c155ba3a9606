"""A Discord on loopback for the integration tests: the playground, with what tests need to play its people."""

from bot.playground import Fault
from bot.playground.interactions import Interaction
from bot.playground.messages import Channel, Message
from bot.playground.people import Person
from tests.loopback.discord import LoopbackDiscord

__all__ = ["Channel", "Fault", "Interaction", "LoopbackDiscord", "Message", "Person"]
