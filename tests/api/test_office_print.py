"""An issuer prints the card of a holder at the desk, on record, and an earlier print ends."""

import pypdfium2
import zxingcpp

from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_office import entries
from tests.api.test_paper import codes, pdf
from tests.api.verdicts import verdict


def printed_codes(content: bytes) -> list[str]:
    page = pypdfium2.PdfDocument(content)[0]
    return [one.text for one in zxingcpp.read_barcodes(page.render(scale=150 / 72).to_pil())]


def test_an_issuer_prints_a_card_that_counts_and_ends_the_print_before(service: Service) -> None:
    teacher = service.with_card()
    teacher.open("/card/paper")
    teacher.press("/card/paper")
    [before] = codes(pdf(teacher, "card"))
    desk = AtOffice.log_in(service, "issuer")
    case = desk.case(str(service.world.person("permanent").insz))
    done = desk.act(case, "print", "request")
    assert done.status_code == 200
    page = desk.browser.open(f"/office{case}").text
    assert f"/office{case}/paper.pdf?size=card" in page
    answer = service.http.get(f"/office{case}/paper.pdf?size=card", headers=desk.headers)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    [code] = printed_codes(answer.content)
    service.clock.advance(seconds=1)
    assert verdict(service.till().scan(before))["reason"] == "superseded"
    assert verdict(service.till().scan(code))["valid"]
    assert codes(pdf(teacher, "card")) == [code]
    assert [entry.action for entry in entries(service)] == [
        "person.open",
        "card.print",
        "person.view",
        "person.view",
        "person.print",
    ]


def test_without_a_print_or_a_fresh_log_in_nothing_is_shown(service: Service) -> None:
    service.with_card()
    desk = AtOffice.log_in(service, "issuer")
    case = desk.case(str(service.world.person("permanent").insz))
    path = f"/office{case}/paper.pdf"
    assert service.http.get(path, headers=desk.headers).status_code == 404
    desk.act(case, "print", "request")
    other = AtOffice.log_in(service, "issuer-second")
    assert service.http.get(path, headers=other.headers).status_code == 404
    service.clock.advance(minutes=11)
    assert service.http.get(path, headers=desk.headers).status_code == 401
    assert desk.act(case, "print", "request").status_code == 401
