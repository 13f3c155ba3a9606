"""How soon the bot answers people while others send it hostile prompts; `python -m benchmarks.hostile`."""
