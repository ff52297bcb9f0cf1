"""Groups of commands of `lerarenkaart` that are too long to stand in `app.cli`."""
