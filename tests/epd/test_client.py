"""A clear answer or `Unavailable`: whatever the personnel file does, nobody is judged by it."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI

from app.cards.insz import Insz
from app.client_authentication import ClientKey, ClientSecret
from app.epd.answers import EpdAnswer
from app.epd.client import EpdClient
from app.epd.messages import checked_insz
from app.epd.patience import Breaker, Patience
from app.errors import Unavailable
from demo import epd
from demo.population import by_key, cast
from demo.serving import free_port, listening

PERMANENT = by_key("permanent")
REPLACED = by_key("replaced")
# Short pauses; time enough for a slow machine to answer.
HASTE = Patience(first_pause_s=0.01, longest_pause_s=0.05, failures=100)
# For a source that does not answer in time anyway.
NO_TIME = replace(HASTE, attempt_s=0.2, budget_s=0.8)
NOT_WELL = {
    "garbage": "breaks the contract",
    "html": "not JSON",
    "compressed": "compressed",
    "huge": "too large",
    "internal-error": "status 500",
}
LATER = ["down", "bad-gateway", "gateway-timeout", "throttled", "busy"]
REFUSALS = {"invalid-number": "code 20002", "denied": "code 40005"}
Ask = Callable[..., EpdAnswer]
NewClient = Callable[..., EpdClient]


@dataclass(frozen=True, slots=True)
class Epd:
    """The simulator from outside."""

    url: str
    http: httpx.Client

    @property
    def token_url(self) -> str:
        """Where tokens come from."""
        return f"{self.url}{epd.TOKEN_PATH}"

    def control(self, **change: Any) -> None:
        """Script faults or change people."""
        self.http.post(f"{self.url}/_control", json=change).raise_for_status()

    def strike(self, kind: str, times: int = 1, **more: Any) -> None:
        """Script one fault."""
        self.control(faults=[{"kind": kind, "times": times, **more}])

    def asked(self, path: str = epd.STATUS_PATH) -> int:
        """How many requests came since the last script."""
        requests: list[str] = self.http.get(f"{self.url}/_state").json()["requests"]
        return requests.count(f"POST {path}")


@pytest.fixture
def on() -> date:
    """The day of the files."""
    return date(2026, 11, 24)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPI, Epd]]:
    """One simulator behind a real port."""
    app, port = epd.create_app(()), free_port()
    with listening(app, port), httpx.Client() as http:
        yield app, Epd(f"http://localhost:{port}", http)


@pytest.fixture
def service(served: tuple[FastAPI, Epd], on: date) -> Epd:
    """The simulator as if new, with the whole cast on file."""
    app, service = served
    app.state.world = epd.create_app(cast(on)).state.world
    return service


@pytest.fixture
def new_client(service: Epd) -> Iterator[NewClient]:
    """Makes clients of the simulator."""
    made = []

    def new(
        *,
        patience: Patience = HASTE,
        authentication: ClientSecret | ClientKey = ClientSecret(epd.CLIENT_SECRET),  # noqa: B008 - frozen
        base_url: str = service.url,
        token_url: str = service.token_url,
    ) -> EpdClient:
        made.append(
            EpdClient(
                base_url,
                token_url=token_url,
                client_id=epd.CLIENT_ID,
                authentication=authentication,
                enduser_id="lerarenkaart-web",
                patience=patience,
            )
        )
        return made[-1]

    yield new
    for client in made:
        client.close()


@pytest.fixture
def client(new_client: NewClient) -> EpdClient:
    """A client in a hurry."""
    return new_client()


@pytest.fixture
def ask(client: EpdClient, on: date, now: datetime) -> Ask:
    """Ask about one of the cast."""

    def ask(key: str, client: EpdClient = client) -> EpdAnswer:
        return client.status(checked_insz(by_key(key).insz), on=on, now=now)

    return ask


def test_a_person_on_file_is_found(ask: Ask, on: date) -> None:
    answer = ask("permanent")
    assert answer.replaced_by is None
    assert answer.snapshot.insz == checked_insz(PERMANENT.insz)
    assert answer.snapshot.version == on.toordinal()
    assert answer.snapshot.postcode == "9000"
    assert [e.administrative_state for e in answer.snapshot.status.employments] == ["4"]


def test_a_person_without_a_file_is_no_failure(ask: Ask) -> None:
    answer = ask("unknown")
    assert answer.snapshot is None
    assert answer.replaced_by is None


def test_a_death_is_told(ask: Ask) -> None:
    assert ask("deceased").snapshot.status.deceased_on == date(2026, 11, 21)


def test_a_replaced_number_is_followed_to_the_new_one(ask: Ask) -> None:
    answer = ask("replaced")
    assert answer.replaced_by == answer.snapshot.insz == checked_insz(REPLACED.replaced_by)
    assert REPLACED.replaced_by not in repr(answer)


def test_a_replaced_number_is_followed_only_once(service: Epd, ask: Ask) -> None:
    service.control(replaced={REPLACED.replaced_by: PERMANENT.insz})
    with pytest.raises(Unavailable):
        ask("replaced")
    service.control(replaced={REPLACED.insz: REPLACED.insz})
    with pytest.raises(Unavailable):
        ask("replaced")


def test_a_new_file_shows_at_the_next_question(service: Epd, ask: Ask) -> None:
    version = ask("permanent").snapshot.version
    service.control(people=[PERMANENT.record | {"versie": version + 1, "opdrachten": []}])
    answer = ask("permanent").snapshot
    assert answer.version == version + 1
    assert answer.status.employments == ()


@pytest.mark.parametrize("kind", LATER)
def test_a_source_that_is_busy_is_asked_again(service: Epd, ask: Ask, kind: str) -> None:
    service.strike(kind, times=2)
    assert ask("permanent").snapshot is not None
    assert service.asked() == 3


@pytest.mark.parametrize("kind", LATER)
def test_a_source_that_stays_busy_is_unavailable(service: Epd, ask: Ask, kind: str) -> None:
    service.strike(kind, times=99)
    with pytest.raises(Unavailable):
        ask("permanent")
    assert service.asked() == HASTE.attempts


@pytest.mark.parametrize(("kind", "reason"), (REFUSALS | NOT_WELL).items())
def test_a_refusal_or_nonsense_is_unavailable_and_not_asked_again(
    service: Epd, ask: Ask, kind: str, reason: str
) -> None:
    service.strike(kind)
    with pytest.raises(Unavailable) as caught:
        ask("permanent")
    assert reason in str(caught.value.__cause__)
    assert service.asked() == 1
    assert ask("permanent").snapshot is not None


@pytest.mark.parametrize("key", ["clb", "unknown"])
def test_the_file_of_somebody_else_is_no_answer(service: Epd, ask: Ask, key: str) -> None:
    somebody = by_key(key)
    record = somebody.record or {"insz": somebody.insz, "opdrachten": []}
    service.strike("wrong-person", record=record)
    with pytest.raises(Unavailable) as caught:
        ask("permanent")
    assert "somebody else" in str(caught.value.__cause__)


def test_silence_is_given_up_in_time(service: Epd, new_client: NewClient, ask: Ask) -> None:
    service.strike("slow", times=99, seconds=0.6)
    client = new_client(patience=NO_TIME)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        ask("permanent", client)
    assert time.monotonic() - began < 4 * NO_TIME.budget_s
    assert service.asked() > 1


def test_an_answer_that_drips_is_given_up_in_time(
    service: Epd, new_client: NewClient, ask: Ask
) -> None:
    service.strike("drip", times=99, seconds=0.1)
    client = new_client(patience=NO_TIME)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        ask("permanent", client)
    assert time.monotonic() - began < 4 * NO_TIME.budget_s


def test_a_short_retry_after_is_waited_for(service: Epd, new_client: NewClient, ask: Ask) -> None:
    service.strike("throttled", retry_after="1")
    began = time.monotonic()
    assert ask("permanent", new_client(patience=HASTE)).snapshot is not None
    assert time.monotonic() - began >= 1.0


def test_a_long_retry_after_is_passed_on_at_once(service: Epd, ask: Ask) -> None:
    service.strike("throttled", retry_after="120")
    with pytest.raises(Unavailable) as caught:
        ask("permanent")
    assert caught.value.retry_after_s == 120
    assert service.asked() == 1


@pytest.mark.parametrize("text", ["soon", "-1", "99999999999", "\u0663"])
def test_a_retry_after_that_is_no_number_of_seconds_is_ignored(
    service: Epd, ask: Ask, text: str
) -> None:
    service.control(faults=[{"kind": "down", "retry_after": text.encode().decode("latin-1")}])
    assert ask("permanent").snapshot is not None


def test_nobody_at_the_address_is_unavailable(new_client: NewClient, ask: Ask) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable):
        ask("permanent", new_client(base_url=nowhere))
    with pytest.raises(Unavailable):
        ask("permanent", new_client(token_url=f"{nowhere}/token"))


def test_one_token_serves_many_questions(service: Epd, ask: Ask) -> None:
    for key in ("permanent", "clb", "replaced"):
        ask(key)
    assert service.asked(epd.TOKEN_PATH) == 1


def test_threads_that_miss_the_token_at_once_fetch_one(service: Epd, ask: Ask) -> None:
    service.strike("slow", path=epd.TOKEN_PATH, seconds=0.1)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, ["permanent"] * 8))
    assert all(answer.snapshot for answer in answers)
    assert service.asked(epd.TOKEN_PATH) == 1


def test_a_token_that_died_early_is_replaced(service: Epd, ask: Ask) -> None:
    ask("permanent")
    service.control(faults=[], end_tokens=True)
    assert ask("permanent").snapshot is not None
    assert service.asked(epd.TOKEN_PATH) == 1
    assert service.asked() == 2


def test_a_token_is_left_aside_before_its_end(
    on: date, now: datetime, new_client: NewClient
) -> None:
    app = epd.create_app(cast(on), token_lifetime_s=1)
    port = free_port()
    url = f"http://localhost:{port}"
    with listening(app, port):
        client = new_client(base_url=url, token_url=f"{url}{epd.TOKEN_PATH}")
        insz = checked_insz(PERMANENT.insz)
        client.status(insz, on=on, now=now)
        time.sleep(0.6)
        client.status(insz, on=on, now=now)
        assert app.state.world.requests.count(f"POST {epd.TOKEN_PATH}") == 2


def test_a_token_endpoint_that_is_busy_is_asked_again(service: Epd, ask: Ask) -> None:
    service.strike("down", times=2, path=epd.TOKEN_PATH)
    assert ask("permanent").snapshot is not None


@pytest.mark.parametrize("kind", ["down", "garbage", "html", "huge", "internal-error"])
def test_a_token_endpoint_that_fails_is_unavailable(service: Epd, ask: Ask, kind: str) -> None:
    service.strike(kind, times=99, path=epd.TOKEN_PATH)
    with pytest.raises(Unavailable):
        ask("permanent")
    assert service.asked() == 0


def test_a_silent_token_endpoint_holds_no_thread_beyond_its_time(
    service: Epd, new_client: NewClient, ask: Ask
) -> None:
    service.strike("slow", times=99, path=epd.TOKEN_PATH, seconds=0.6)
    client = new_client(patience=NO_TIME)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        outcomes = [threads.submit(ask, "permanent", client) for _ in range(4)]
        assert all(isinstance(outcome.exception(), Unavailable) for outcome in outcomes)
    assert time.monotonic() - began < 4 * NO_TIME.budget_s


def test_a_wrong_secret_is_unavailable_and_stays_secret(new_client: NewClient, ask: Ask) -> None:
    secret = ClientSecret("not-the-secret")
    assert "not-the-secret" not in repr(secret)
    with pytest.raises(Unavailable) as caught:
        ask("permanent", new_client(authentication=secret))
    assert "401" in str(caught.value.__cause__)


@pytest.mark.parametrize("right", [True, False])
def test_a_signed_assertion_proves_who_we_are(new_client: NewClient, on: date, right: bool) -> None:  # noqa: FBT001 - a case
    ours, other = (rsa.generate_private_key(65_537, 2048) for _ in range(2))
    app = epd.create_app(cast(on), public_key=(ours if right else other).public_key())
    port = free_port()
    url = f"http://localhost:{port}"
    with listening(app, port):
        client = new_client(
            base_url=url,
            token_url=f"{url}{epd.TOKEN_PATH}",
            authentication=ClientKey(ours, "2026-1", audience=epd.TOKEN_ISSUER),
        )
        now = datetime.now(UTC)  # noqa: TID251 - the simulated token endpoint reads the real clock
        insz = checked_insz(PERMANENT.insz)
        if right:
            assert client.status(insz, on=on, now=now).snapshot is not None
        else:
            with pytest.raises(Unavailable):
                client.status(insz, on=on, now=now)


def test_a_source_that_keeps_failing_is_left_alone(
    service: Epd, new_client: NewClient, ask: Ask
) -> None:
    client = new_client(patience=replace(HASTE, failures=5, rest_s=60))
    ask("permanent", client)
    service.strike("down", times=99)
    for _ in range(2):
        with pytest.raises(Unavailable):
            ask("permanent", client)
    assert service.asked() == 5
    with pytest.raises(Unavailable) as caught:
        ask("permanent", client)
    assert 30 < caught.value.retry_after_s <= 60
    assert service.asked() == 5


def test_a_source_that_rested_is_tried_again(service: Epd, new_client: NewClient, ask: Ask) -> None:
    client = new_client(patience=replace(HASTE, failures=1, rest_s=0.2))
    service.strike("garbage")
    with pytest.raises(Unavailable):
        ask("permanent", client)
    time.sleep(0.25)
    assert ask("permanent", client).snapshot is not None
    assert ask("permanent", client).snapshot is not None


def test_a_refusal_does_not_count_as_a_failing_source(
    service: Epd, new_client: NewClient, ask: Ask
) -> None:
    client = new_client(patience=replace(HASTE, failures=2))
    service.strike("denied", times=3)
    for _ in range(3):
        with pytest.raises(Unavailable):
            ask("permanent", client)
    assert ask("permanent", client).snapshot is not None


def test_after_a_rest_one_caller_tries_and_the_others_wait() -> None:
    breaker = Breaker(Patience(failures=1, rest_s=0.5))
    assert breaker.wait_s() == 0
    breaker.failed()
    assert 0 < breaker.wait_s() <= 0.5
    time.sleep(0.55)
    together = threading.Barrier(8)

    def admitted(_: int) -> bool:
        together.wait()
        return breaker.wait_s() == 0

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(admitted, range(8))) == 1
    breaker.succeeded()
    assert breaker.wait_s() == 0


@pytest.mark.parametrize("path", [epd.STATUS_PATH, epd.TOKEN_PATH])
@pytest.mark.parametrize("kind", [*LATER, *NOT_WELL, *REFUSALS, "wrong-person", "slow"])
def test_no_failure_and_no_log_line_tells_number_name_or_secret(
    service: Epd,
    new_client: NewClient,
    ask: Ask,
    *,
    kind: str,
    path: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = new_client(patience=NO_TIME if kind == "slow" else HASTE)
    caplog.set_level(logging.DEBUG)
    service.strike(kind, times=99, path=path, seconds=0.4, record=by_key("clb").record)
    with structlog.testing.capture_logs() as events, pytest.raises(Unavailable) as caught:
        ask("permanent", client)
    told = "".join(traceback.format_exception(caught.value))
    logged = f"{events} {caplog.text}"
    secrets = (PERMANENT.insz, by_key("clb").insz, "Annelies", "Willems", epd.CLIENT_SECRET)
    assert not [secret for secret in secrets if secret in told or secret in logged]
    assert {"event", "reason", "correlation_id", "log_level"} in [set(event) for event in events]


def test_the_number_is_not_in_what_an_answer_shows_of_itself(ask: Ask) -> None:
    answer = ask("permanent")
    assert PERMANENT.insz not in f"{answer!r} {answer.snapshot!s} {Insz(PERMANENT.insz)!r}"
