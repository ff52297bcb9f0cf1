"""Notices: e-mail about a card, to holders who asked for it; what happened, and nothing else."""
