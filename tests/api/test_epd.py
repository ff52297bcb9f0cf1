"""Batches of the personnel file over HTTP: order, repeats, faults, limits, and what cards do."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import func, select

from app.api.epd_body import place
from app.audit import AuditEntry
from app.cards.model import Teacher
from app.epd.push import brake
from app.epd.push.brake import Decider
from app.epd.push.model import Batch, Fault, Pending, Run
from app.epd.push.runs import forget_old
from app.errors import Conflict
from app.identity.clients import Scope
from demo.crowd import file_of, insz_of
from demo.sync_job import SyncJob, record, records
from tests.api.oauth import bearer, register, transact
from tests.api.problem import problem_of
from tests.api.pushing import (
    LONG_AGO,
    cards,
    give_cards,
    pseudonym,
    reason,
    ring_of,
    runs,
    settle,
    sync_job,
)
from tests.api.stage import Service

PATH = "/api/v1/epd/status-batches"
SCHEMA = Path(__file__).parents[2] / "docs" / "epd-status-batch.schema.json"


@pytest.fixture
def job(service: Service) -> Iterator[SyncJob]:
    """The job that pushes."""
    job = sync_job(service)
    yield job
    job.close()


def counts(job: SyncJob, batch: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """How far a batch is, with what is not nothing."""
    stand = job.stand(batch)
    return stand["status"], {name: n for name, n in stand["tellers"].items() if n}


def expected_number(answer: httpx.Response) -> int:
    """What a gap says is missing."""
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "sequence-gap")
    return int(answer.json()["verwachtReeksnummer"])


def everything(service: Service) -> dict[str, int]:
    """How many rows each table of batches has."""
    tables = (Batch, Run, Pending, Fault, Teacher)
    found: dict[str, int] = transact(
        service,
        lambda session: {
            table.__tablename__: session.scalar(select(func.count()).select_from(table))
            for table in tables
        },
    )
    return found


def test_what_is_pushed_reaches_the_cards(service: Service, job: SyncJob) -> None:
    batch = job.batch(records(file_of(n) for n in range(1, 6)), number=1042)
    answer = job.send(batch)
    assert (answer.status_code, answer.json()) == (
        202,
        {
            "batchId": batch["batchId"],
            "status": "AANVAARD",
            "volgendReeksnummer": 1043,
            "_links": {"self": f"{PATH}/{batch['batchId']}"},
        },
    )
    assert counts(job, batch)[0] == "AANVAARD"
    settle(service)
    assert counts(job, batch) == ("VERWERKT", {"nieuw": 5})
    give_cards(service, 1, 2, 3, 4, 5)
    changes = (
        file_of(1, version=2, until=LONG_AGO),
        file_of(2, version=2, died_on=date(2026, 11, 1)),
        file_of(3, version=2, leave="LOOPBAANONDERBREKING"),
        file_of(4, version=1),
        file_of(5, version=0, until=LONG_AGO),
    )
    second = job.push(records(changes))
    settle(service, percent=100)
    assert counts(job, second) == (
        "VERWERKT",
        {"gewijzigd": 3, "ongewijzigd": 1, "verouderd": 1},
    )
    assert cards(service, 1, 2, 3, 4, 5) == [
        "suspended",
        "ended",
        "suspended",
        "active",
        "active",
    ]
    job.push(records([file_of(1, version=3), file_of(2, version=3), file_of(3, version=3)]))
    settle(service)
    assert cards(service, 1, 2, 3) == ["active", "ended", "active"]


def test_the_same_batch_again_is_the_same_batch(service: Service, job: SyncJob) -> None:
    batch = job.batch([record(file_of(1))])
    first = job.send(batch)
    again = job.send(batch)
    assert (again.status_code, again.json()) == (200, first.json())
    settle(service)
    assert job.send(batch).json() == first.json()
    settle(service)
    assert counts(job, batch) == ("VERWERKT", {"nieuw": 1})
    other = batch | {"records": [record(file_of(2))]}
    problem_of(job.send(other), "idempotency-mismatch", 422)
    other_client = sync_job(service, "another")
    problem_of(other_client.send(batch), "idempotency-mismatch", 422)
    other_client.close()
    assert everything(service)["epd_batch"] == 1


def test_numbers_rise_by_one_and_a_gap_is_closed_by_sending_again(
    service: Service, job: SyncJob
) -> None:
    job.push([record(file_of(1))])
    lost = job.batch([record(file_of(2))])
    after = job.batch([record(file_of(3))], number=lost["reeksnummer"] + 1)
    assert expected_number(job.send(after)) == lost["reeksnummer"]
    wrong_before = job.batch([record(file_of(3))]) | {"vorigReeksnummer": 0}
    assert expected_number(job.send(wrong_before)) == lost["reeksnummer"]
    job.sent += [lost, after]
    job.send_again(from_number=lost["reeksnummer"])
    for number in (after["reeksnummer"], 1):
        replay = job.batch([record(file_of(4, version=9))], number=number)
        problem_of(job.send(replay), "sequence-replayed", 409)
    settle(service)
    assert everything(service) | {"epd_batch": 3, "teacher": 3} == everything(service)
    assert job.next_number() == after["reeksnummer"] + 1


def test_a_bad_record_fails_alone_and_no_text_repeats_a_number(
    service: Service, job: SyncJob, logs: Sequence[Mapping[str, Any]]
) -> None:
    wrong = insz_of(2)[:-2] + f"{(int(insz_of(2)[-2:]) + 1) % 97:02}"
    bad = [
        record(file_of(2)) | {"insz": wrong},
        record(file_of(2)) | {"insz": "1" * 11},
        record(file_of(2)) | {"recordId": insz_of(2)},
        record(file_of(2)) | {"versie": "7"},
        record(file_of(2)) | {"actie": insz_of(2)},
        record(file_of(2)) | {"personeelslid": None},
        record(file_of(2)) | {"personeelslid": file_of(3)},
        record(file_of(2)) | {"versie": 8},
        record(file_of(2) | {"opdrachten": [{insz_of(2): insz_of(2)}]}),
        record(file_of(2), replaces=insz_of(2)),
        record(file_of(2), replaces=wrong),
        insz_of(2),
    ]
    batch = job.batch([record(file_of(1)), *bad])
    judged = job.send(batch, dry_run=True)
    assert job.send(batch).status_code == 202
    settle(service)
    assert counts(job, batch) == ("GEDEELTELIJK", {"nieuw": 1, "fout": len(bad)})
    stand = job.stand(batch)
    assert [fault["index"] for fault in stand["fouten"]] == list(range(1, len(bad) + 1))
    assert [fault["code"] for fault in stand["fouten"]] == (
        ["20002"] * 2 + ["10001"] * 4 + ["10002"] * 2 + ["10001", "10003", "20002", "10001"]
    )
    assert stand["fouten"] == judged.json()["fouten"]
    stored = transact(service, lambda session: str(session.execute(select(Fault.__table__)).all()))
    said = json.dumps(stand) + judged.text + str(logs) + stored
    assert "INSZ ongeldig" in said
    assert insz_of(2) not in said
    assert wrong not in said


def test_a_batch_of_faults_is_refused_and_its_faults_come_in_pages(
    service: Service, job: SyncJob
) -> None:
    batch = job.batch([{}] * 801)
    job.send(batch).raise_for_status()
    settle(service)
    assert counts(job, batch) == ("GEWEIGERD", {"fout": 801})
    after, pages = -1, []
    while True:
        page = job.stand(batch, after=after)
        pages.append(len(page["fouten"]))
        after = page["fouten"][-1]["index"]
        if "volgende" not in page["_links"]:
            break
    assert (pages, after) == ([400, 400, 1], 800)


def test_a_number_that_replaces_another_moves_the_card_along(
    service: Service, job: SyncJob
) -> None:
    job.push([record(file_of(1))])
    settle(service)
    give_cards(service, 1)
    job.push([record(file_of(2, version=2), replaces=insz_of(1))])
    settle(service)
    assert cards(service, 2) == ["active"]
    assert everything(service)["teacher"] == 1
    # What still comes under the old number makes nobody new of whom a card could be had.
    assert job.status(insz_of(1)) | {"bekend": False} == job.status(insz_of(1))


def test_a_removal_leads_into_grace_and_older_news_does_not_undo_it(
    service: Service, job: SyncJob
) -> None:
    job.push(records([file_of(1, version=5), file_of(2, version=5)]))
    settle(service)
    give_cards(service, 1, 2)
    removal = record(file_of(1, version=6), action="VERWIJDER")
    stale = record(file_of(2, version=4), action="VERWIJDER")
    unknown = record(file_of(9, version=6), action="VERWIJDER")
    batch = job.push([removal, stale, unknown])
    settle(service)
    assert counts(job, batch)[1] == {"gewijzigd": 1, "ongewijzigd": 1, "verouderd": 1}
    assert (reason(service, 1), reason(service, 2)) == ("grace", "employed")
    job.push([record(file_of(1, version=5))])
    settle(service)
    assert (reason(service, 1), cards(service, 1)) == ("grace", ["active"])
    job.push([record(file_of(1, version=7))])
    settle(service)
    assert reason(service, 1) == "employed"


def test_who_is_absent_after_the_last_part_gets_grace_and_no_more(
    service: Service, job: SyncJob
) -> None:
    job.push_everybody(file_of(n) for n in range(1, 101))
    settle(service)
    give_cards(service, 1, 2)
    job.push([record(file_of(200))])
    settle(service)
    service.clock.advance(hours=1)
    present = [file_of(n) for n in range(1, 101) if n not in {2, 50}]
    halves = present[:40], present[40:]
    for number, half in enumerate(halves, start=1):
        batch = job.batch(records(half), kind="VOLLEDIG", part=(number, 2))
        assert job.send(batch).status_code == 202
        settle(service)
        waiting = "AANVAARD" if number == 1 else "VERWERKT"
        assert counts(job, batch)[0] == waiting
    assert [reason(service, n) for n in (1, 2, 50, 200)] == ["employed", "grace", "grace", "grace"]
    assert cards(service, 1, 2) == ["active", "active"]
    assert job.status(insz_of(2))["afwezigSinds"] == "2026-11-24"
    # The source had forgotten somebody: the same version brings them back.
    job.push([record(file_of(2))])
    settle(service)
    assert reason(service, 2) == "employed"


def test_a_snapshot_counts_only_when_it_is_whole(service: Service, job: SyncJob) -> None:
    job.push([record(file_of(1))])
    settle(service)
    first = job.batch([record(file_of(2))], kind="VOLLEDIG", part=(1, 3), number=50)
    assert job.send(first).status_code == 202
    for part in ((3, 3), (2, 4), (1, 3)):
        kind = {"kind": "VOLLEDIG", "part": part}
        answer = job.send(job.batch([record(file_of(3))], **kind), dry_run=True)
        if part[0] > 1:
            assert expected_number(answer) == 51
            assert answer.json()["verwachtDeel"] == 2
        else:
            assert answer.status_code == 200
    settle(service)
    assert everything(service)["teacher"] == 1
    whole = job.batch(records([file_of(1), file_of(4)]), kind="VOLLEDIG", number=90)
    assert job.send(whole).status_code == 202
    settle(service)
    assert counts(job, first)[0] == "GEWEIGERD"
    assert counts(job, whole) == ("VERWERKT", {"nieuw": 1, "ongewijzigd": 1})
    left_over = job.batch([record(file_of(2))], kind="VOLLEDIG", part=(2, 3))
    expected_number(job.send(left_over))


@pytest.fixture
def hundred(service: Service, job: SyncJob) -> SyncJob:
    """A hundred people at work, each with a card."""
    job.push(records(file_of(n) for n in range(100)))
    settle(service)
    give_cards(service, *range(100))
    service.clock.advance(hours=1)
    return job


def decide(service: Service, person: str, *, release: bool = True) -> bool | None:
    """Somebody of the card office decides about what is parked."""
    now, key = service.clock(), ring_of(service).keys.active("audit")
    by = Decider(person, "GID", "OVO000000", "checked with the personnel file")

    def work(session: Any) -> bool | None:
        run = brake.parked(session)[0]
        act = brake.release if release else brake.refuse
        return act(session, run.id, by=by, key=key, now=now)

    answer: bool | None = transact(service, work)
    return answer


@pytest.mark.parametrize("full", [False, True], ids=["changes", "snapshot"])
def test_a_mass_change_waits_for_two_people(
    service: Service, hundred: SyncJob, *, full: bool
) -> None:
    if full:
        left = [file_of(n) for n in range(97)]
        batch = hundred.push_everybody(left)[0]
    else:
        gone = (file_of(n, version=2, until=LONG_AGO) for n in range(97, 100))
        batch = hundred.push(records(gone))
    settle(service)
    stand = hundred.stand(batch)
    assert (stand["status"], stand["zoudenKaartVerliezen"]) == ("WACHT_OP_BEVESTIGING", 3)
    assert [reason(service, n) for n in (97, 98, 99)] == ["employed"] * 3
    # What comes later is not held up by it.
    hundred.push([record(file_of(99, version=3))])
    settle(service)
    assert decide(service, "subject-1") is False
    with pytest.raises(Conflict):
        decide(service, "subject-1")
    settle(service)
    assert hundred.stand(batch)["status"] == "WACHT_OP_BEVESTIGING"
    assert decide(service, "subject-2") is True
    settle(service)
    assert hundred.stand(batch)["status"] == "VERWERKT"
    assert [reason(service, n) for n in (97, 98)] == ["grace" if full else "not_employed"] * 2
    assert reason(service, 99) == "employed"
    entries = transact(service, lambda session: session.scalars(select(AuditEntry.action)).all())
    assert entries == ["epd-run.release"] * 2


def test_one_person_stops_a_mass_change_for_good(service: Service, hundred: SyncJob) -> None:
    batch = hundred.push(
        records(file_of(n, version=2, died_on=date(2026, 11, 1)) for n in range(100))
    )
    settle(service)
    decide(service, "subject-1", release=False)
    settle(service)
    assert hundred.stand(batch)["status"] == "GEWEIGERD"
    assert cards(service, *range(100)) == ["active"] * 100
    assert everything(service)["epd_pending"] == 0


def test_a_mass_change_in_small_pieces_is_one_all_the_same(
    service: Service, hundred: SyncJob
) -> None:
    pieces = []
    for n in range(3):
        pieces.append(hundred.push([record(file_of(n, version=2, until=LONG_AGO))]))
        settle(service)
        service.clock.advance(hours=11)
    assert [hundred.stand(one)["status"] for one in pieces] == [
        "VERWERKT",
        "VERWERKT",
        "WACHT_OP_BEVESTIGING",
    ]
    service.clock.advance(hours=2)
    # The first is a day old by now.
    later = hundred.push([record(file_of(4, version=2, until=LONG_AGO))])
    settle(service)
    assert hundred.stand(later)["status"] == "VERWERKT"


def test_an_end_that_only_grace_delays_counts_for_the_brake(
    service: Service, hundred: SyncJob
) -> None:
    yesterday = date(2026, 11, 23)
    batch = hundred.push(records(file_of(n, version=2, until=yesterday) for n in range(3)))
    settle(service)
    assert hundred.stand(batch)["status"] == "WACHT_OP_BEVESTIGING"


def test_a_dry_run_judges_and_changes_nothing(service: Service, hundred: SyncJob) -> None:
    before = everything(service)
    batch = hundred.batch(
        [
            record(file_of(1, version=2, until=LONG_AGO)),
            record(file_of(2)),
            record(file_of(500)),
            {},
        ]
    )
    answer = hundred.send(batch, dry_run=True)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "batchId": batch["batchId"],
            "status": "BEOORDEELD",
            "tellers": {"nieuw": 0, "gewijzigd": 0, "ongewijzigd": 1, "verouderd": 0, "fout": 1},
            "teVerwerken": 2,
            "zoudenKaartVerliezen": 1,
            "fouten": answer.json()["fouten"],
        },
    )
    settle(service)
    assert everything(service) == before
    assert hundred.send(batch).status_code == 202


def test_what_is_no_batch_is_refused_and_leaves_nothing(service: Service, job: SyncJob) -> None:
    good = job.batch([record(file_of(1))])
    for changed in (
        {"bron": insz_of(1)},
        {"soort": "ALLES"},
        {"schemaVersie": 2},
        {"reeksnummer": 0},
        {"reeksnummer": 2**64},
        {"records": []},
        {"records": [{}] * 5_001},
        {"records": {}},
        {"aangemaaktOp": "2026-11-24T10:00:00"},
        {"deel": 2},
        {"aantalDelen": 2},
        {"batchId": insz_of(1)},
    ):
        headers = {"idempotency-key": good["batchId"]}
        answer = job.send(good | changed, headers=headers)
        document = problem_of(answer, "malformed-request", 422)
        assert insz_of(1) not in str(document)
    key = {"idempotency-key": good["batchId"]}
    for body in (b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"' + b"x" * 70_000):
        problem_of(job.send(body, headers=key), "malformed-request", 422)
    assert everything(service) == dict.fromkeys(everything(service), 0)


def test_headers_that_do_not_fit_the_body_are_refused(service: Service, job: SyncJob) -> None:
    batch = job.batch([record(file_of(1))])
    other = hashlib.sha512(b"").hexdigest()
    for headers, kind, status in (
        ({"content-digest": None}, "digest-mismatch", 400),
        ({"content-digest": f"sha-512=:{other}:"}, "digest-mismatch", 400),
        ({"content-digest": f"sha-256=:{'A' * 43}=:"}, "digest-mismatch", 400),
        ({"idempotency-key": None}, "malformed-request", 400),
        ({"idempotency-key": "1"}, "malformed-request", 400),
        ({"idempotency-key": str(uuid.uuid4())}, "malformed-request", 422),
        ({"content-type": "text/plain"}, "unsupported-media-type", 415),
        ({"content-encoding": "gzip"}, "unsupported-media-type", 415),
    ):
        problem_of(job.send(batch, headers=headers), kind, status)
    assert everything(service)["epd_batch"] == 0


def test_what_need_not_be_read_takes_no_place_from_what_is_read(job: SyncJob) -> None:
    batch = job.batch([record(file_of(1))])
    with place(), place():
        wrong = job.send(batch, headers={"content-type": "text/plain"})
        problem_of(wrong, "unsupported-media-type", 415)
        full = job.send(batch)
        problem_of(full, "unavailable", 503)
        assert full.headers["retry-after"] == "2"
    assert job.send(batch).status_code == 202


def test_a_body_may_have_sixteen_mebibytes_and_only_of_who_may_send(
    service: Service, job: SyncJob
) -> None:
    largest = b" " * (16 * 1024 * 1024)
    problem_of(job.send(largest), "malformed-request", 422)
    problem_of(job.send(largest + b" "), "too-large", 413)
    reader = register(service, "reader", Scope.EPD_READ)
    for headers, status in (({}, 401), (bearer(service, reader), 403)):
        answer = service.http.post(PATH, headers=headers, content=b"{}")
        assert answer.status_code == status
    problem_of(
        service.http.post("/api/v1/epd/status-queries", content=b" " * 70_000), "too-large", 413
    )


def test_what_was_accepted_survives_the_death_of_the_worker(
    service: Service, job: SyncJob, database: Any
) -> None:
    batch = job.push(records(file_of(n) for n in range(450)))
    first = runs(service, database)
    assert [first.run(), first.run()] == [1, 1]
    assert everything(service) | {"epd_pending": 2, "teacher": 200} == everything(service)
    assert counts(job, batch) == ("BEZIG", {"nieuw": 200})
    settle(service)
    assert counts(job, batch) == ("VERWERKT", {"nieuw": 450})
    service.clock.advance(days=31)
    transact(service, lambda session: forget_old(session, now=service.clock()))
    assert everything(service) == {
        "epd_batch": 0,
        "epd_run": 0,
        "epd_pending": 0,
        "epd_fault": 0,
        "teacher": 450,
    }


def test_the_status_of_one_person_says_what_we_make_of_it(service: Service, job: SyncJob) -> None:
    assert job.status(insz_of(1))["bekend"] is False
    job.push([record(file_of(1, version=7))])
    settle(service)
    give_cards(service, 1)
    stand = job.status(insz_of(1))
    assert stand | {"bekend": True, "versie": 7, "rechthebbende": True, "kaart": "active"} == stand
    headers = bearer(service, register(service, "reader", Scope.EPD_READ))
    for question in ({"insz": "1"}, {"insz": insz_of(1), "naam": "x"}, {"insz": 7}, {}):
        answer = service.http.post("/api/v1/epd/status-queries", json=question, headers=headers)
        problem_of(answer, "malformed-request", 422)
        assert insz_of(1) not in answer.text


def test_readiness_tells_the_age_of_the_last_batch(service: Service, job: SyncJob) -> None:
    def figures() -> dict[str, Any]:
        found: dict[str, Any] = service.http.get("/readyz").json()["checks"]["epd_push"]
        return found

    assert figures() == {
        "ok": True,
        "last_number": None,
        "last_batch_age_s": None,
        "unfinished": 0,
        "parked": 0,
        "oldest_unfinished_age_s": None,
    }
    job.push([record(file_of(1))])
    service.clock.advance(minutes=5)
    assert figures() | {"last_batch_age_s": 300, "unfinished": 1} == figures()
    settle(service)
    assert figures() | {"last_batch_age_s": 300, "unfinished": 0} == figures()


def test_the_published_schema_is_the_committed_one_and_judges_as_we_do(
    service: Service, job: SyncJob
) -> None:
    served = service.http.get("/api/v1/epd/status-batch.schema.json").json()
    # To accept a change, write what is served to the file.
    assert served == json.loads(SCHEMA.read_text("utf-8"))
    judge = Draft202012Validator(served, format_checker=FormatChecker())
    Draft202012Validator.check_schema(served)
    good = job.batch([record(file_of(1)), record(file_of(2), action="VERWIJDER")])
    assert list(judge.iter_errors(good)) == []
    person = file_of(1)
    for broken in (
        good | {"reeksnummer": 0},
        good | {"soort": "ALLES"},
        good | {"records": []},
        good | {"records": [record(person) | {"actie": "WEG"}]},
        good | {"records": [record(person) | {"versie": -1}]},
        good | {"records": [record(person | {"opdrachten": [{}]})]},
        good | {"records": [record(person | {"versie": "1"})]},
    ):
        assert list(judge.iter_errors(broken))
        answer = job.send(broken, dry_run=True)
        assert answer.status_code == 422 or answer.json()["tellers"]["fout"] == 1


def test_no_national_number_reaches_the_database(service: Service, job: SyncJob) -> None:
    job.push([record(file_of(1))])
    dump = transact(
        service,
        lambda session: str(
            [session.execute(select(t.__table__)).all() for t in (Batch, Run, Pending)]
        ),
    )
    assert insz_of(1) not in dump
    assert pseudonym(service, 1)
