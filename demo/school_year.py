"""A year of teachers, cards and scans, with a ledger of its own of what happened in it.

Makes rows as the service writes them and notes beside each what a person would count, province
by province, without asking how the service counts. Every choice comes from one seed. What must
not count is there too: refusals, tests, scans that a till took back; and what was checked without
a network comes days later.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from app.cards.entitlement import CardStatus
from app.cards.model import Card, Teacher, WalletPass
from app.db import Base
from app.epd.model import Institution, PersonnelRecord
from app.partners import Partner
from app.verification.model import Till

BRUSSELS = ZoneInfo("Europe/Brussels")
# A postcode in each province and how many of a thousand teachers live there; "" is abroad.
TOWNS = {
    "BE-VAN": ("2000", 284),
    "BE-VLI": ("3500", 139),
    "BE-VOV": ("9000", 232),
    "BE-VWV": ("8000", 172),
    "BE-VBR": ("3000", 148),
    "BE-WLG": ("4000", 2),
    "BE-WNA": ("5000", 1),
    "BE-WHT": ("7000", 3),
    "BE-WLX": ("6700", 1),
    "BE-BRU": ("1000", 14),
    "BE-WBR": ("1300", 3),
    "": (None, 1),
}
PROVINCES = list(TOWNS)
WEIGHTS = [share for _, share in TOWNS.values()]
WEB, APPLE, GOOGLE, PAPER = 1, 2, 3, 4
CARRIERS = {WEB: "WEB", APPLE: "APPLE", GOOGLE: "GOOGLE", PAPER: "PAPER"}
CHANNELS = {
    "till": "IN_PERSON",
    "scanner": "IN_PERSON",
    "library": "IN_PERSON",
    "webshop": "ONLINE",
    "phone": "ONLINE",
}

Rows = Iterator[tuple[type[Base], dict[str, Any]]]
# Year, measure, channel, basis, province.
Cell = tuple[int, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a card, and what can be shown of it."""

    teacher: uuid.UUID
    home: str
    work: str
    card: uuid.UUID
    passes: tuple[tuple[int, uuid.UUID], ...]


