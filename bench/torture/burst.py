"""Ten times the load in one burst: some are asked to wait, nobody hears anything wrong."""

import asyncio
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from app.cards.token import Carrier
from bench.torture.audit import SOUND, audit
from bench.torture.scenario import Bar, Figures, Run, Scenario
from bench.torture.service import honest, overflows
from bench.torture.site import LiveCodes, Site, site
from bench.torture.till import PATH, Answer, question

ORDINARY = 160
TENFOLD = 10 * ORDINARY
# Of ten people in the crowd six show a fresh code.
FRESH = 6
# As many files as one process may need for the crowd, and some for itself.
FILES = TENFOLD + 1000
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows, and the only reason that a verdict on it may give."""

    code: str
    reason: str


def burst(run: Run) -> Figures:
    """Waves of the ordinary load, and some ten times as high."""
    _allow_files()
    waves = [ORDINARY, TENFOLD, ORDINARY] * run.rounds(2)
    asked: list[tuple[Shown, Answer | None]] = []
    slowest_s = 0.0
    carriers = (Carrier.WEB,) * 9 + (Carrier.APPLE,)
    with site(run, cards=sum(waves), carriers=carriers) as place:
        with place.serving(overflows if run.planted else honest):
            people = _people(place)
            for size in waves:
                begun_s = time.monotonic()
                wave = list(islice(people, size))
                answers = asyncio.run(_wave(place, wave))
                asked += zip(wave, answers, strict=True)
                took_s = time.monotonic() - begun_s
                slowest_s = max(slowest_s, took_s)
                run.journal.note("wave", size=size, took_s=round(took_s, 2))
        told = [(shown, answer.document) for shown, answer in asked if answer and answer.is_verdict]
        found = audit(place, [verdict for _, verdict in told])
    patient = sum(answer is not None and answer.asks_for_patience for _, answer in asked)
    return found | {
        "wrong_verdicts": sum(verdict["reason"] != shown.reason for shown, verdict in told),
        "other_answers": len(asked) - len(told) - patient,
        "verdicts": len(told),
        "asked_to_wait": patient,
        "slowest_wave_s": round(slowest_s, 2),
    }


def _people(place: Site) -> Iterator[Shown]:
    """An endless crowd: most show what is good, the others each something else."""
    live = LiveCodes(place)
    used, forged = live.fresh(), live.fresh()
    till = place.till(0)
    if not till.present(used).document["valid"]:
        raise ValueError("a fresh code that is refused leaves nothing to measure")
    apple = next(one for one in place.holders if one.wallet_pass.carrier == Carrier.APPLE)
    place.revoke(apple)
    others = (
        Shown(used, "already_used"),
        Shown(place.code(apple), "not_valid"),
        Shown(f"{forged[:-20]}{'B' if forged[-20] == 'A' else 'A'}{forged[-19:]}", "bad_signature"),
        Shown(place.holders[0].card.number, "ok"),  # typed: only ten a minute
    )
    while True:
        for _ in range(FRESH):
            yield Shown(live.fresh(), "ok")
        yield from others


async def _wave(place: Site, people: list[Shown]) -> list[Answer | None]:
    ask = partial(_ask, place.ports[0], place.till_keys[1])
    return await asyncio.gather(*(ask(shown.code) for shown in people))


async def _ask(port: int, key: str, code: str) -> Answer | None:
    """One request on a connection of its own; None when no whole answer came."""
    body = question(code)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        f"authorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    asked_at_s = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body)
            raw = await reader.read(-1)
            writer.close()
    except OSError:  # TimeoutError is one
        return None
    top, _, content = raw.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    if not raw or int(headers["content-length"]) != len(content):
        return None
    return Answer(int(first.split()[1]), headers, content, asked_at_s, time.monotonic())


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


BURST = Scenario(
    burst,
    Bar(
        SOUND | {"wrong_verdicts": 0, "other_answers": 0},
        {"verdicts": 1000, "asked_to_wait": 10},
    ),
    caught_as="other_answers",
)
