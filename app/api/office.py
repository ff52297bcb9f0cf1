"""For the card office: one person's record, opened by a number and for a purpose, and the acts.

Every look and every act is committed to the record of acts before anything of it is answered.
What does harm is done on a page of its own, which asks for a fresh log-in. Pages come here, the
same in JSON from `office_api`; the rules are in `app.office`.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.api.deps import language
from app.api.office_desk import AtDesk, Viewing, at_desk
from app.identity.roles import Role
from app.office import cases
from app.office.acts import ACTS, Act, Why
from app.office.cases import Purpose, Reason, read_number
from app.office.dossier import has_print
from app.passes import paper_pdf
from app.passes.paper_pdf import Size
from app.web.office_texts import ActPage, OfficePage, PersonPage

router = APIRouter(tags=["card office"], include_in_schema=False)


@router.get("/office")
def home(desk: Viewing) -> HTMLResponse:
    """Where the office begins: look up one person."""
    return desk.page("office.html", OfficePage())


@router.post("/office/cases", response_model=None)
def open_record(
    desk: Annotated[AtDesk, at_desk(Role.VIEWER, acting=True)],
    number: Annotated[str, Form(max_length=40)],
    purpose: Annotated[Purpose, Form()],
    reference: Annotated[str, Form(max_length=200)] = "",
) -> HTMLResponse | RedirectResponse:
    """Open the record of the person with a number, or say why not; the number is not repeated."""
    try:
        why = Reason(purpose, reference)
    except ValueError:
        return desk.page("office.html", OfficePage(fault="reference", purpose=purpose), status=422)
    again = OfficePage(fault="number", purpose=purpose, reference=reference)
    if read_number(number) is None:
        return desk.page("office.html", again, status=422)
    case_id = desk.look_up(number, why)
    if case_id is None:
        return desk.page("office.html", again.because("nobody"), status=404)
    return RedirectResponse(f"/office/cases/{case_id}", 303)


@router.get("/office/cases/{case_id}")
def record(desk: Viewing, case_id: uuid.UUID) -> HTMLResponse:
    """One person as this official may see them."""
    case, person = desk.look(case_id)
    value = PersonPage(
        case_id=case_id,
        purpose=case.purpose,
        open_until=case.opened_at + cases.OPEN_FOR,
        person=person,
        helps=desk.official.may(Role.SUPPORT),
        prints=desk.official.may(Role.ISSUER) and has_print(person),
    )
    return desk.page("office_person.html", value)


@router.get("/office/cases/{case_id}/paper.pdf")
def print_out(
    desk: Annotated[AtDesk, at_desk(Role.ISSUER, step_up=True)],
    case_id: uuid.UUID,
    size: Annotated[Size, Query()] = Size.A4,
) -> Response:
    """The print that was made, ready for a printer."""
    content = desk.look_at_print(case_id)
    drawn = paper_pdf.draw(content, size=size, language=language(desk.request))
    return Response(drawn, media_type=paper_pdf.MEDIA_TYPE, headers={"cache-control": "no-store"})


def _add_act(name: str, rule: Act) -> None:
    """The two routes of an act: the page that asks, and the form that does it."""
    asking = at_desk(rule.role, step_up=rule.step_up)
    acting = at_desk(rule.role, step_up=rule.step_up, acting=True)

    def ask(desk: Annotated[AtDesk, asking], case_id: uuid.UUID) -> HTMLResponse:
        """What the act does, before it is done."""
        _, person = desk.look(case_id)
        value = ActPage(case_id=case_id, act=name, whys=rule.whys, person=person)
        return desk.page("office_act.html", value)

    def do(
        desk: Annotated[AtDesk, acting], case_id: uuid.UUID, why: Annotated[Why, Form()]
    ) -> RedirectResponse:
        """Do it."""
        desk.act(case_id, name, why)
        return RedirectResponse(f"/office/cases/{case_id}", 303)

    path = f"/office/cases/{{case_id}}/{name}"
    router.add_api_route(path, ask, methods=["GET"])
    router.add_api_route(path, do, methods=["POST"], response_class=RedirectResponse)


for _name, _rule in ACTS.items():
    _add_act(_name, _rule)
