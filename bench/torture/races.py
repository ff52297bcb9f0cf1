"""Races that must have exactly one winner, through two service processes on one database."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from app.cards import keyring
from app.cards.keyring import FILE_NAME
from app.cards.token import Carrier
from app.verification import codes
from app.verification.verify import MAX_CHECKS_A_DAY, MAX_WRONG_DIGITS
from bench.torture.audit import SOUND, audit
from bench.torture.scenario import Bar, Figures, Run, Scenario
from bench.torture.service import honest, looks_first
from bench.torture.site import Holder, Site, site
from bench.torture.teachers import in_force, log_in, teachers
from bench.torture.till import Answer, at_once
from demo.population import Person
from demo.world import wall_clock

RACERS = 64


def one_live_code_raced(run: Run) -> Figures:
    """64 tills present one live code at one moment, half of them to each process."""
    return _raced(run, Site.code)


def one_webshop_code_raced(run: Run) -> Figures:
    """The same with a code that a holder drew for one purchase."""
    return _raced(run, _webshop_code)


def _raced(run: Run, shown: Callable[[Site, Holder], str]) -> Figures:
    rounds = run.rounds(40)
    twice = never = other = 0
    told = []
    with site(run, cards=rounds, till_count=RACERS) as place:
        with place.serving_twice(looks_first if run.planted else honest):
            tills = place.tills(processes=2)
            for number, holder in enumerate(place.holders):
                code = shown(place, holder)
                answers = at_once([partial(till.present, code) for till in tills])
                verdicts = _verdicts(answers)
                accepted = [verdict for verdict in verdicts if verdict["valid"]]
                run.journal.note("raced", round=number, accepted=len(accepted))
                twice += len(accepted) > 1
                never += not accepted
                other += len(answers) - len(verdicts)
                told += verdicts
        found = audit(place, told)
    return found | {
        "accepted_twice": twice,
        "accepted_never": never,
        "other_answers": other,
        "rounds": rounds,
    }


def _webshop_code(place: Site, holder: Holder) -> str:
    teacher_id, now = holder.card.teacher_id, wall_clock()
    drawn = place.database.transact(
        lambda session: codes.draw(session, teacher_id, partner_id=None, now=now)
    )
    return drawn.code


def limits_raced(run: Run) -> Figures:
    """64 tills guess the digits of one Google code, then show one Apple code, then show it again.

    At one partner 20 guesses count in five minutes, a pass may be checked 10 times a day without
    a word, and what a till asks twice is one check.
    """
    rounds = run.rounds(20)
    guesses = unadvised = twice = other = 0
    told = []
    carriers = (Carrier.GOOGLE, Carrier.APPLE)
    with site(run, cards=2 * rounds, carriers=carriers, till_count=RACERS) as place:
        with place.serving_twice(looks_first if run.planted else honest):
            tills, elsewhere = place.tills(processes=2), place.tills(processes=2, first=1)
            for google, apple in zip(place.holders[::2], place.holders[1::2], strict=True):
                live, code = place.code(google), place.code(apple)
                guessed = at_once(
                    [partial(till.present, _wrong(live, by)) for by, till in enumerate(tills, 1)]
                )
                checked = at_once([partial(till.present, code) for till in tills + elsewhere])
                reasons = Counter(one["reason"] for one in _verdicts(guessed))
                first = [one for one in _verdicts(checked) if not one["repeat"]]
                run.journal.note("raced", checks=len(first), **reasons)
                guesses += reasons["bad_signature"] != MAX_WRONG_DIGITS
                unadvised += sum(not one["advice"] for one in first) != MAX_CHECKS_A_DAY
                twice += len(first) != RACERS
                answers = guessed + checked
                other += sum(not answer.is_verdict for answer in answers)
                told += _verdicts(answers)
        found = audit(place, told)
    return found | {
        "not_twenty_guesses": guesses,
        "not_ten_unadvised": unadvised,
        "counted_twice": twice,
        "other_answers": other,
        "rounds": rounds,
    }


def _wrong(code: str, by: int) -> str:
    """A Google code whose digits are off by a number."""
    body, digits = code[:-8], int(code[-8:])
    return f"{body}{(digits + by) % 10**8:08}"


def _verdicts(answers: list[Answer]) -> list[dict[str, Any]]:
    return [answer.document for answer in answers if answer.is_verdict]


def issue_raced(run: Run) -> Figures:
    """64 requests for one teacher's card at one moment, then 64 for its Apple pass.

    The planted fault is a second process with another pepper: to each of them the teacher is
    somebody else.
    """
    rounds = run.rounds(10)
    people = teachers(rounds)
    cards = passes = other = 0
    with site(run, cards=0, till_count=RACERS, on_file=people) as place:
        second_keys = _other_pepper(place) if run.planted else None
        with place.serving_twice(second_keys=second_keys):
            for person in people:
                before = in_force(place)
                answers = _race(place, person)
                after = in_force(place)
                other += sum(answer.status != HTTPStatus.SEE_OTHER for answer in answers)
                made = after - before
                run.journal.note("raced", **{str(what): count for what, count in made.items()})
                cards += made["cards"] != 1
                passes += any(made[carrier] != 1 for carrier in (Carrier.WEB, Carrier.APPLE))
    return {
        "not_one_card": cards,
        "not_one_pass_per_wallet": passes,
        "other_answers": other,
        "rounds": rounds,
    }


def _race(place: Site, person: Person) -> list[Answer]:
    """One teacher who presses each button 64 times at once."""
    browser = log_in(place, person)
    lines = place.tills(processes=2)
    return [
        answer
        for path in ("/card", "/card/apple")
        for answer in at_once([partial(browser.press, line, path) for line in lines])
    ]


def _other_pepper(place: Site) -> Path:
    """The same key ring but for the pepper, as a process with another secret would have it."""
    directory = place.deployment.directory / "other-keys"
    keyring.init(directory, environment="demo", now=wall_clock())
    ours, theirs = place.deployment.directory / "keys" / FILE_NAME, directory / FILE_NAME
    pepper = json.loads(theirs.read_text("utf-8"))["pepper"]
    theirs.write_text(json.dumps(json.loads(ours.read_text("utf-8")) | {"pepper": pepper}), "utf-8")
    return directory


ONCE = Bar(SOUND | {"accepted_twice": 0, "accepted_never": 0, "other_answers": 0}, {"rounds": 40})
ONE_LIVE_CODE = Scenario(one_live_code_raced, ONCE, caught_as="accepted_twice")
ONE_WEBSHOP_CODE = Scenario(one_webshop_code_raced, ONCE, caught_as="accepted_twice")
LIMITS = Scenario(
    limits_raced,
    Bar(
        SOUND
        | {"not_twenty_guesses": 0, "not_ten_unadvised": 0, "counted_twice": 0, "other_answers": 0},
        {"rounds": 20},
    ),
    caught_as="not_twenty_guesses",
)
ISSUE = Scenario(
    issue_raced,
    Bar({"not_one_card": 0, "not_one_pass_per_wallet": 0, "other_answers": 0}, {"rounds": 10}),
    caught_as="not_one_card",
)
