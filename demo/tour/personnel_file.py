"""The personnel file: a change is pushed and carried out, and one day it is down."""

import httpx

from demo.office import print_card
from demo.population import Record
from demo.tour import teacher
from demo.tour.stage import OK_STATIC, Stage, refused, until


def chapter(stage: Stage) -> None:
    """A career break and its end are pushed: the card follows, without the teacher."""
    stage.story.chapter("The personnel file pushes a career break, and its end")
    code, _ = print_card(stage.world)
    file = stage.world.person("permanent").record
    assert file is not None  # noqa: S101 - `permanent` has one
    away = (stage.world.person("on-leave").record or {})["dienstonderbrekingen"]
    version = file["versie"]
    _push(stage, file | {"versie": version + 1, "dienstonderbrekingen": away}, "the break")
    stage.scan("the card is withheld", stage.museum, code, refused("not_valid"))
    _push(stage, file | {"versie": version + 2}, "its end")
    stage.scan("the card is back", stage.museum, code, OK_STATIC)


def silence(stage: Stage) -> None:
    """It goes down: known teachers keep their card, new ones hear it."""
    stage.story.chapter("The personnel file is down")
    control = f"{stage.world.addresses.epd}/_control"
    httpx.post(control, json={"faults": [{"kind": "down", "times": 10_000}]})
    teacher.log_in(stage, "permanent", sees="Geldig")
    teacher.log_in(stage, "clb", sees="Nog niet bekend")
    httpx.post(control, json={"faults": []})


def _push(stage: Stage, file: Record, what: str) -> None:
    """Let the sync job push one file; the step holds once the service has carried it out."""
    epd = stage.world.addresses.epd
    with stage.story.step(f"a batch with {what} is pushed", expected="VERWERKT") as step:
        answer = httpx.post(f"{epd}/_push", json={"people": [file]})
        step.request, step.status = f"POST {epd}/_push", answer.status_code
        batch = answer.raise_for_status().json()[0]

        def stand() -> object:
            return httpx.get(f"{epd}/_push/{batch}").raise_for_status().json()["status"]

        step.actual = until(stand, "VERWERKT")
