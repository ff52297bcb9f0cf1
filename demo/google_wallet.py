"""Google's side of Google Wallet, simulated: token endpoint, REST API v1, save page.

Knows what Google's documents promise: the error envelope, ids that are never forgotten,
merge patches with whole arrays, 20 requests a second. Stricter than Google where Google is
known to be vague, so that what passes here passes there. `POST /_control` scripts faults,
`GET /_state` shows everything it holds; neither exists at Google.
"""

import argparse
import html
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp

from demo import google_account
from demo.google_callbacks import Callbacks, Event
from demo.google_faults import Control, Troubles, envelope
from demo.google_world import Kind, Refusal, World

router = APIRouter()
PAGE_SIZE = 100


def create_app(
    members: Sequence[Path],
    *,
    strangers: Sequence[Path] = (),
    issuer_id: str = google_account.ISSUER_ID,
    clock: Callable[[], datetime],
) -> ASGIApp:
    """The simulator for one issuer.

    `members` are the key files of service accounts invited to the issuer, `strangers` those of
    accounts that Google knows but the issuer does not.
    """
    api = FastAPI(title="Google Wallet, simulated", openapi_url=None)
    api.state.world = World(members, strangers, issuer_id=issuer_id, clock=clock)
    api.state.troubles = Troubles(api)
    api.state.callbacks = Callbacks(issuer_id=issuer_id, clock=clock)
    api.include_router(router)
    api.add_exception_handler(Refusal, _refuse)
    return api.state.troubles  # type: ignore[no-any-return]  # starlette's state is untyped


async def _refuse(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)  # noqa: S101 - as registered
    return envelope(refusal.code, refusal.reason, str(refusal), field=refusal.field)


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


def _caller(request: Request, world: Annotated[World, Depends(_world)]) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return world.caller(token if scheme == "Bearer" else "")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as exc:
        raise Refusal(400, "parseError", "Invalid JSON payload received.") from exc
    if not isinstance(body, dict):
        raise Refusal(400, "invalid", "Invalid value (Object).")
    return body


def _callbacks(request: Request) -> Callbacks:
    callbacks: Callbacks = request.app.state.callbacks
    return callbacks


def _telling(
    tasks: BackgroundTasks,
    world: Annotated[World, Depends(_world)],
    callbacks: Annotated[Callbacks, Depends(_callbacks)],
) -> Callable[[str, Event], None]:
    """How to tell the issuer, once the answer is given, what happened to an object."""

    def tell(object_id: str, event: Event) -> None:
        class_id, url = world.told_of(object_id)
        if url:
            tasks.add_task(callbacks.tell, url, callbacks.signed(class_id, object_id, event))

    return tell


InWorld = Annotated[World, Depends(_world)]
Caller = Annotated[str, Depends(_caller)]
InCallbacks = Annotated[Callbacks, Depends(_callbacks)]
Telling = Annotated[Callable[[str, Event], None], Depends(_telling)]
Body = Annotated[dict[str, Any], Depends(_body)]


