"""What carries a request to a device. No torch."""