class SchoolYear:
    """The rows of a year and, once they were all taken, the `ledger` of it."""

    def __init__(self, year: int, *, teachers: int, scans: int, seed: int = 2026) -> None:
        self.year = year
        self.ledger: Counter[Cell] = Counter()
        self._teachers = teachers
        self._scans = scans
        self._dice = random.Random(seed)  # noqa: S311 - a simulation repeats itself
        self._begin = datetime(year, 1, 1, tzinfo=BRUSSELS).astimezone(UTC)
        self._end = datetime(year + 1, 1, 1, tzinfo=BRUSSELS).astimezone(UTC)
        self._holders: list[Holder] = []
        self._tills: dict[str, uuid.UUID] = {}
        self._partner = self._id()
        # Drawn numbers of ten digits would meet among so many.
        self._numbers = count(1)
        # Who did what in which year, so that nobody is written down twice.
        self._noted: set[tuple[int, str, uuid.UUID]] = set()

    def population(self) -> Rows:
        """Schools, shops, teachers, and the cards of two thirds of them."""
        yield (
            Partner,
            {
                "id": self._partner,
                "name": "Everywhere",
                "category": "museum",
                "created_at": self._begin,
            },
        )
        for number, (province, (postcode, _)) in enumerate(TOWNS.items()):
            self._tills[province] = self._id()
            yield (
                Till,
                {
                    "id": self._tills[province],
                    "partner_id": self._partner,
                    "name": province,
                    "postcode": postcode,
                    "created_at": self._begin,
                },
            )
            if postcode:
                yield Institution, {"number": f"{number:06}", "postcode": postcode}
        for _ in range(self._teachers):
            yield from self._teacher()

    def scans(self) -> Iterator[dict[str, Any]]:
        """The scans of the year in the order of their moments, most of them good."""
        step = (self._end - self._begin) / (self._scans + 1)
        for number in range(1, self._scans + 1):
            yield self._scan(self._begin + number * step)

    def _teacher(self) -> Rows:
        teacher, (home, work) = self._id(), self._dice.choices(PROVINCES, WEIGHTS, k=2)
        yield (
            Teacher,
            {
                "id": teacher,
                "insz_pseudonym": teacher.bytes * 2,
                "pepper_id": 1,
                "entitled": True,
                "created_at": self._begin,
            },
        )
        yield (
            PersonnelRecord,
            {
                "teacher_id": teacher,
                "source": "EPD",
                "version": 1,
                "changed_at": self._begin,
                "received_at": self._begin,
                "snapshot": self._appointment(PROVINCES.index(work)) if work else self._nothing(),
                "home_province": home or None,
            },
        )
        self._note(self.year, "entitled", "", home, work)
        if self._chance(2 / 3):
            yield from self._cards(teacher, home, work)

    def _cards(self, teacher: uuid.UUID, home: str, work: str) -> Rows:
        """One card, since this year or the last; a second one for whoever lost the first."""
        first = self.year - self._chance(0.3)
        test, lost = self._chance(0.01), self._chance(0.02)
        for turn in range(2 if lost else 1):
            since = first if turn == 0 else self.year
            gone = lost and turn == 0
            holder = Holder(teacher, home, work, self._id(), self._carried())
            yield Card, self._card(holder, since, revoked=gone, test=test)
            yield from self._passes(holder, since, test=test)
            if test:
                continue
            self._holders.append(holder)
            for year in range(since, self.year + 1):
                self._note(year, "cards_distributed", "DIGITAL", home, work)
                if not self._once(year, "holders_issued", holder):
                    self._note(year, "cards_replaced", "DIGITAL", home, work)

    def _passes(self, holder: Holder, since: int, *, test: bool) -> Rows:
        for carrier, pass_id in holder.passes:
            # A Google pass nobody heard of yet: its first use will tell.
            silent = carrier == GOOGLE and self._chance(0.2)
            month = self._dice.randint(1, 12)
            at = None if silent else datetime(since, month, 3, tzinfo=UTC)
            yield (
                WalletPass,
                {
                    "id": pass_id,
                    "card_id": holder.card,
                    "carrier": carrier,
                    "pass_number": pass_id.int >> 66,
                    "serial": pass_id.hex,
                    "key_id": 1,
                    "pass_secret_id": 1,
                    "generation": 1,
                    "revision": 1,
                    "pushed_revision": 1,
                    "code_issued_at": int(self._begin.timestamp()),
                    "revised_at": self._begin,
                    "activated_at": at,
                },
            )
            if at and not test:
                for year in range(since, self.year + 1):
                    self._carries(holder, year, carrier)

    def _scan(self, at: datetime) -> dict[str, Any]:
        # Some use their card every week, most now and then.
        holder = self._holders[int(len(self._holders) * self._dice.random() ** 3)]
        place = self._dice.choices(PROVINCES, WEIGHTS)[0]
        channel = self._dice.choice(list(CHANNELS))
        typed = self._chance(0.05)
        carrier, pass_id = (None, None) if typed else self._dice.choice(holder.passes)
        refused, test, void = self._chance(0.06), self._chance(0.02), self._chance(0.01)
        late = timedelta(hours=self._dice.randint(1, 160)) if self._chance(0.03) else None
        if not (refused or test or void):
            self._use(holder, place, channel, carrier)
        return {
            "id": self._id(),
            "partner_id": self._partner,
            "till_id": self._tills[place],
            "card_id": holder.card,
            "pass_id": pass_id,
            "at": at,
            "channel": channel,
            "carrier": carrier,
            "valid": not refused,
            "reason": "already_used" if refused else "ok",
            "cause": "",
            "advice": "",
            "test": test,
            "code_digest": b"",
            "uploaded_at": at + late if late else None,
            "voided_at": at + timedelta(minutes=5) if void else None,
        }

    def _use(self, holder: Holder, place: str, channel: str, carrier: int | None) -> None:
        for basis, province in (("home", holder.home), ("work", holder.work), ("partner", place)):
            self.ledger[self.year, "uses", CHANNELS[channel], basis, province] += 1
        self._once(self.year, "holders_used", holder)
        self._once(self.year, "holders_activated", holder)
        if carrier:
            self._carries(holder, self.year, carrier)

    def _carries(self, holder: Holder, year: int, carrier: int) -> None:
        """Somebody has the card on this carrier."""
        self._once(year, "holders_activated", holder)
        if (year, CARRIERS[carrier], holder.card) not in self._noted:
            self._noted.add((year, CARRIERS[carrier], holder.card))
            self._note(year, "cards_distributed", CARRIERS[carrier], holder.home, holder.work)

    def _once(self, year: int, what: str, holder: Holder) -> bool:
        """Note a person, not a card: once a year."""
        if (year, what, holder.teacher) in self._noted:
            return False
        self._noted.add((year, what, holder.teacher))
        self._note(year, what, "", holder.home, holder.work)
        return True

    def _note(self, year: int, what: str, channel: str, home: str, work: str) -> None:
        self.ledger[year, what, channel, "home", home] += 1
        self.ledger[year, what, channel, "work", work] += 1

    def _carried(self) -> tuple[tuple[int, uuid.UUID], ...]:
        """What somebody puts the card on, at least one of four."""
        chances = {APPLE: 0.45, GOOGLE: 0.35, PAPER: 0.05, WEB: 0.4}
        chosen = [carrier for carrier, chance in chances.items() if self._chance(chance)]
        return tuple((carrier, self._id()) for carrier in chosen or [WEB])

    def _card(self, holder: Holder, since: int, *, revoked: bool, test: bool) -> dict[str, Any]:
        return {
            "id": holder.card,
            "teacher_id": holder.teacher,
            "number": f"{next(self._numbers):010}",
            "status": CardStatus.REVOKED if revoked else CardStatus.ACTIVE,
            "status_reason": "lost" if revoked else "employed",
            "test": test,
            "initials": 0,
            "valid_from": datetime(since, 1, 1, tzinfo=BRUSSELS) + timedelta(days=5),
            "year": self.year,
            "created_at": self._begin,
        }

    def _appointment(self, institution: int) -> dict[str, Any]:
        post = {
            "institution": f"{institution:06}",
            "main_structure": "311",
            "category": "ONDERWIJZEND",
            "begin": "2020-09-01",
            "end": None,
            "administrative_state": "4",
            "tadd": False,
            "volume": [20, 20],
        }
        return self._nothing() | {"employments": [post]}

    def _nothing(self) -> dict[str, Any]:
        return {"employments": [], "interruptions": [], "deceased_on": None}

    def _chance(self, share: float) -> bool:
        return self._dice.random() < share

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self._dice.getrandbits(128), version=4)
