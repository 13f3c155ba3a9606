"""The built-in small model: its weights, its model card, and in `train` the recipe that made it."""
