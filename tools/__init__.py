"""What maintainers run on the repository itself; nothing of it is installed."""
