"""A teacher's name: from the log-in, under the teacher's own data key, only while a card exists.

Knows the two layers of encryption; hides them from whoever needs the name on a pass or
a page. Dropping the data key is the erasure: the wrapped key is the only way back.
"""

import json
import os
import uuid
from dataclasses import dataclass

from app.cards.keyring import SECRET_BYTES, Keys, seal, unseal
from app.cards.model import Teacher


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
    if teacher.data_key is None:
        data_key = os.urandom(SECRET_BYTES)
        teacher.data_key = keys.seal(data_key, place=place_of(teacher.id, "data_key"))
    else:
        data_key = keys.unseal(teacher.data_key, place=place_of(teacher.id, "data_key"))
    plain = json.dumps([name.given, name.family]).encode()
    teacher.name = seal(data_key, plain, place=place_of(teacher.id, "name"))


def read(keys: Keys, teacher: Teacher) -> Name | None:
    """The name, or None when none is kept."""
    if teacher.data_key is None or teacher.name is None:
        return None
    data_key = keys.unseal(teacher.data_key, place=place_of(teacher.id, "data_key"))
    return Name(*json.loads(unseal(data_key, teacher.name, place=place_of(teacher.id, "name"))))


def erase(teacher: Teacher) -> None:
    """Forget the name for good."""
    teacher.data_key = None
    teacher.name = None


def place_of(teacher_id: uuid.UUID, column: str) -> str:
    """Where what is sealed of a teacher belongs."""
    return f"teacher|{column}|{teacher_id}"
