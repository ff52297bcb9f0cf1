"""A session ends when it should, belongs to one browser, and reading it writes nothing."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.cards.model import Teacher
from app.db import Database, uuid7
from app.identity.model import WebSession
from app.identity.sessions import (
    SessionView,
    begin_session,
    csrf_matches,
    csrf_token,
    end_session,
    end_sessions_of,
    find_session,
    touch_session,
)

from .conftest import NOW, later


def begin(
    database: Database, *, teacher_id: uuid.UUID | None = None, replaces: str | None = None
) -> str:
    """A session that begins at `NOW`."""
    return database.transact(
        lambda session: begin_session(
            session, teacher_id=teacher_id, authenticated_at=NOW, now=NOW, replaces=replaces
        )
    )


def find(database: Database, token: str, **span: float) -> SessionView | None:
    """The session as it is some time after `NOW`."""
    with database.reading() as session:
        return find_session(session, token, now=later(**span))


def touch(database: Database, token: str, **span: float) -> None:
    """Use a session some time after `NOW`."""
    view = find(database, token, **span)
    assert view is not None
    database.transact(lambda session: touch_session(session, view.id, now=later(**span)))


def teacher(database: Database) -> uuid.UUID:
    """A teacher's row."""
    row = Teacher(id=uuid7(), insz_pseudonym=uuid.uuid4().bytes * 2, pepper_id=1, created_at=NOW)
    database.transact(lambda session: session.add(row))
    return row.id


def test_a_session_is_found_by_its_token_only(database: Database) -> None:
    teacher_id = teacher(database)
    token = begin(database, teacher_id=teacher_id)
    view = find(database, token)
    assert view is not None
    assert (view.teacher_id, view.created_at) == (teacher_id, NOW)
    for other in ("", "A" * 43, token[:-1], token + "A", token.swapcase(), "é" * 43):
        assert find(database, other) is None


def test_the_stored_row_does_not_open_the_session(database: Database) -> None:
    token = begin(database)
    with database.reading() as session:
        stored = session.scalars(select(WebSession)).one()
    assert stored.token_hash != token.encode()
    assert find(database, stored.token_hash.hex()) is None


def test_a_session_that_is_left_alone_ends_after_half_an_hour(database: Database) -> None:
    token = begin(database)
    assert find(database, token, minutes=29, seconds=59) is not None
    assert find(database, token, minutes=30) is None


def test_a_session_in_use_goes_on_but_never_beyond_eight_hours(database: Database) -> None:
    token = begin(database)
    for minutes in range(25, 8 * 60, 25):
        touch(database, token, minutes=minutes)
    assert find(database, token, hours=7, minutes=59, seconds=59) is not None
    assert find(database, token, hours=8) is None


def test_a_session_is_written_to_once_a_minute_at_most(database: Database) -> None:
    token = begin(database)
    due = [(view := find(database, token, seconds=s)) and view.touch_due for s in (0, 59, 60)]
    assert due == [False, False, True]
    touch(database, token, seconds=60)
    view = find(database, token, seconds=119)
    assert view is not None
    assert not view.touch_due


def test_a_late_touch_does_not_turn_time_back(database: Database) -> None:
    token = begin(database)
    touch(database, token, minutes=10)
    touch(database, token, minutes=5 + 5)
    view = find(database, token, minutes=10)
    assert view is not None
    database.transact(lambda session: touch_session(session, view.id, now=later(minutes=2)))
    assert find(database, token, minutes=39) is not None


def test_a_touch_does_not_bring_an_ended_session_back(database: Database) -> None:
    token = begin(database)
    view = find(database, token)
    assert view is not None
    database.transact(lambda session: end_session(session, token))
    database.transact(lambda session: touch_session(session, view.id, now=later(minutes=2)))
    assert find(database, token) is None


def test_a_clock_that_is_set_back_ends_sessions_rather_than_lengthening_them(
    database: Database,
) -> None:
    token = begin(database)
    assert find(database, token, seconds=-60) is not None
    assert find(database, token, seconds=-61) is None


def test_logging_out_ends_this_session_and_no_other(database: Database) -> None:
    token, other = begin(database), begin(database)
    database.transact(lambda session: end_session(session, token))
    assert find(database, token) is None
    assert find(database, other) is not None


def test_a_log_in_gives_a_new_token_and_ends_the_one_the_browser_had(database: Database) -> None:
    planted = begin(database)
    token = begin(database, replaces=planted)
    assert token != planted
    assert find(database, planted) is None
    assert find(database, token) is not None


def test_a_teacher_is_logged_out_everywhere_and_nobody_else_is(database: Database) -> None:
    one, other = teacher(database), teacher(database)
    tokens = [begin(database, teacher_id=one) for _ in range(3)]
    kept = begin(database, teacher_id=other)
    assert database.transact(lambda session: end_sessions_of(session, one)) == 3
    assert [find(database, token) for token in tokens] == [None] * 3
    assert find(database, kept) is not None


def test_a_form_belongs_to_the_session_that_it_was_shown_in(database: Database) -> None:
    token, other = begin(database), begin(database)
    assert csrf_matches(token, csrf_token(token))
    assert not csrf_matches(token, csrf_token(other))
    assert token not in csrf_token(token)


@pytest.mark.parametrize("presented", ["", "0" * 64, "é", "\ud800"])
def test_a_made_up_form_token_is_refused(presented: str) -> None:
    assert not csrf_matches("A" * 43, presented)


def test_tokens_do_not_repeat_and_are_long_enough(database: Database) -> None:
    tokens = {begin(database) for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}  # 256 bits


def test_an_authentication_in_the_past_is_kept_as_it_was(database: Database) -> None:
    earlier = NOW - timedelta(hours=3)
    token = database.transact(
        lambda session: begin_session(session, teacher_id=None, authenticated_at=earlier, now=NOW)
    )
    view = find(database, token)
    assert view is not None
    assert view.authenticated_at == earlier


def test_what_is_sealed_in_a_session_comes_back_and_is_not_shown(database: Database) -> None:
    token = database.transact(
        lambda session: begin_session(
            session, teacher_id=None, sealed_person=b"sealed", authenticated_at=NOW, now=NOW
        )
    )
    view = find(database, token)
    assert view is not None
    assert view.sealed_person == b"sealed"
    assert "sealed" not in repr(view).replace("sealed_person", "")


def test_a_lost_phone_is_logged_out_and_the_browser_that_reports_it_is_not(
    database: Database,
) -> None:
    teacher_id = teacher(database)
    lost, own = (begin(database, teacher_id=teacher_id) for _ in range(2))
    assert database.transact(lambda session: end_sessions_of(session, teacher_id, but=own)) == 1
    assert find(database, lost) is None
    assert find(database, own)
