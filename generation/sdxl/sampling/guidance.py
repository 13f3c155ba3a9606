"""From the UNet's answers to one estimate of the picture: what it predicts, and classifier-free guidance."""

from torch import Tensor


def denoised_from(answer: Tensor, x: Tensor, sigma: Tensor, prediction: str) -> Tensor:
    """Returns the estimate of the picture without noise.

    Args:
        answer: What the UNet predicted, (rows, 4, h, w).
        x: Noisy latents, (1, 4, h, w).
        sigma: Their noise level.
        prediction: "epsilon" for the noise; else v (Salimans & Ho 2022, arXiv 2202.00512, appendix D).
    """
    if prediction == "epsilon":
        return x - sigma * answer
    return x / (sigma**2 + 1) - answer * sigma / (sigma**2 + 1).sqrt()


def guide(positive: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Goes beyond the positive estimate, away from the negative (Ho & Salimans 2022, arXiv 2207.12598, eq. 6)."""
    return negative + scale * (positive - negative)


def rescale(guided: Tensor, positive: Tensor, x: Tensor, sigma: Tensor, share: float) -> Tensor:
    """Takes back a share of the contrast that guidance added (Lin et al. 2023, arXiv 2305.08891, eq. 15 and 16).

    The deviations are compared in v, whatever the UNet predicts, as ComfyUI's RescaleCFG does it.
    """
    clean, per_v = x / (sigma**2 + 1), sigma / (sigma**2 + 1).sqrt()
    v_guided, v_positive = (clean - guided) / per_v, (clean - positive) / per_v
    shrunk = v_guided * (v_positive.std() / v_guided.std())
    return clean - per_v * (share * shrunk + (1 - share) * v_guided)
