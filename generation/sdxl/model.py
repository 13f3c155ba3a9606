"""A loaded model: its three stages, and on which device each of them lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from generation.errors import ModelError
from generation.sdxl.additions import Additions
from generation.sdxl.device import Placement
from generation.sdxl.lora import LoadedLora, Merger, weights_of
from generation.sdxl.sketches import Glance
from generation.sdxl.text import SDXL_STYLE, Conditioning, TextEncoders, TextStyle

StageName = Literal["text", "unet", "vae"]


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
        prediction: What the UNet predicts, a name of generation.methods.PREDICTIONS but "checkpoint".
        offload: Whether only the stage in use lies on the device.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text: TextEncoders
    placement: Placement
    additions: Additions | None = None
    glance: Glance | None = None
    prediction: str = "epsilon"
    offload: bool = False
    _merger: Merger | None = None
    _vaes: dict[str, AutoencoderKL] = field(default_factory=dict)

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

    def bring(self, stage: StageName) -> None:
        """Makes sure a stage lies on the device; when offloading, sends the others away."""
        if not self.offload:
            return
        stages: dict[StageName, Any] = {"text": self.text, "unet": self.unet, "vae": self.vae}
        for name, module in stages.items():
            if name != stage:
                module.to("cpu")
        if self.placement.device.type == "cuda":
            torch.cuda.empty_cache()
        stages[stage].to(self.placement.device)

    def attach(self, additions: Additions) -> None:
        """Lets requests name separate VAEs and embeddings."""
        self.additions = additions
        self.text.find_embedding = additions.embedding

    def use_vae(self, name: str) -> None:
        """Makes a VAE the one that decodes: a separate file's, or "" for the checkpoint's own.

        Raises:
            ModelError: There is none of that name, or it does not fit.
        """
        self._vaes.setdefault("", self.vae)
        if name not in self._vaes:
            if self.additions is None:
                raise ModelError(f"There is no VAE named {name!r}.")
            self._vaes[name] = self.additions.vae(name, self._vaes[""], self.placement)
        self.vae = self._vaes[name]

    def use_loras(self, loras: Sequence[LoadedLora]) -> None:
        """Makes these LoRAs, and no others, part of the UNet's and the text encoders' weights.

        Raises:
            ModelError: One does not fit this model.
        """
        if self._merger is None:
            if not loras:
                return
            self._merger = Merger(weights_of(self.unet, self.text.encoder, self.text.encoder_2))
        self._merger.use(loras)

    def stay(self) -> None:
        """Ends offloading: every stage lies on the device again."""
        self.offload = False
        for module in (self.text, self.unet, self.vae):
            module.to(self.placement.device)

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
            time_ids: Original size, crop and target size per row, (rows, 6), float32: bfloat16 has no 1000.

        Returns:
            What it predicts, (rows, 4, h, w), in float32.
        """
        self.bring("unet")
        dtype = self.placement.dtype
        noise: Tensor = self.unet(
            latents.to(dtype),
            timesteps,
            encoder_hidden_states=text.hidden,
            added_cond_kwargs={"text_embeds": text.pooled, "time_ids": time_ids},
            return_dict=False,
        )[0]
        return noise.float()
