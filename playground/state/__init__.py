"""What the playground remembers: guilds, people, messages, commands, files, limits, faults."""
