"""The engine room: the only one that imports torch, diffusers and transformers."""
