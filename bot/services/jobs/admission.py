"""Which requests get a place in the queue: the one check that everything that generates passes."""

from typing import NewType

from bot.errors import LimitError
from bot.services.access import Actor, check_rights
from bot.services.jobs.limits import RequestLimits
from generation import GenerationRequest

# A request that may be queued for its person. Only `Admission` makes one, and a job is made of nothing else, so the
# type checker finds what would queue a request that nothing has checked.
AdmittedRequest = NewType("AdmittedRequest", GenerationRequest)


class Admission:
    """Admits requests while the bot is open.

    Args:
        limits: What every request must keep to.
    """

    def __init__(self, limits: RequestLimits) -> None:
        self.limits = limits
        self._open = True

    def close(self) -> None:
        """Refuses everything from now on, in words."""
        self._open = False

    def check_open(self) -> None:
        """Refuses while the bot is stopping; raises LimitError."""
        if not self._open:
            raise LimitError("I am being restarted. Please ask again in a minute; what was asked before is kept.")

    def admit(self, actor: Actor, request: GenerationRequest) -> AdmittedRequest:
        """Admits a request for a person in the place where they are.

        Raises:
            InvalidRequestError: A file that it is made with is not here.
            LimitError: The person may not generate here, it is larger or more expensive than is allowed, or the bot is
                stopping.
        """
        self.check_open()
        check_rights(actor)
        self.limits.check(request)
        return AdmittedRequest(request)
