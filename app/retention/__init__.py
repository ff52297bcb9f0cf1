"""How long anything about a person is kept, and the end of it: by its term, or by their wish."""
