"""The engine: requests in, pictures out. Knows no Discord, no people, no database."""
__version__ = "0.1.0"
