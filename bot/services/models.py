"""The models people may choose from, kept warm so that answering never touches the disk."""

import asyncio
import logging
from collections.abc import Mapping

from generation import Catalog, ModelEntry, ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import STARTER_NOTE
from generation.models.safetensors_header import Kind
from generation.request.request import check_name

log = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0


class ModelRegistry:
    """A copy of the catalogue in memory, looked at again every half minute.

    Args:
        catalog: Read by this object alone, off the event loop.
        extras: What stands beside the checkpoints; likewise.
    """

    def __init__(self, catalog: Catalog, extras: AuxiliaryFiles | None = None) -> None:
        self._catalog = catalog
        self._extras = extras
        self._names: Mapping[Kind, tuple[str, ...]] = {}
        self._whole: tuple[ModelEntry, ...] = ()
        self._default: str | None = None
        self._problem = "The models folder could not be read; whoever runs this bot finds the reason in its log."

    @property
    def usable(self) -> tuple[ModelEntry, ...]:
        """What can be painted with."""
        return tuple(entry for entry in self._whole if not entry.refines)

    @property
    def whole(self) -> tuple[ModelEntry, ...]:
        """What can be painted with, and the refiners."""
        return self._whole

    @property
    def vaes(self) -> tuple[str, ...]:
        """The separate VAEs, by name."""
        return self._names.get(Kind.VAE, ())

    @property
    def upscalers(self) -> tuple[str, ...]:
        """The upscalers, by name."""
        return self._names.get(Kind.UPSCALER, ())

    @property
    def loras(self) -> tuple[str, ...]:
        """The LoRAs, by name."""
        return self._names.get(Kind.LORA, ())

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The textual inversion embeddings, by name."""
        return self._names.get(Kind.EMBEDDING, ())

    def native_size(self, name: str) -> int:
        """Returns the side in pixels of the square pictures that a model was trained on.

        Raises:
            InvalidRequestError: There is no such model any more.
        """
        sizes = {model.name: model.native_size for model in self.usable}
        check_name("model", name, list(sizes))
        return sizes[name]

    def default(self) -> str:
        """Returns the name of the model that is used where none is named.

        Raises:
            ModelError: There is none; the text says what to do.
        """
        if self._default is None:
            raise ModelError(self._problem)
        return self._default

    async def refresh(self) -> None:
        """Looks at the models folder once."""
        await asyncio.to_thread(self._look)

    async def keep_fresh(self) -> None:
        """Looks at the models folder again and again, for ever."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()

    def _look(self) -> None:
        try:
            self._names = self._extras.all_names() if self._extras else {}
            self._whole = self._catalog.whole()
            default = self._catalog.default()
            if default.name != self._default:
                log.info("painting with %s%s", default.name, f". {STARTER_NOTE}" if default.bundled else "")
            self._default = default.name
        except ModelError as error:
            self._default, self._problem = None, str(error)
        except OSError as error:
            log.warning("the models folder could not be read: %s", error)
