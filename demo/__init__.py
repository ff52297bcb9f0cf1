"""The outside world, simulated over real HTTP, and the tour through it."""
