"""From what a person typed to a GenerationRequest: flags, layers of defaults, resolving, derived jobs."""
