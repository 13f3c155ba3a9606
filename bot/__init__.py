"""People, turns, messages, history. Knows no torch."""
