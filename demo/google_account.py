"""A service account as Google Cloud hands one out, made on the spot for the demonstration.

Knows the fields of Google's key file; hides the making of the key. The key opens nothing
but the simulator beside it.
"""

import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

ISSUER_ID = "3388000000099999999"
FILE_NAME = "google-service-account.json"


def create(directory: Path, token_uri: str, *, name: str = "lerarenkaart") -> Path:
    """Write a new key file, readable by its owner only, and return its path."""
    project = "lerarenkaart-demo"
    email = f"{name}@{project}.iam.gserviceaccount.com"
    fields = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": secrets.token_hex(20),
        "private_key": _private_key(),
        "client_email": email,
        "client_id": str(secrets.randbelow(10**21)),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / FILE_NAME
    path.touch(mode=0o600)
    path.write_text(json.dumps(fields, indent=2) + "\n")
    return path


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
