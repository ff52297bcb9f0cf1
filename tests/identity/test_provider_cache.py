"""What is fetched from the provider once for all, and how often at most."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from fastapi import FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint

from app.errors import Unavailable
from app.identity.discovery import ProviderFault
from app.identity.provider import Provider
from demo.identity_provider import create_app
from demo.serving import free_port, listening

from .conftest import AN, NOW, TLS, Clock, later


@pytest.fixture
def calls() -> Counter[str]:
    """How often each path was asked for."""
    return Counter()


@pytest.fixture
def app(calls: Counter[str]) -> FastAPI:
    """A provider that counts."""
    port = free_port()
    app = create_app([AN], issuer=f"http://localhost:{port}/op", clients=[], clock=Clock())
    app.state.port = port

    @app.middleware("http")
    async def count(request: Request, call_next: RequestResponseEndpoint) -> Response:
        calls[request.url.path.rpartition("/")[2]] += 1
        return await call_next(request)

    return app


@pytest.fixture
def provider(app: FastAPI) -> Iterator[Provider]:
    """Our side of it."""
    with listening(app, app.state.port):
        provider = Provider(
            f"http://localhost:{app.state.port}/op", connect_s=2.0, answer_s=5.0, tls=TLS
        )
        yield provider
        provider.close()


def together(work: Callable[[], object]) -> list[BaseException]:
    """Run in eight threads at once; what they raised."""
    start, raised = Barrier(8), []

    def run() -> None:
        start.wait()
        try:
            work()
        except Unavailable as error:
            raised.append(error)

    threads = [Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_documents_are_fetched_once_by_one_thread_for_all(
    provider: Provider, calls: Counter[str]
) -> None:
    assert together(lambda: provider.key(None, now=NOW)) == []
    assert calls == {"openid-configuration": 1, "keys": 1}


def test_documents_are_fetched_anew_after_an_hour(provider: Provider, calls: Counter[str]) -> None:
    for now in (NOW, later(minutes=59), later(minutes=60)):
        assert provider.key(None, now=now) is not None
    assert calls == {"openid-configuration": 2, "keys": 2}


def test_an_unknown_key_makes_us_look_again_but_only_once_a_minute(
    provider: Provider, calls: Counter[str]
) -> None:
    assert provider.key(None, now=NOW) is not None
    for seconds in (0, 59, 60, 61, 119, 120):
        assert provider.key("unknown", now=later(seconds=seconds)) is None
    assert calls["keys"] == 3


def test_many_unknown_keys_at_once_are_one_look(provider: Provider, calls: Counter[str]) -> None:
    provider.key(None, now=NOW)
    together(lambda: provider.key("unknown", now=later(minutes=2)))
    assert calls["keys"] == 2


def test_a_clock_that_is_set_back_does_not_keep_documents_for_ever(
    provider: Provider, calls: Counter[str]
) -> None:
    provider.metadata(now=NOW)
    provider.metadata(now=NOW - timedelta(days=1))
    assert calls["openid-configuration"] == 2


def test_after_a_failure_nobody_waits_for_the_next_one() -> None:
    provider = Provider(f"http://localhost:{free_port()}/op", connect_s=2.0, answer_s=5.0, tls=TLS)
    failures = together(lambda: provider.metadata(now=NOW))
    details = Counter(failure.detail for failure in failures if isinstance(failure, ProviderFault))
    assert details == {
        "no answer: ConnectError": 1,
        "the last attempt failed a moment ago": 7,
    }
    with pytest.raises(ProviderFault) as caught:
        provider.metadata(now=later(seconds=5))
    assert caught.value.detail == "no answer: ConnectError"
    provider.close()


@pytest.mark.parametrize(
    "issuer",
    [
        "http://provider.example/op",
        "ftp://localhost/op",
        "localhost/op",
        "https://user@provider.example/op",
        "https://provider.example/op#x",
        "https:///op",
        "",
    ],
)
def test_an_issuer_that_could_be_overheard_is_refused_at_the_start(issuer: str) -> None:
    with pytest.raises(ValueError, match="issuer"):
        Provider(issuer, connect_s=1.0, answer_s=1.0, tls=TLS)
