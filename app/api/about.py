"""For anyone: help, and what this website promises to people who see, hear or move otherwise."""

from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.api.deps import page

# When somebody last went through the whole website with the criteria in hand.
ASSESSED_ON = date(2026, 11, 25)

pages = APIRouter(tags=["anyone"], include_in_schema=False)


@pages.get("/help")
def help_page(request: Request) -> HTMLResponse:
    """What people ask, and whom to ask the rest."""
    return page(request, "help.html")


@pages.get("/accessibility")
def accessibility(request: Request) -> HTMLResponse:
    """The accessibility statement (Bestuursdecreet, article II.16)."""
    return page(request, "accessibility.html", made_on=ASSESSED_ON)
