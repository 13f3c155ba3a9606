"""Loading checkpoints and LoRAs, and keeping their weights on a device."""
