"""What holds for a person in a place beside what they type, and how they want to be served."""

import asyncio
from dataclasses import dataclass, fields

from bot.domain import DeliveryPreferences, Owner, Scope, Values
from bot.errors import StorageError
from bot.services.repositories import ChoiceRepository, PresetRepository
from bot.services.requests.layers import Preferences

PATIENCE_SECONDS = 2.0  # Discord waits three for the first answer
WISHES = tuple(field.name for field in fields(DeliveryPreferences))


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, in which channel (a thread counts as its channel), on which server."""

    person: int
    channel_id: int
    guild_id: int | None

    @property
    def me(self) -> Owner:
        """The person."""
        return Owner(Scope.PERSON, self.person)

    @property
    def channel(self) -> Owner:
        """The channel."""
        return Owner(Scope.CHANNEL, self.channel_id)

    @property
    def server(self) -> Owner | None:
        """The server; None in direct messages."""
        return None if self.guild_id is None else Owner(Scope.SERVER, self.guild_id)

    def owner(self, scope: Scope) -> Owner | None:
        """Returns the owner of a scope here; channels and servers have none in direct messages."""
        if scope is Scope.PERSON:
            return self.me
        return self.server if scope is Scope.SERVER or self.guild_id is None else self.channel


class PreferenceReader:
    """Reads what people, channels and servers chose, in time for Discord's three seconds."""

    def __init__(self, choices: ChoiceRepository, presets: PresetRepository) -> None:
        self._choices = choices
        self._presets = presets

    async def of(self, context: RequestContext) -> Preferences:
        """Collects what holds for a person in a place; their presets hide the server's of the same name.

        Raises:
            StorageError: The database does not answer in time.
        """
        server = context.server
        both = [context.me] if server is None else [server, context.me]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                chosen = await self._choices.of([*both, context.channel])
                presets = await self._presets.of(both)
        except TimeoutError as error:
            raise StorageError("The database does not answer; please try again in a moment.") from error
        return Preferences(
            wishes=wishes(chosen.get(context.me, {})),
            mine=_settings(chosen.get(context.me, {})),
            channel=chosen.get(context.channel, {}) if server else {},
            server=chosen.get(server, {}) if server else {},
            presets={preset.name: preset.values for owner in both for preset in presets if preset.owner == owner},
        )

    async def wishes(self, person: int) -> DeliveryPreferences:
        """Says how a person wants to be served."""
        owner = Owner(Scope.PERSON, person)
        return wishes((await self._choices.of([owner])).get(owner, {}))


def wishes(chosen: Values) -> DeliveryPreferences:
    """Picks out of a person's choices how they want to be served."""
    return DeliveryPreferences(**{name: value for name, value in chosen.items() if name in WISHES})


def _settings(chosen: Values) -> Values:
    return {name: value for name, value in chosen.items() if name not in WISHES}
