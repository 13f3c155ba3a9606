"""Which job gets the device next, and the simulation that predicts when each one ends. Imports no torch."""
