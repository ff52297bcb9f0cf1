"""Other Python libraries that make Apple passes, each driven through its public interface.

Each gets the same files, the same pass.json and the same keys as ours. A library that is not
installed is None and named in the note: `wallet-py3k` comes with the bench extra, the other
two are measured when somebody has installed them.
"""

import importlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# Makes one whole pass from its pass.json.
Build = Callable[[dict[str, Any]], bytes]


@dataclass(frozen=True, slots=True)
class Material:
    """What a pass is made of; the PEM files are what the libraries read."""

    files: Mapping[str, bytes]
    certificate: Path
    key: Path
    wwdr: Path
    pass_type_identifier: str
    team_identifier: str


def wallet_py3k(material: Material) -> Build | None:
    """Return the builder of wallet-py3k, which runs `openssl smime` for each pass."""
    models = _imported("wallet.models")
    if models is None:
        return None

    def build(pass_json: dict[str, Any]) -> bytes:
        card = models.Generic()
        for group, add in (
            ("headerFields", card.addHeaderField),
            ("primaryFields", card.addPrimaryField),
            ("secondaryFields", card.addSecondaryField),
            ("backFields", card.addBackField),
        ):
            for field in pass_json["generic"][group]:
                add(field["key"], field["value"], field["label"])
        made = models.Pass(
            card,
            passTypeIdentifier=material.pass_type_identifier,
            organizationName=pass_json["organizationName"],
            teamIdentifier=material.team_identifier,
        )
        made.serialNumber = pass_json["serialNumber"]
        made.description = pass_json["description"]
        made.barcode = models.Barcode(pass_json["barcodes"][0]["message"], models.BarcodeFormat.QR)
        made.webServiceURL = pass_json["webServiceURL"]
        made.authenticationToken = pass_json["authenticationToken"]
        for name, content in material.files.items():
            made.addFile(name, io.BytesIO(content))
        paths = (str(path) for path in (material.certificate, material.key, material.wwdr))
        whole: bytes = made.create(*paths, "").getvalue()
        return whole

    return build


def edutap(material: Material) -> Build | None:
    """Return the builder of edutap.wallet_apple, which reads the key for each pass."""
    api = _imported("edutap.wallet_apple.api")
    if api is None:
        return None
    certificate, key = material.certificate.read_bytes(), material.key.read_bytes()
    wwdr = material.wwdr.read_bytes()

    def build(pass_json: dict[str, Any]) -> bytes:
        made = api.new(data=pass_json)
        made.files.update(material.files)
        made.sign_direct(key, certificate, wwdr)
        whole: bytes = api.pkpass(made).getvalue()
        return whole

    return build


def django_walletpass(material: Material) -> Build | None:
    """Return the builder of django-walletpass, which works in a temporary folder."""
    if _imported("django_walletpass") is None:
        return None
    conf, django = importlib.import_module("django.conf"), importlib.import_module("django")
    conf.settings.configure(
        SECRET_KEY="only for a benchmark",  # noqa: S106 - guards nothing
        INSTALLED_APPS=["django.contrib.contenttypes", "django_walletpass"],
        WALLETPASS={
            "CERT_PATH": str(material.certificate),
            "KEY_PATH": str(material.key),
            "APPLE_WWDRCA_PEM_PATH": str(material.wwdr),
            "PASS_TYPE_ID": material.pass_type_identifier,
            "TEAM_ID": material.team_identifier,
            "SERVICE_URL": "https://kaart.example/apple",
        },
    )
    django.setup()
    services = importlib.import_module("django_walletpass.services")

    def build(pass_json: dict[str, Any]) -> bytes:
        builder = services.PassBuilder()
        builder.pass_data = dict(pass_json)
        for name, content in material.files.items():
            builder.add_file(name, content)
        whole: bytes = builder.build()
        return whole

    return build


PEERS: Mapping[str, Callable[[Material], Build | None]] = {
    "wallet-py3k": wallet_py3k,
    "edutap.wallet_apple": edutap,
    "django-walletpass": django_walletpass,
}


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
