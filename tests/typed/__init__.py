"""Everything that reads typed text, found by its signature."""
