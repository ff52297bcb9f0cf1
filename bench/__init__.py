"""Side-by-side benchmarks; every figure is a ratio."""
