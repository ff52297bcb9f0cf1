"""The simulated Flemish log-in."""

from demo.identity_provider.clients import Client
from demo.identity_provider.provider import create_app

__all__ = ["Client", "create_app"]
