"""The only room that imports SQLAlchemy; no table object leaves it."""
