"""The government's personnel file: its messages, its answers, what we keep of them."""
