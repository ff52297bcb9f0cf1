"""What partners offer to whoever shows the card: the offers, and finding one nearby."""
