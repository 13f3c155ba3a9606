"""From noise to latents: samplers, sigmas, noise, guidance, MultiDiffusion."""
