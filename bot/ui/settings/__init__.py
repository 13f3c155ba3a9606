"""The panels of /settings and presets."""
