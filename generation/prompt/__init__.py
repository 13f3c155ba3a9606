"""Prompts as text: parsing emphasis and LoRA tags, permutations, tokens and how many of them there are."""
