"""A teacher's name: from the log-in, under the teacher's own key, only while a card exists."""

import json
from dataclasses import dataclass

from app.cards.keyring import Keys
from app.cards.model import Teacher
from app.cards.own_key import seal_own, unseal_own


@dataclass(frozen=True, slots=True)
class Name:
    """As the log-in gave it; never in a log."""

    given: str
    family: str

    def __repr__(self) -> str:
        return "Name(…)"

    def __str__(self) -> str:
        return f"{self.given} {self.family}".strip()


def keep(keys: Keys, teacher: Teacher, name: Name) -> None:
    """Store the name, replacing an older one."""
    plain = json.dumps([name.given, name.family]).encode()
    teacher.name = seal_own(keys, teacher, plain, column="name")


def read(keys: Keys, teacher: Teacher) -> Name | None:
    """The name, or None when none is kept."""
    if teacher.name is None:
        return None
    return Name(*json.loads(unseal_own(keys, teacher, teacher.name, column="name")))
