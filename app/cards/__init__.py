"""The heart: who may have a card, what a card is, and the code that stands on it."""
