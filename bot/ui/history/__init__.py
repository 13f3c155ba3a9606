"""/history: pages, entries and their buttons."""
