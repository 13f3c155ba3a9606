"""What the bot keeps of people: presets, choices, history, retention, forgetting."""
