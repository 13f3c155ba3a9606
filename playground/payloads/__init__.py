"""Discord's objects as JSON: options, components, modals, resolved data."""
