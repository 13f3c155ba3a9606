"""A Discord on loopback for the integration tests."""

from tests.loopback.faults import Fault
from tests.loopback.interactions import Interaction
from tests.loopback.server import LoopbackDiscord
from tests.loopback.world import Channel, Message, Person

__all__ = ["Channel", "Fault", "Interaction", "LoopbackDiscord", "Message", "Person"]
