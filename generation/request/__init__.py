"""What is asked of the engine and what comes back: the request, its options, their limits, the result."""
