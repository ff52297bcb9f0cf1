"""The service of the tests of the API, to attack."""

from tests.api.conftest import clock, deployment, logs, serve, service, surroundings

__all__ = ["clock", "deployment", "logs", "serve", "service", "surroundings"]
