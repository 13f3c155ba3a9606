"""A loaded model: its three stages, and on which device each of them lies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from torch import Tensor

from generation.errors import ModelError
from generation.request.options import Lora
from generation.scheduling.batch_table import BatchTable, DeviceKey
from generation.sdxl.model.auxiliary import AuxiliaryModels
from generation.sdxl.model.device import WORKING, Placement, Rung, choose_rung, device_name, free_memory
from generation.sdxl.model.lora import LoadedLora, Merger, weights_of
from generation.sdxl.model.pinned_weights import PinnedMemory, PinnedWeights
from generation.sdxl.model.text_encoders import SDXL_STYLE, Conditioning, TextEncoders, TextStyle

Glance = Callable[[Tensor], Image.Image]  # from latents (1, channels, h, w), a rough picture
StageName = Literal["text", "unet", "vae"]
MAIN_MEMORY = torch.device("cpu")
SEPARATE_VAES = 2  # that are kept beside the checkpoint's own, the last ones used
REFINER_NUMBERS = 5  # that a refiner's UNet is told of size, crop and score; others are told six


class AcceleratedUnet(Protocol):
    """Stands for a UNet and is called like it."""

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        ...

    def forget(self) -> None:
        """Learns that the weights lie elsewhere now."""
        ...

    def release(self) -> bool:
        """Gives up the memory that it holds, for good; says whether there was any."""
        ...


@dataclass(slots=True)
class Model:
    """An SDXL checkpoint, ready to paint.

    Attributes:
        unet: Predicts the noise in latents.
        vae: Turns latents into pictures.
        text: Both CLIP encoders with their tokenizers.
        placement: Device and precisions.
        additions: Where separate VAEs come from; None where there are none.
        glance: Makes a rough picture of denoised latents; None for no previews.
        prediction: What the UNet predicts, a name of generation.request.sampler_info.PREDICTIONS but "checkpoint".
        calls: How many pictures share a UNet call with this model on this device.
        offload: Whether only the stage in use lies on the device.
        here: Whether it lies on the device, as far as it does not offload.
        bytes: What its weights take, those of its separate VAEs with them.
        rung: How much of it may lie on the device, as chosen when it came there.
        faster: Calls the UNet where it is compiled or recorded; None for always as it is.
        copies: What main memory keeps of its weights while they lie on a card.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text: TextEncoders
    placement: Placement
    additions: AuxiliaryModels | None = None
    glance: Glance | None = None
    prediction: str = "epsilon"
    calls: BatchTable = field(default_factory=BatchTable)
    offload: bool = False
    here: bool = True
    bytes: int = 0
    rung: Rung = Rung.RESIDENT
    faster: AcceleratedUnet | None = None
    copies: PinnedWeights = field(default_factory=PinnedWeights)
    _merger: Merger | None = None
    _vaes: dict[str, AutoencoderKL] = field(default_factory=dict)  # the checkpoint's own is ""; the last used is last

    def __post_init__(self) -> None:
        self._vaes[""] = self.vae
        self.bytes = sum(self._parts)

    @property
    def _parts(self) -> list[int]:
        """The bytes of all that is used one after the other."""
        return [sum(weight.nbytes for weight in module.parameters()) for module in self._modules]

    @property
    def _modules(self) -> tuple[Any, ...]:
        return (self.unet, *self.text.modules, *self._vaes.values())

    @property
    def _on_card(self) -> bool:
        return self.placement.device.type == "cuda"

    @property
    def held(self) -> int:
        """The bytes of main memory that it takes, wherever it lies."""
        return self.bytes + self.copies.spare

    @property
    def downscale(self) -> int:
        """Pixels per latent along a side: 8 for SDXL."""
        levels: int = len(self.vae.config["block_out_channels"])
        return 1 << (levels - 1)

    @property
    def latent_channels(self) -> int:
        """Channels of its latents: 4 for SDXL."""
        return int(self.vae.config["latent_channels"])

    @property
    def inpaints(self) -> bool:
        """Whether its UNet was made for inpainting: it sees a mask and the latents around it beside its own."""
        return int(self.unet.config["in_channels"]) == 2 * self.latent_channels + 1

    @property
    def refines(self) -> bool:
        """Whether it is a refiner: it only ends what another began, and is told a score where others learn a size."""
        pooled, each = self.text.encoder_2.config.projection_dim, int(self.unet.config["addition_time_embed_dim"])
        told = int(self.unet.config["projection_class_embeddings_input_dim"])
        return pooled is not None and told == pooled + REFINER_NUMBERS * each

    def bring(self, stage: StageName) -> None:
        """Makes sure a stage lies on the device; when offloading, sends the others away."""
        if not self.offload:
            return
        stages: dict[StageName, tuple[Any, ...]] = {"text": self.text.modules, "unet": (self.unet,), "vae": (self.vae,)}
        if self.rung is Rung.STREAMED:
            del stages["unet"]  # its parts come and go by themselves
        idle = [vae for vae in self._vaes.values() if vae is not self.vae]
        others = [module for name, modules in stages.items() if name != stage for module in modules]
        left = [self.copies.move(module, MAIN_MEMORY) for module in (*others, *idle)]
        if any(left) and stage != "unet":
            self._unet_moved()
        if any(left) and self.placement.device.type == "cuda":
            torch.cuda.empty_cache()
        for module in stages.get(stage, ()):
            self.copies.move(module, self.placement.device)
        self._catch_up()

    def attach(self, additions: AuxiliaryModels) -> None:
        """Lets requests name separate VAEs and embeddings."""
        self.additions = additions
        self.text.find_embedding = additions.embedding

    def use_vae(self, name: str) -> None:
        """Makes a VAE the one that decodes: a separate file's, or "" for the checkpoint's own.

        Of separate ones only the last few stay in memory; the others are read again when they are named again.

        Raises:
            ModelError: There is none of that name, or it does not fit.
        """
        if name in self._vaes:
            self.vae = self._vaes[name] = self._vaes.pop(name)
            return
        if self.additions is None:
            raise ModelError(f"There is no VAE named {name!r}.")
        self.vae = self._vaes[name] = self.additions.vae(name, self._vaes[""], self.placement.in_main_memory())
        if self._on_card:
            self.copies.keep([self.vae])
        if not self.offload:
            self.copies.move(self.vae, self.placement.device)
        for other in [each for each in self._vaes if each][:-SEPARATE_VAES]:
            self.copies.let_go(self._vaes.pop(other))
        self.bytes = sum(self._parts)

    @property
    def loras(self) -> tuple[Lora, ...]:
        """The LoRAs that are in its weights now."""
        return () if self._merger is None else self._merger.merged

    def use_loras(self, loras: Sequence[LoadedLora]) -> bool:
        """Makes these LoRAs, and no others, part of the UNet's and the text encoders' weights.

        Returns:
            Whether the weights changed.

        Raises:
            ModelError: One does not fit this model; then none is in it.
        """
        if tuple(lora.asked for lora in loras) == self.loras:
            return False
        if self._merger is None:
            self._merger = Merger(weights_of(self.unet, self.text.encoder, self.text.encoder_2), self.copies)
        try:
            self._merger.use(loras)
        finally:
            self.text.weights = self.loras
        return True

    @property
    def key(self) -> DeviceKey:
        """What measurements with it are kept under."""
        parameters = sum(weight.numel() for weight in self.unet.parameters())
        return DeviceKey(device_name(self.placement.device), str(self.placement.dtype), parameters)

    def settle(self, placement: Placement) -> None:
        """Says where it paints once it was loaded into main memory; it comes there when it is needed.

        Where that is a card, main memory keeps its weights, pinned, so that it soon comes and leaves at once.
        """
        self.placement = placement
        self.here = placement.device.type == "cpu"
        if self._on_card:
            self.copies.keep(self._modules, PinnedMemory())

    def reset_offloading(self) -> None:
        """Ends offloading: every stage lies on the device again."""
        if self.offload and self.rung is Rung.RESIDENT:
            self.offload = False
            self.to_device()

    def to_device(self) -> None:
        """Comes to the device, as far as there is room: whole, or stage by stage, or the UNet even layer by layer."""
        self.here = True
        if self.rung is Rung.STREAMED:
            return
        self.rung = choose_rung(free_memory(self.placement.device), self._parts)
        self.offload = self.offload or self.rung is not Rung.RESIDENT
        if self.rung is Rung.STREAMED:
            self._leave_unet_to_itself()
            self.unet.enable_group_offload(
                self.placement.device, offload_type="leaf_level", use_stream=True, low_cpu_mem_usage=True
            )
        elif not self.offload:
            self._move(self.placement.device)
            self._catch_up()

    def evict_to_host(self) -> None:
        """Leaves the device for main memory; on the CPU there is nowhere to go.

        Weights that are kept there are given up on the device, and the LoRAs in them with them.
        """
        if self.placement.device.type == "cpu":
            return
        self.here = False
        self._move(MAIN_MEMORY)
        if self.copies:
            self.use_loras(())
        if self._on_card:
            torch.cuda.empty_cache()

    def fits(self) -> bool:
        """Whether the device has room for its weights and for working with them."""
        free = free_memory(self.placement.device)
        return free is None or free >= self.bytes + WORKING

    def _move(self, device: torch.device) -> None:
        self._unet_moved()
        for module in self._modules:
            if self.rung is not Rung.STREAMED or module is not self.unet:
                self.copies.move(module, device)

    def _leave_unet_to_itself(self) -> None:
        """Lets others move the UNet's layers, out of where they are kept; its LoRAs lie there too from then on."""
        if self.copies:
            self.copies.move(self.unet, MAIN_MEMORY)
            self.use_loras(())
            self.copies.let_go(self.unet)

    def _catch_up(self) -> None:
        if self._merger is not None:
            self._merger.catch_up()

    def release(self) -> bool:
        """Gives up the device's memory that is held only to be faster; says whether there was any."""
        return self.faster is not None and self.faster.release()

    def _unet_moved(self) -> None:
        if self.faster is not None:
            self.faster.forget()

    def encode(self, prompt: str, negative: str | None, style: TextStyle = SDXL_STYLE) -> list[Conditioning]:
        """Encodes what the rows of one picture need: the prompt, and the negative prompt where guidance uses it."""
        self.bring("text")
        return self.text.encode([prompt] if negative is None else [prompt, negative], style)

    def predict(self, latents: Tensor, timesteps: Tensor, text: Conditioning, time_ids: Tensor) -> Tensor:
        """Calls the UNet once.

        Args:
            latents: Scaled noisy latents, (rows, 4, h, w); for an inpainting UNet with 5 channels more.
            timesteps: One integer timestep per row, (rows,).
            text: Hidden states (rows, tokens, width) and pooled (rows, width).
            time_ids: Original size, crop and target size per row, (rows, 6), float32: bfloat16 has no 1000. A refiner
                takes a score instead of the target size, (rows, 5).

        Returns:
            What it predicts, (rows, 4, h, w), in float32.
        """
        self.bring("unet")
        dtype = self.placement.dtype
        as_it_is = self.faster is None or self.rung is Rung.STREAMED  # layers that come and go cannot be recorded
        call: Any = self.unet if as_it_is else self.faster
        noise: Tensor = call(
            latents.to(dtype),
            timesteps,
            encoder_hidden_states=text.hidden,
            added_cond_kwargs={"text_embeds": text.pooled, "time_ids": time_ids},
            return_dict=False,
        )[0]
        return noise.float()
