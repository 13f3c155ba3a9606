"""Model files: the catalog, safetensors headers, downloads, LoRAs and other auxiliary files, upscalers."""