@router.post("/token")
async def token(
    world: InWorld,
    request: Request,
    grant_type: Annotated[str, Form()] = "",
    assertion: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Exchange an assertion for an access token (RFC 7523)."""
    lifetime_s = request.app.state.troubles.control.token_lifetime_s
    try:
        value = world.grant(grant_type, assertion, lifetime_s=lifetime_s)
    except ValueError as exc:
        fault = {"error": "invalid_grant", "error_description": str(exc)}
        return JSONResponse(fault, status_code=400)
    return JSONResponse(
        {"access_token": value, "expires_in": lifetime_s, "token_type": "Bearer"},
        headers={"Cache-Control": "no-store"},
    )


@router.post("/walletobjects/v1/{kind}")
async def insert(kind: Kind, world: InWorld, caller: Caller, body: Body) -> JSONResponse:
    """Insert a class or an object; an id is taken for ever."""
    return _shown(world, kind, world.insert(kind, body, caller=caller))


@router.get("/walletobjects/v1/{kind}/{resource_id}")
async def get(kind: Kind, resource_id: str, world: InWorld, caller: Caller) -> JSONResponse:
    """One class or object."""
    return _shown(world, kind, world.get(kind, resource_id, caller=caller))


@router.patch("/walletobjects/v1/{kind}/{resource_id}")
async def patch(
    kind: Kind, resource_id: str, world: InWorld, caller: Caller, body: Body
) -> JSONResponse:
    """Change the fields sent: null clears, an array replaces the whole array."""
    return _shown(world, kind, world.patch(kind, resource_id, body, caller=caller))


@router.put("/walletobjects/v1/{kind}/{resource_id}")
async def update(
    kind: Kind, resource_id: str, world: InWorld, caller: Caller, body: Body
) -> JSONResponse:
    """Replace everything: a field not sent is lost."""
    return _shown(world, kind, world.update(kind, resource_id, body, caller=caller))


@router.post("/walletobjects/v1/{kind}/{resource_id}/addMessage")
async def add_message(
    kind: Kind, resource_id: str, world: InWorld, caller: Caller, body: Body
) -> JSONResponse:
    """Add a message; at most three a day and pass may notify."""
    changed = world.add_message(kind, resource_id, body, caller=caller)
    return JSONResponse({"resource": world.shown(kind, changed)})


@router.get("/walletobjects/v1/{kind}")
async def list_resources(
    kind: Kind,
    world: InWorld,
    caller: Caller,
    *,
    issuerId: str = "",  # noqa: N803 - Google's name
    classId: str = "",  # noqa: N803 - Google's name
    maxResults: int = PAGE_SIZE,  # noqa: N803 - Google's name
    token: str = "0",  # noqa: S107 - Google's name for the place to go on from
) -> JSONResponse:
    """The classes of an issuer, or the objects of a class, page by page."""
    found = world.list(kind, issuerId or classId, caller=caller)
    start = int(token)
    page = found[start : start + maxResults]
    pagination: dict[str, Any] = {"resultsPerPage": len(page)}
    if start + maxResults < len(found):
        pagination["nextPageToken"] = str(start + maxResults)
    resources = [world.shown(kind, resource) for resource in page]
    return JSONResponse({"resources": resources, "pagination": pagination})


@router.get("/gp/v/save/{jwt}")
async def save(
    jwt: str, world: InWorld, telling: Telling, user: str = "holder@example.com"
) -> HTMLResponse:
    """What the save link opens: `user` is the Google account that is logged in."""
    try:
        saved = world.save(jwt, user=user)
    except ValueError as exc:
        return _page("Something went wrong", str(exc), status_code=400)
    for object_id in saved:
        telling(object_id, "save")
    titles = [world.objects[name]["cardTitle"]["defaultValue"]["value"] for name in saved]
    return _page("Added to Google Wallet", ", ".join(titles))


@router.get("/gp/m/issuer/keys")
async def keys(callbacks: InCallbacks) -> JSONResponse:
    """The root keys by which callbacks are known."""
    return JSONResponse(callbacks.keys(), headers={"Cache-Control": "public, max-age=3600"})


@router.post("/_phone/remove/{object_id}")
async def remove(object_id: str, world: InWorld, telling: Telling) -> dict[str, Literal[True]]:
    """The holder removes a pass from their phone."""
    world.remove(object_id)
    telling(object_id, "del")
    return {"ok": True}


@router.post("/_keys")
async def new_keys(callbacks: InCallbacks) -> dict[str, Literal[True]]:
    """Google changes its keys."""
    callbacks.new_keys()
    return {"ok": True}


@router.post("/_sign")
async def sign(request: Request, callbacks: InCallbacks) -> Response:
    """Sign any message, as Google would."""
    message = (await request.body()).decode()
    return Response(callbacks.envelope(message), media_type="application/json")


@router.post("/_control")
async def control(request: Request, script: Control) -> dict[str, Literal[True]]:
    """Replace the script of faults, and start counting anew."""
    request.app.state.troubles.follow(script)
    request.app.state.world.legacy_enums = script.legacy_enums
    await request.app.state.callbacks.follow(script.callbacks)
    return {"ok": True}


@router.get("/_state")
async def state(request: Request, world: InWorld) -> dict[str, Any]:
    """Everything the simulator holds and has seen since the last control."""
    troubles: Troubles = request.app.state.troubles
    return {
        "classes": world.classes,
        "objects": world.objects,
        "users": world.users,
        "changes": world.changes,
        "grants": world.grants,
        "tokens": list(world.tokens),
        "requests": troubles.requests,
        "peak_per_s": troubles.peak_per_s,
        "callback_answers": request.app.state.callbacks.answers,
    }


def _shown(world: World, kind: Kind, resource: dict[str, Any]) -> JSONResponse:
    return JSONResponse(world.shown(kind, resource))


def _page(title: str, text: str, *, status_code: int = 200) -> HTMLResponse:
    page = (
        f"<!doctype html><html lang=en><title>{title}</title>"
        f"<h1>{title}</h1><p>{html.escape(text)}</p>"
    )
    return HTMLResponse(page, status_code=status_code)


def main() -> None:
    """Serve on a port with a new service account, and print where everything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, default=Path("var/demo"))
    arguments = parser.parse_args()
    base_url = f"http://localhost:{arguments.port}"
    account = google_account.create(arguments.directory, f"{base_url}/token")
    facts = {
        "GOOGLE_ISSUER_ID": google_account.ISSUER_ID,
        "GOOGLE_SERVICE_ACCOUNT_FILE": str(account),
        "GOOGLE_WALLET_BASE_URL": base_url,
        "GOOGLE_SAVE_URL": f"{base_url}/gp/v/save",
        "GOOGLE_KEYS_URL": f"{base_url}/gp/m/issuer/keys",
    }
    print(json.dumps(facts, indent=2))
    app = create_app([account], clock=lambda: datetime.now(UTC))
    uvicorn.run(app, port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
