"""Batches that the personnel file pushes to us, from the wire to the cards.

`contract` reads what is sent, `sorting` compares it with what is known, `accept` stores the
intent and keeps the order, `runs` carries it out in the worker, and `brake` holds back what would
take too many cards at once.
"""
