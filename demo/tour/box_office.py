"""A theatre's box office, whose own system speaks to the API with access tokens.

It gets a token for its secret, verifies at its till, and afterwards sees the verdict, keeps a
receipt, and takes the check back because the performance was sold out.
"""

import httpx

from demo.office import Machine, admit_box_office
from demo.shop import gist
from demo.tour.stage import OK_RECENT, Stage, note

ROUTE = "/api/v1/verifications"


def chapter(stage: Stage, code: str) -> None:
    """Verify with a token, and everything that can be asked later of that check."""
    stage.story.chapter("A box office with the API")
    machine = admit_box_office(stage.world)
    with httpx.Client(base_url=stage.world.addresses.service) as http:
        http.headers["authorization"] = f"Bearer {_token(stage, http, machine)}"
        name = _verify(stage, http, machine, code)
        _afterwards(stage, http, machine, f"{ROUTE}/{name}")


def _token(stage: Stage, http: httpx.Client, machine: Machine) -> str:
    with stage.story.step("its secret buys a token for a quarter of an hour", expected=900) as step:
        form = {"grant_type": "client_credentials"}
        answer = http.post("/oauth2/token", data=form, auth=(machine.client_id, machine.secret))
        note(step, answer)
        step.actual = answer.json()["expires_in"]
    text: str = answer.json()["access_token"]
    return text


def _verify(stage: Stage, http: httpx.Client, machine: Machine, code: str) -> str:
    question = {"presentation": code, "channel": "box_office", "min_grade": "recent"}
    with stage.story.step("a code that is no old copy: ok", expected=OK_RECENT) as step:
        answer = http.post(ROUTE, json=question | {"till_id": machine.till_id})
        note(step, answer)
        step.actual = gist(answer)
    with stage.story.step("a token that names no till gets no verdict", expected=422) as step:
        step.actual = note(step, http.post(ROUTE, json=question))
    name: str = answer.json()["verification_id"]
    return name


def _afterwards(stage: Stage, http: httpx.Client, machine: Machine, check: str) -> None:
    with stage.story.step("a receipt for the books", expected="application/jose") as step:
        answer = http.get(f"{check}/receipt")
        note(step, answer)
        step.actual = answer.headers["content-type"]
        stage.story.artefact(step, "receipt.jws", answer.content)
    with stage.story.step("sold out: the check is taken back", expected=200) as step:
        till = {"till_id": machine.till_id}
        step.actual = note(step, http.post(f"{check}/void", params=till))
    with stage.story.step("its counts: none accepted, one taken back", expected="0;0;1") as step:
        answer = http.get(f"{ROUTE}/counts.csv")
        note(step, answer)
        step.actual = answer.text.splitlines()[-1].split(";;")[-1]
        stage.story.artefact(step, "counts.csv", answer.content)
