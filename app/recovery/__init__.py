"""Copies of the database, and what must survive one being put back."""
