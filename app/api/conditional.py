"""Answers that a client need not fetch again: 304 when it names what it has (RFC 9110, 13.1.2)."""

from fastapi import Request, Response


def unless_known(
    request: Request, body: bytes, etag: str, media_type: str, *, caching: str
) -> Response:
    """`body` under its entity tag, or nothing but the tag for whoever has it already."""
    headers = {"etag": etag, "cache-control": caching}
    offered = request.headers.get("if-none-match", "").split(",")
    if any(tag.strip().removeprefix("W/") in {"*", etag.removeprefix("W/")} for tag in offered):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)
