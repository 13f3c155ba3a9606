"""Runs requests on one device: batches, second passes, the refiner, the model cache, live previews."""
