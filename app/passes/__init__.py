"""What a phone or a sheet of paper carries."""
