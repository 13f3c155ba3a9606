"""Between pixels and latents: initial latents, the VAE, preview decoders."""
