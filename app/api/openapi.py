"""The published description of the API: written from the code, kept in openapi/openapi.json.

Adds what FastAPI cannot know: who we are, how tills authenticate, what a problem looks
like. `lerarenkaart openapi` writes the file; the checks compare it.
"""

from typing import Any

from fastapi import FastAPI

from app.api import verifications

ABOUT: dict[str, Any] = {
    "title": "Digital Lerarenkaart",
    "summary": "The teacher card of Flanders: one verification endpoint for every kind of code.",
    "version": "1.0.0",
    "license_info": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
    "generate_unique_id_function": lambda route: route.name.replace("_", "-"),
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457, with sentences for people in four languages.",
    "required": ["type", "title", "status", "detail", "instance", "end_user_message"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri", "description": "The correlation id."},
        "end_user_message": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
TILL_KEY: dict[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "description": "A till key: `lk_live_<id>_<secret>_<checksum>`, `lk_test_…` in the sandbox.",
}
ACCESS_TOKEN: dict[str, Any] = {
    "type": "oauth2",
    "description": "A client proves itself with a secret or a signed assertion (RFC 7523).",
    "flows": {
        "clientCredentials": {
            "tokenUrl": "/oauth2/token",
            "scopes": {
                "epd:write": "Send statuses of the personnel file.",
                "epd:read": "See what became of what was sent.",
                "verifications:write": "Verify cards.",
            },
        }
    },
}
# What FastAPI describes by default and our problem documents replace.
REPLACED = {"HTTPValidationError", "ValidationError"}


def install(app: FastAPI) -> None:
    """Make the application describe itself as it really answers."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(FastAPI.openapi(app))
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every operation of a document."""
    return [operation for path in document["paths"].values() for operation in path.values()]


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    document["servers"] = [{"url": "/"}]
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in REPLACED:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    schemas.update(verifications.schemas())
    document["paths"][verifications.PATH] = {"post": verifications.OPERATION}
    components["securitySchemes"] = {"tillKey": TILL_KEY, "accessToken": ACCESS_TOKEN}
    for operation in operations(document):
        operation["responses"].pop("422", None)
        # A route that says itself how it is entered keeps its word.
        needs_key = operation["tags"] == ["partner"] and "jwks" not in operation["operationId"]
        operation.setdefault("security", [{"tillKey": []}] if needs_key else [])
    return document
