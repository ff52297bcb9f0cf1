"""Staff that the personnel file does not know, as the personnel offices of institutions list it."""
