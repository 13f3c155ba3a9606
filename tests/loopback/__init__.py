"""A Discord on loopback for the integration tests: the playground, with what tests need to play its people."""

from playground import Fault
from playground.state.interactions import Interaction
from playground.state.messages import Channel, Message
from playground.state.people import Person
from tests.loopback.discord import LoopbackDiscord

__all__ = ["Channel", "Fault", "Interaction", "LoopbackDiscord", "Message", "Person"]
