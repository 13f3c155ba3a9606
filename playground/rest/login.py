"""The routes with which a bot logs in."""

from typing import Any

from playground.rest.pipeline import Route
from playground.state.wire import Answer, Call
from playground.state.world import World


class LoginRoutes:
    """Who the bot is and where the gateway is."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Lists the routes."""
        return [
            Route("GET", "/users/@me", self._me),
            Route("GET", "/applications/@me", self._application),
            Route("GET", "/oauth2/applications/@me", self._application),
            Route("GET", "/gateway", self._gateway),
            Route("GET", "/gateway/bot", self._gateway_bot),
        ]

    async def _me(self, _call: Call) -> Answer:
        return 200, {**self._world.bot.json(), "mfa_enabled": False, "locale": "en-GB"}

    async def _application(self, _call: Call) -> Answer:
        data: dict[str, Any] = {
            "id": str(self._world.bot.id), "name": "Easel", "icon": None, "description": "", "type": None,
            "verify_key": "0", "flags": 0, "flags_new": "0", "redirect_uris": [], "interactions_endpoint_url": None,
            "role_connections_verification_url": None, "owner": self._world.people["owner"].json(),
            "approximate_guild_count": 1, "approximate_user_install_count": 0, "summary": "", "rpc_origins": [],
            "approximate_user_authorization_count": 0, "explicit_content_filter": 0, "team": None,
            "eligible_oauth2_scopes": [], "bot_public": True, "bot_require_code_grant": False,
        }  # fmt: skip
        return 200, data

    async def _gateway(self, _call: Call) -> Answer:
        return 200, {"url": self._world.gateway_url}

    async def _gateway_bot(self, _call: Call) -> Answer:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return 200, {"url": self._world.gateway_url, "shards": 1, "session_start_limit": limit}
