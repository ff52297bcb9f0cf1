"""The commands of `lerarenkaart …` that need a file of their own, and what they share."""
