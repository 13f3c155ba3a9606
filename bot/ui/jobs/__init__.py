"""Messages of queued, running and finished jobs."""
