"""The part of the tour that the personnel file plays: a change is pushed, and carried out."""

import time

import httpx

from demo.population import Record
from demo.story import Story

PATIENCE_S = 30.0


def push(story: Story, epd: str, file: Record, what: str) -> None:
    """Let the sync job push one file; the step holds once the service has carried it out."""
    with story.step(f"a batch with {what} is pushed", expected="VERWERKT") as step:
        answer = httpx.post(f"{epd}/_push", json={"people": [file]})
        step.request = f"POST {epd}/_push"
        step.status = answer.status_code
        batch = answer.raise_for_status().json()[0]
        deadline = time.monotonic() + PATIENCE_S
        while step.actual != "VERWERKT" and time.monotonic() < deadline:
            stand = httpx.get(f"{epd}/_push/{batch}").raise_for_status().json()
            step.actual = stand["status"]
            time.sleep(0.2)
