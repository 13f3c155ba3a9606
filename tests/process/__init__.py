"""The engine's process: what goes through the pipe, and what happens when one end is gone."""
