"""The search for canaries finds what it should: a net with holes would prove nothing."""

import base64
import hashlib

from tests.api.traces import forms_of_number, forms_of_text, found

NUMBER, NAME = "84022999609", "Élodie O'Çelik"


def test_a_number_is_found_however_it_is_written() -> None:
    raw = NUMBER.encode()
    for content in (
        b'{"insz": "84022999609"}',
        b"nr 84.02.29-996.09!",
        b"840229 996 09",
        b"3834303232393939363039",
        b"%38%34%30%32%32%39%39%39%36%30%39",
        b"=1390293a39=",
        bytes.fromhex("084022999609"),
        hashlib.sha256(raw).digest(),
        hashlib.sha1(raw, usedforsecurity=False).hexdigest().encode(),
        base64.urlsafe_b64encode(b"!" + hashlib.sha512(raw).digest()),
        NUMBER.encode("utf-16-le"),
        *(base64.b64encode(b"\xff" * before + raw + b"\xfe") for before in range(6)),
    ):
        assert found(forms_of_number(NUMBER), b"before" + content + b"after")


def test_a_name_is_found_however_it_is_written() -> None:
    for content in (
        NAME,
        NAME.upper(),
        NAME.lower(),
        "\\u00c9lodie O'\\u00c7elik",
        "&#201;lodie O'&#199;elik",
        "Élodie O&#x27;Çelik",
        "%C3%89lodie%20O%27%C3%87elik",
        NAME.encode().hex(),
        base64.b64encode(f"[{NAME}]".encode()).decode(),
    ):
        assert found(forms_of_text(NAME), f"before {content} after".encode())


def test_another_number_and_another_name_are_not_found() -> None:
    other = b"84022999508 Elodie Celik " + base64.b64encode(b"84022999508") * 3
    assert found(forms_of_number(NUMBER) | forms_of_text(NAME), other) == []
