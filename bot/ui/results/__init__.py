"""Buttons, forms and reactions under finished pictures."""
