"""The routes with which a bot registers its commands."""

from playground.events.actions import Actions
from playground.events.broadcast import Broadcast
from playground.rest.pipeline import Route
from playground.state.wire import Answer, Call, Refusal
from playground.state.world import World


class CommandRoutes:
    """Commands for everywhere, and for the one server."""

    def __init__(self, world: World, broadcast: Broadcast, actions: Actions) -> None:
        self._world = world
        self._broadcast = broadcast
        self._actions = actions

    def routes(self) -> list[Route]:
        """Lists the routes."""
        in_guild = "/applications/{application_id}/guilds/{guild_id}/commands"
        return [
            Route("GET", "/applications/{application_id}/commands", self._list),
            Route("PUT", "/applications/{application_id}/commands", self._replace),
            Route("GET", in_guild, self._list),
            Route("PUT", in_guild, self._replace),
            Route("GET", in_guild + "/permissions", self._restrictions),
        ]

    async def _list(self, call: Call) -> Answer:
        return 200, self._world.commands.listed(self._guild(call))

    async def _restrictions(self, call: Call) -> Answer:
        self._guild(call)
        return 200, list(self._world.commands.restrictions.values())

    async def _replace(self, call: Call) -> Answer:
        if not isinstance(call.body.payload, list):
            raise Refusal(400, 50035, "Invalid Form Body")
        registered = self._world.commands.register(call.body.payload, self._guild(call))
        self._broadcast.commands_changed(self._actions.commands_of)
        return 200, registered

    def _guild(self, call: Call) -> int | None:
        if call.number("application_id") != self._world.bot.id:
            raise Refusal(403, 20012, "You are not authorized to perform this action on this application")
        if "guild_id" not in call.request.match_info:
            return None
        if call.number("guild_id") != self._world.guild_id:
            raise Refusal(403, 50001, "Missing Access")
        return self._world.guild_id
