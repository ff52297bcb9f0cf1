"""What teachers told us themselves, under a key of their own, only while they have a card.

Knows the two layers of encryption: a key of the key ring wraps the teacher's data key, which
seals each column. Dropping the data key is the erasure, backups included: the wrapped key is the
only way back.
"""

import os
import uuid

from app.cards.keyring import SECRET_BYTES, KeyFault, Keys, seal, unseal
from app.cards.model import Teacher


def seal_own(keys: Keys, teacher: Teacher, plain: bytes, *, column: str) -> bytes:
    """Encrypt for one column of this teacher's row; the first time makes their key."""
    if teacher.data_key is None:
        teacher.data_key = keys.seal(
            os.urandom(SECRET_BYTES), place=place_of(teacher.id, "data_key")
        )
    return seal(_data_key(keys, teacher), plain, place=place_of(teacher.id, column))


def unseal_own(keys: Keys, teacher: Teacher, sealed: bytes, *, column: str) -> bytes:
    """Undo `seal_own`; `KeyFault` when the text belongs elsewhere or the key was dropped."""
    return unseal(_data_key(keys, teacher), sealed, place=place_of(teacher.id, column))


def drop(teacher: Teacher) -> None:
    """Forget everything under the key for good."""
    teacher.data_key = teacher.name = teacher.address = None


def place_of(teacher_id: uuid.UUID, column: str) -> str:
    """Where what is sealed of a teacher belongs."""
    return f"teacher|{column}|{teacher_id}"


def _data_key(keys: Keys, teacher: Teacher) -> bytes:
    if teacher.data_key is None:
        raise KeyFault(f"teacher {teacher.id} has no data key")
    return keys.unseal(teacher.data_key, place=place_of(teacher.id, "data_key"))
