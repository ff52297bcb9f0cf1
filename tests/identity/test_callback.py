"""What a browser, or somebody with one, can try with the address we come back to."""

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from app.identity.authorization import code_in, read_response
from app.identity.discovery import Metadata
from app.identity.model import StoredAttempt
from app.identity.refusal import Cause, LoginRefused, Remedy
from app.identity.secret_text import fingerprint
from app.identity.sessions import HOME, local_path, take_attempt

from .conftest import NOW, LogIn, Provider, browse, later


def refused(log_in: LogIn, pairs: list[tuple[str, str]], **how: Any) -> Cause:
    """Why the callback is refused; nobody is logged in by it."""
    before = log_in.sessions()
    with pytest.raises(LoginRefused) as caught:
        log_in.finish(pairs, **how)
    assert log_in.sessions() == before
    return caught.value.cause


def test_a_callback_counts_once(log_in: LogIn) -> None:
    pairs = browse(log_in.begin())
    log_in.finish(pairs)
    assert refused(log_in, pairs) is Cause.ATTEMPT


def test_a_callback_in_another_browser_is_refused_and_leaves_the_right_one_its_turn(
    log_in: LogIn,
) -> None:
    pairs = browse(log_in.begin())
    assert refused(log_in, pairs, cookie="A" * 43) is Cause.ATTEMPT
    assert refused(log_in, pairs, cookie="") is Cause.ATTEMPT
    log_in.finish(pairs)


def test_a_code_of_one_browser_does_not_serve_another(log_in: LogIn) -> None:
    stolen = dict(browse(log_in.begin()))
    victim = LogIn(log_in.client, log_in.database)
    own = dict(browse(victim.begin()))
    pairs = list((own | {"code": stolen["code"]}).items())
    # The provider sees a verifier that does not belong to the code.
    assert refused(victim, pairs) is Cause.CODE_REFUSED


def test_a_code_is_exchanged_once_even_with_a_fresh_attempt(log_in: LogIn) -> None:
    used = dict(browse(log_in.begin()))
    log_in.finish(list(used.items()))
    again = dict(browse(log_in.begin()))
    assert refused(log_in, list((again | {"code": used["code"]}).items())) is Cause.CODE_REFUSED


def test_a_code_older_than_half_a_minute_is_refused_by_the_provider(
    log_in: LogIn, provider: Provider
) -> None:
    pairs = browse(log_in.begin())
    provider.clock.now = later(seconds=31)
    assert refused(log_in, pairs, now=later(seconds=31)) is Cause.CODE_REFUSED


def test_an_attempt_ends_after_ten_minutes(log_in: LogIn, provider: Provider) -> None:
    url = log_in.begin()
    provider.clock.now = later(minutes=9, seconds=59)
    log_in.finish(browse(url), now=later(minutes=9, seconds=59))
    url = log_in.begin()
    provider.clock.now = later(minutes=10)
    assert refused(log_in, browse(url), now=later(minutes=10)) is Cause.ATTEMPT


@pytest.mark.parametrize("name", ["state", "code", "iss", "error", "unknown"])
def test_a_parameter_that_stands_twice_is_refused(name: str, visit: LogIn) -> None:
    pairs = browse(visit.begin())
    value = dict(pairs).get(name, "x")
    extra = [(name, value)] if name in dict(pairs) else [(name, value)] * 2
    assert refused(visit, [*pairs, *extra]) is Cause.PARAMETERS


def test_a_callback_without_anything_is_refused(visit: LogIn) -> None:
    visit.begin()
    assert refused(visit, []) is Cause.STATE


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"state_hash": fingerprint("another")}, Cause.STATE),
        ({"issuer": "https://former.example/op"}, Cause.RESPONSE_ISS),
    ],
    ids=["state", "issuer"],
)
def test_an_answer_to_another_attempt_is_refused(
    changed: dict[str, Any], cause: Cause, visit: LogIn
) -> None:
    _, attempt = visit.client.begin(language="nl", now=NOW)
    issuer = attempt.issuer
    metadata = Metadata(issuer, "", "", "", None, None, None, promises_iss=True)
    answer = read_response([("state", "one"), ("code", "c"), ("iss", issuer)])
    fitting = replace(attempt, state_hash=fingerprint("one"))
    assert code_in(answer, fitting, metadata) == "c"
    with pytest.raises(LoginRefused) as caught:
        code_in(answer, replace(fitting, **changed), metadata)
    assert caught.value.cause is cause


def test_of_many_callbacks_with_one_state_only_one_gets_through(log_in: LogIn) -> None:
    pairs = browse(log_in.begin())
    state = dict(pairs)["state"]
    start, outcomes = Barrier(8), []

    def call_back() -> None:
        start.wait()
        try:
            log_in.database.transact(
                lambda session: take_attempt(session, state=state, browser=log_in.cookie, now=NOW)
            )
            outcomes.append("taken")
        except LoginRefused as refusal:
            outcomes.append(refusal.cause)

    threads = [Thread(target=call_back) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Cause.ATTEMPT] * 7 + ["taken"]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/%2F/evil.example",
        "/card/../../x",
        "/card?next=https://evil.example",
        "/card#x",
        "/card\n",
        "javascript:alert(1)",
        "card",
        "",
        "/" + "a" * 200,
        "/.well-known/x",
        "/card//x",
    ],
)
def test_a_return_address_that_is_not_plainly_ours_becomes_the_start_page(address: str) -> None:
    assert local_path(address) == HOME


@pytest.mark.parametrize("address", ["/", "/card", "/card/live", "/office/look-up"])
def test_a_path_of_ours_is_kept(address: str) -> None:
    assert local_path(address) == address


def test_a_log_in_never_leads_out_of_the_house(visit: LogIn) -> None:
    _, _, return_to = visit.finish(browse(visit.begin(return_to="//evil.example/")))
    assert return_to == HOME


def test_what_is_stored_of_an_attempt_does_not_open_it(log_in: LogIn) -> None:
    url = log_in.begin()
    state = dict(browse(url))["state"]
    with log_in.database.reading() as session:
        stored = session.scalars(select(StoredAttempt)).one()
    assert state.encode() not in {stored.state_hash, stored.browser_hash}
    assert log_in.cookie.encode() not in {stored.state_hash, stored.browser_hash}


def test_every_cause_has_a_remedy_and_a_sentence() -> None:
    told = {LoginRefused(cause).remedy: str(LoginRefused(cause)) for cause in Cause}
    assert set(told) == set(Remedy)
    assert len(set(told.values())) == len(Remedy)
