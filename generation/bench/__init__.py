"""What the engine can do on this machine, measured; the engine's half of `easel bench`."""
