"""The simulated log-in alone, for work on another part: `python -m demo.identity_provider`."""

import argparse
from datetime import UTC, datetime

import uvicorn

from demo.identity_provider import Client, create_app
from demo.officials import OFFICIALS
from demo.population import cast


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--service", default="http://localhost:8000", help="the application")
    arguments = parser.parse_args()
    client = Client(
        "lerarenkaart",
        redirect_uris=frozenset({f"{arguments.service}/callback"}),
        post_logout_redirect_uris=frozenset({f"{arguments.service}/logged-out"}),
        secret="demo-secret-of-the-simulated-log-in",  # noqa: S106 - of a simulated client
    )
    app = create_app(
        (*cast(datetime.now(UTC).date()), *OFFICIALS),
        issuer=f"http://localhost:{arguments.port}/op",
        clients=[client],
        clock=lambda: datetime.now(UTC),
    )
    uvicorn.run(app, host="127.0.0.1", port=arguments.port)


if __name__ == "__main__":
    main()
