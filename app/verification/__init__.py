"""A shop asks, a verdict is recorded and answered."""
