"""A loaded model: its three stages, and on which device each of them lies."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from generation.sdxl.device import Placement
from generation.sdxl.text import Conditioning, TextEncoders

StageName = Literal["text", "unet", "vae"]


@dataclass(slots=True)
class Model:
    """An SDXL checkpoint, ready to paint.

    Attributes:
        unet: Predicts the noise in latents.
        vae: Turns latents into pictures.
        text: Both CLIP encoders with their tokenizers.
        placement: Device and precisions.
        offload: Whether only the stage in use lies on the device.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text: TextEncoders
    placement: Placement
    offload: bool = False

    @property
    def downscale(self) -> int:
        """Pixels per latent along a side: 8 for SDXL."""
        levels: int = len(self.vae.config["block_out_channels"])
        return 1 << (levels - 1)

    @property
    def latent_channels(self) -> int:
        """Channels of its latents: 4 for SDXL."""
        return int(self.vae.config["latent_channels"])

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

    def stay(self) -> None:
        """Ends offloading: every stage lies on the device again."""
        self.offload = False
        for module in (self.text, self.unet, self.vae):
            module.to(self.placement.device)

    def encode(self, prompt: str, negative: str | None) -> list[Conditioning]:
        """Encodes what the rows of one picture need: the prompt, and the negative prompt where guidance uses it."""
        self.bring("text")
        return self.text.encode([prompt] if negative is None else [prompt, negative])

    def predict(self, latents: Tensor, timesteps: Tensor, text: Conditioning, time_ids: Tensor) -> Tensor:
        """Calls the UNet once.

        Args:
            latents: Scaled noisy latents, (rows, 4, h, w).
            timesteps: One integer timestep per row, (rows,).
            text: Hidden states (rows, tokens, width) and pooled (rows, width).
            time_ids: Original size, crop and target size per row, (rows, 6), float32: bfloat16 has no 1000.

        Returns:
            The predicted noise, (rows, 4, h, w), in float32.
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
