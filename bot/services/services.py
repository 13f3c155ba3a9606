"""All services of one bot: bootstrap builds them, the client hands them to cogs and components."""

from dataclasses import dataclass

from bot.services.actions.actions import PictureActions
from bot.services.images.fit_upload import Fitter
from bot.services.images.inputs import InputStore
from bot.services.images.regions import Segmenter
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.explain import Explainer
from bot.services.jobs.generation import GenerationService
from bot.services.jobs.recovery import JobRecovery
from bot.services.people.choices import Choices
from bot.services.people.forget import Forgetting
from bot.services.people.history import History
from bot.services.people.overview import QueueOverview
from bot.services.people.presets import Presets
from bot.services.people.retention import Retention
from bot.services.ports import Stars
from bot.services.repositories import DraftRepository
from bot.services.requests.preferences import PreferenceReader


@dataclass(frozen=True, slots=True)
class Services:
    """What the bot can do, without Discord and without SQL."""

    actions: PictureActions
    choices: Choices
    dispatcher: Dispatcher
    drafts: DraftRepository
    explainer: Explainer
    fitter: Fitter
    forgetting: Forgetting
    generation: GenerationService
    history: History
    inputs: InputStore
    overview: QueueOverview
    preferences: PreferenceReader
    presets: Presets
    recovery: JobRecovery
    retention: Retention
    segmenter: Segmenter
    stars: Stars
