"""What a button or reaction under a picture does."""
