"""What every request must keep to before it is queued, whoever or whatever made it."""

from typing import cast

from bot.services.jobs.price import PriceLimit
from bot.services.models import ModelRegistry
from bot.services.requests.resolve import Defaults, check_longest
from generation import GenerationRequest
from generation.limits import check_limits, check_tile
from generation.prompt.parser import Dialect, embeddings, parse
from generation.request.options import ENLARGERS
from generation.request.request import check_name


class RequestLimits:
    """Refuses requests that this bot does not accept.

    Args:
        models: The files there are.
        defaults: The largest sizes, and the operator's VAE.
        price: What one job may cost.
    """

    def __init__(self, models: ModelRegistry, defaults: Defaults, price: PriceLimit) -> None:
        self.models = models
        self.defaults = defaults
        self.price = price

    def check(self, request: GenerationRequest) -> None:
        """Refuses a request that names what is not there, is too large, or costs too much.

        Raises:
            InvalidRequestError: A model, VAE, LoRA, embedding, refiner or upscaler it names is not there.
            LimitError: It is larger or more expensive than this bot allows.
        """
        self.check_parts(request)
        self.price.check(request)

    def check_parts(self, request: GenerationRequest) -> None:
        """Does what `check` does, whatever the request costs."""
        check_limits(request)
        self._check_files(request)
        if request.hires is not None:
            check_tile(request.hires, self.models.native_size(request.model))
        hires, defaults = request.hires, self.defaults
        check_longest(*request.size, defaults.max_upscaled if hires and hires.tile else defaults.max_size)

    def _check_files(self, request: GenerationRequest) -> None:
        check_name("model", request.model, [model.name for model in self.models.usable])
        if request.refiner is not None:
            check_name("refiner", request.refiner.model, [model.name for model in self.models.whole])
        vaes = {name.lower() for name in self.models.vaes}
        if request.vae != self.defaults.vae and request.vae.lower() not in vaes | {""}:
            check_name("vae", request.vae, self.models.vaes)  # a path is the operator's to name, never a person's
        if request.hires is not None:
            check_name("hires_method", request.hires.method, (*ENLARGERS, *self.models.upscalers))
        self._check_named_in_prompts(request)

    def _check_named_in_prompts(self, request: GenerationRequest) -> None:
        """Refuses LoRAs and embeddings that are not here, before their names come near the file system."""
        dialect = cast(Dialect, request.weights)
        prompt, negative = (parse(text, dialect) for text in (request.prompt, request.negative_prompt))
        for kind, names, known in (
            ("lora", [lora.name for lora in (*request.loras, *prompt.loras)], self.models.loras),
            ("embedding", [*embeddings(prompt), *embeddings(negative)], self.models.embeddings),
        ):
            lower = {name.lower() for name in known}
            for name in names:
                if name.lower() not in lower:
                    check_name(kind, name, known)
