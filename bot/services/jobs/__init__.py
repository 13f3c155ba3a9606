"""A job's life: admission, price, queue, dispatch, delivery, recovery, forecasts and status."""
