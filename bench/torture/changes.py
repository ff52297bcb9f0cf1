"""Changes under load: a revocation must be felt by the very next scan, a new key by none."""

import threading
import time
from http import HTTPStatus
from itertools import cycle

from app.cards import keyring
from app.cards.keyring import KINDS, Kind
from app.cards.token import Carrier, KeyState
from bench.torture.scenario import Bar, Figures, Run, Scenario
from bench.torture.service import honest, remembers
from bench.torture.site import LiveCodes, Site, site
from bench.torture.teachers import in_force, log_in, teachers
from bench.torture.till import Answer, crowd
from demo.world import wall_clock

TILLS = 12
# Tills present cards that were revoked a moment ago, and cards that will be in a moment.
AROUND = range(-2, 4)
PAUSE_S = 0.05
ROTATIONS_A_SECOND = 10


def revocation_is_seen(run: Run) -> Figures:
    """Cards are revoked one by one while two processes are asked for exactly these."""
    count = run.rounds(60)
    answers: list[tuple[int, Answer]] = []
    revoked_at_s: dict[int, float] = {}
    with site(run, cards=count, carriers=(Carrier.APPLE,), till_count=TILLS + 2) as place:
        tills = place.tills(processes=2)
        codes = [place.code(holder) for holder in place.holders]

        def scan(number: int, _: threading.Event) -> None:
            index = len(revoked_at_s) + run.chance.choice(AROUND)
            index = min(max(index, 0), count - 1)
            answers.append((index, tills[number].present(codes[index])))

        with place.serving_twice(remembers if run.planted else honest), crowd(TILLS, scan):
            for index, holder in enumerate(place.holders):
                time.sleep(PAUSE_S)
                place.revoke(holder)
                revoked_at_s[index] = time.monotonic()
                run.journal.note("revoked", card=index)
                # The very next scan, by each process.
                answers += [(index, till.present(codes[index])) for till in tills[TILLS:]]
    verdicts = [(index, answer) for index, answer in answers if answer.is_verdict]
    after = [answer for index, answer in verdicts if answer.asked_at_s > revoked_at_s[index]]
    return {
        "valid_after_revocation": sum(answer.document["valid"] for answer in after),
        "other_answers": len(answers) - len(verdicts),
        "revoked": count,
        "scans": len(answers),
        "scans_after_revocation": len(after),
    }


def key_rotation_under_load(run: Run) -> Figures:
    """Keys of every kind are replaced while codes by old and new keys are scanned.

    A teacher who has a card asks for one before and after, and must not get another. The
    planted fault drops the old token key instead of keeping it to verify with.
    """
    turns = run.rounds(48)
    answers: list[Answer] = []
    carriers = (Carrier.WEB, Carrier.WEB, Carrier.WEB, Carrier.APPLE)
    people = teachers(1)
    with site(run, cards=800 + 60 * turns, carriers=carriers, on_file=people) as place:
        live, tills = LiveCodes(place), place.tills(processes=2)
        wallets = [one for one in place.holders if one.wallet_pass.carrier == Carrier.APPLE]
        old_codes = cycle([place.code(holder) for holder in wallets])

        def scan(number: int, _: threading.Event) -> None:
            code = live.fresh() if number % 2 else next(old_codes)
            answers.append(tills[number].present(code))

        with place.serving_twice(), crowd(len(tills), scan):
            browser = log_in(place, *people)
            asked = [browser.press(place.till(0, process=0), "/card")]
            for _, kind in zip(range(turns), cycle(KINDS), strict=False):
                time.sleep(1 / ROTATIONS_A_SECOND)
                _replace(place, kind, drop=run.planted)
                run.journal.note("rotated", kind=kind)
            asked.append(browser.press(place.till(0, process=1), "/card"))
        second_cards = in_force(place)["cards"] - len(place.holders) - 1
    verdicts = [answer for answer in answers if answer.is_verdict]
    not_given = sum(answer.status != HTTPStatus.SEE_OTHER for answer in asked)
    return {
        "failed_scans": sum(not answer.document["valid"] for answer in verdicts),
        "other_answers": len(answers) - len(verdicts) + not_given,
        "second_cards": second_cards,
        "rotations": turns,
        "scans": len(answers),
    }


def _replace(place: Site, kind: Kind, *, drop: bool) -> None:
    directory = place.deployment.directory / "keys"
    if drop and kind == "token":
        keys = place.ring.keys.token.values()
        active = next(key for key in keys if key.state is KeyState.ACTIVE)
        keyring.revoke(directory, kind, active.id, now=wall_clock())
    else:
        keyring.rotate(directory, kind, now=wall_clock())


REVOCATION = Scenario(
    revocation_is_seen,
    Bar(
        {"valid_after_revocation": 0, "other_answers": 0},
        {"revoked": 60, "scans_after_revocation": 120},
    ),
    caught_as="valid_after_revocation",
)
KEY_ROTATION = Scenario(
    key_rotation_under_load,
    Bar(
        {"failed_scans": 0, "other_answers": 0, "second_cards": 0}, {"rotations": 48, "scans": 500}
    ),
    caught_as="failed_scans",
)
