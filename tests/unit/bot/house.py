"""The services with everything around them faked."""

import asyncio
from dataclasses import replace
from pathlib import Path

from bot.domain import Job, JobState, Picture
from bot.services.access import Actor
from bot.services.jobs.admission import Admission, AdmittedRequest
from bot.services.jobs.costs import CostModel
from bot.services.jobs.delivery import Delivery
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import Forecast
from bot.services.jobs.generation import GenerationService, HouseRules
from bot.services.jobs.limits import RequestLimits
from bot.services.jobs.price import PriceLimit
from bot.services.jobs.recovery import JobRecovery
from bot.services.jobs.status_board import StatusBoard
from bot.services.models import ModelRegistry
from bot.services.ports import Ports
from bot.services.requests.preferences import PreferenceReader
from bot.services.requests.resolve import Defaults
from generation import Catalog
from generation.models.auxiliary import AuxiliaryFiles
from tests.fakes import FakeExecutor
from tests.unit.bot.books import MemoryChoices, MemoryPresets
from tests.unit.bot.jobs import MemoryJobs, MemoryPictures, MemorySpeeds, MemoryWorkers, RecordingMessenger

EDIT_SECONDS = 0.01  # far more often than for people

SOMEONE = Actor(person=1, channel_id=10, guild_id=20)


class House:
    """The services with everything around them faked."""

    def __init__(self, tmp_path: Path) -> None:
        self.ledger, self.pictures, self.messenger = MemoryJobs(), MemoryPictures(), RecordingMessenger()
        self.speeds, self.costs = MemorySpeeds(), CostModel()
        ports = Ports(self.ledger, self.speeds, self.pictures, self.messenger)
        self.executor = FakeExecutor()
        self.queue = FairQueue(3, self.costs.estimate)
        self.delivery = Delivery(ports)
        forecast = Forecast(self.queue, self.costs, self.executor.sharing, slots=2)
        self.board = StatusBoard(self.queue, forecast, self.messenger, edit_seconds=EDIT_SECONDS)
        defaults = Defaults(steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
        self.shelf = ModelRegistry(Catalog(tmp_path), AuxiliaryFiles(tmp_path))
        self.price = PriceLimit(self.costs, self.shelf, defaults, seconds=900.0)
        self.dispatcher = Dispatcher(self.queue, self.executor, ports, self.price, self.board)
        self.choices = MemoryChoices()
        self.preferences = PreferenceReader(self.choices, MemoryPresets())
        self.models = tmp_path
        rules, admission = HouseRules(defaults), Admission(RequestLimits(self.shelf, defaults, self.price))
        self.service = GenerationService(admission, self.queue, self.ledger, self.dispatcher, self.preferences, rules)
        self.workers = MemoryWorkers()
        self.recovery = JobRecovery(self.workers, self.ledger, self.queue, self.dispatcher)

    async def submit(self, wanted: Job) -> Job:
        self.queue.reserve(wanted.origin.user_id)
        (job,) = await self.service.keep([AdmittedRequest(wanted.request)], [wanted.origin])
        self.service.begin(job)
        return job

    async def settle(self, wanted: Job, last: str) -> None:
        async with asyncio.timeout(5):
            while not self.ledger.ways.get(wanted.id, [""])[-1].startswith(last):  # noqa: ASYNC110 - a fake's list
                await asyncio.sleep(0.002)
            await asyncio.sleep(0.01)


async def painted(house: House, wanted: Job, data: bytes = b"\x89PNG") -> Job:
    digest = await house.pictures.put(data)
    picture = Picture(digest=digest, media_type="image/png", size=len(data), seed=7)
    return replace(wanted, state=JobState.RENDERED, pictures=(picture,))
