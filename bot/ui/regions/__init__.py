"""Choosing a region of a picture to paint."""
