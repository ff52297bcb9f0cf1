"""The simulated personnel file's other direction: its sync job, told what to send and when."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from demo.population import Record
from demo.sync_job import SyncJob, records

router = APIRouter()


class Push(BaseModel):
    """What is to be sent: these files, kept here too; or everybody on file."""

    model_config = ConfigDict(extra="forbid")

    people: list[Record] = []
    everybody: bool = False


@router.post("/_push")
def push(request: Request, order: Push) -> list[str]:
    """Send what changed, or a full snapshot; the numbers of the batches."""
    people, job = request.app.state.world.people, _job(request)
    people |= {file["insz"]: file for file in order.people}
    if order.everybody:
        return [batch["batchId"] for batch in job.push_everybody(people.values())]
    return [job.push(records(order.people))["batchId"]]


@router.get("/_push/{batch_id}")
def pushed(request: Request, batch_id: str) -> dict[str, Any]:
    """How far the service is with a batch, as the sync job sees it."""
    return _job(request).stand({"batchId": batch_id})


def _job(request: Request) -> SyncJob:
    job: SyncJob | None = request.app.state.job
    assert job is not None  # noqa: S101 - this world has a sync job
    return job
