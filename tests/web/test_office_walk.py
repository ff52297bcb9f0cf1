"""Each desk, of the card office and outside, in a real browser: what it sees, does, and not."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from demo import browser as teachers
from demo.world import World, world

pytestmark = pytest.mark.browser

LOOK_UP, SECOND = "Look up one person", "For a second person"
PARTNERS, STATE, LOOKS = "Partners", "State of the service", "Who looked at people"
SUSPEND, REPLACE = "Suspend the card", "Replace the card"
WITHDRAW, EXCLUDE = "Withdraw the card", "Exclude from the card"
PRINT = "Print the card on paper"
EVERYTHING = {SUSPEND, REPLACE, WITHDRAW, EXCLUDE, PRINT}
# What a desk gets on a partner's page and on that of the service's state, beside what all read.
HELP = {"Code for a scanner", "Key for a till's own software", "Add a till"}
LINK, STOP_PARTNER = "Link the enterprise", "Stop this partner"
STOP_ISSUING, REFUSE_KEY = "Stop giving cards", "Propose to refuse token key 1"
BUTTONS = {
    "viewer": set(),
    "support": HELP,
    "issuer": HELP | {LINK},
    "security": {STOP_PARTNER, STOP_ISSUING, REFUSE_KEY},
}
ALL_BUTTONS = HELP | {LINK, STOP_PARTNER, STOP_ISSUING, REFUSE_KEY}
# The pages that a desk is led to, what it may do to a card, and whether it sees the person.
DESKS = {
    "viewer": ({LOOK_UP, PARTNERS, STATE}, set(), False),
    "support": ({LOOK_UP, PARTNERS, STATE}, {SUSPEND, REPLACE}, True),
    "issuer": ({LOOK_UP, SECOND, PARTNERS, STATE}, EVERYTHING, True),
    "security": ({LOOK_UP, PARTNERS, STATE, LOOKS}, set(), False),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("office") / "world") as here:
        holder = teachers.Browser(here.addresses.service)
        holder.open("/card")
        holder.press("auth/choice", person="permanent", decision="log-in")
        holder.press("/card")
        holder.close()
        yield here


def at_desk(chromium: Browser, here: World, role: str) -> Page:
    page = chromium.new_context(locale="en-BE", base_url=here.addresses.service).new_page()
    page.goto("/office")
    page.check(f'input[name="person"][value="{role}"]')
    page.check('input[name="acr"][value="urn:be:vlaanderen:authmech:eid"]')
    page.locator('button[value="log-in"]').click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LOOK_UP)
    return page


def open_record(page: Page, number: str) -> None:
    page.get_by_label("National number or card number").fill(number)
    page.get_by_label("What for?").select_option(label="The holder asks something")
    page.get_by_label("Reference: the ticket, letter or call").fill("ticket 12")
    page.get_by_role("button", name="Open the record").click()
    expect(page.get_by_role("heading", name="Right to a card")).to_be_visible()


@pytest.mark.parametrize("role", DESKS)
def test_a_desk_sees_and_does_its_own_work_and_nothing_else(
    chromium: Browser, here: World, role: str
) -> None:
    links, acts, sees_person = DESKS[role]
    person = here.person("permanent")
    page = at_desk(chromium, here, role)
    navigation = page.get_by_role("navigation", name="Main")
    assert set(navigation.get_by_role("link").all_inner_texts()) == links
    open_record(page, person.insz)
    assert person.insz not in page.url + page.content()
    assert (person.family_name in page.content()) is sees_person
    assert (page.get_by_text("Where the card is carried").count() > 0) is sees_person
    assert set(page.locator("main .tiles a").all_inner_texts()) == acts
    for name in sorted(acts):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        page.get_by_role("link", name="No, change nothing").click()
    for name in sorted(links - {LOOK_UP}):
        navigation.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    for path in {"/office/waiting", "/office/looks"} - {
        link.get_attribute("href") for link in navigation.get_by_role("link").all()
    }:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403
    page.context.close()


@pytest.mark.parametrize("role", BUTTONS)
def test_a_desk_gets_its_own_buttons_at_partners_and_switches_and_no_others(
    chromium: Browser, here: World, role: str
) -> None:
    page = at_desk(chromium, here, role)
    page.get_by_role("link", name=PARTNERS).click()
    page.get_by_role("link", name="Museum aan de Stroom (demo)").click()
    seen = set(page.get_by_role("main").get_by_role("button").all_inner_texts())
    page.get_by_role("link", name=STATE).click()
    expect(page.get_by_text("token 1 · signs codes")).to_be_visible()
    if role == "security":
        page.get_by_text("Has a token key been stolen?").click()
    seen |= set(page.get_by_role("main").get_by_role("button").all_inner_texts())
    assert seen & ALL_BUTTONS == BUTTONS[role]
    page.context.close()


def test_two_people_of_security_refuse_a_token_key(chromium: Browser, here: World) -> None:
    page = at_desk(chromium, here, "security")
    page.get_by_role("link", name=STATE).click()
    page.get_by_text("Has a token key been stolen?").click()
    page.get_by_label("Why has token key 1 to be refused?").fill("a copy was stolen")
    page.get_by_role("button", name=REFUSE_KEY).click()
    expect(page.get_by_role("heading", name="Refuse token key 1 for good?")).to_be_visible()
    viewer = at_desk(chromium, here, "viewer")
    viewer.goto("/office/watch")
    expect(viewer.get_by_text("Reason: a copy was stolen")).to_be_visible()
    expect(viewer.get_by_role("button", name="Yes, refuse the key")).to_have_count(0)
    second = at_desk(chromium, here, "security-second")
    second.goto("/office/watch")
    second.get_by_label("Why?").nth(1).fill("seen it myself")
    second.get_by_role("button", name="Yes, refuse the key").click()
    expect(second.get_by_text("token 1 · signs codes")).to_be_visible()
    expect(second.locator("li", has_text="token 1 ·")).to_contain_text("refused")
    for one in (page, viewer, second):
        one.context.close()


def test_an_issuer_prints_the_card_of_a_holder_at_the_desk(chromium: Browser, here: World) -> None:
    page = at_desk(chromium, here, "issuer")
    open_record(page, here.person("permanent").insz)
    page.get_by_role("link", name=PRINT).click()
    page.get_by_role("button", name=PRINT).click()
    link = page.get_by_role("link", name="Open a sheet of A4 (PDF)").get_attribute("href")
    assert link is not None
    printed = page.context.request.get(link)
    assert printed.headers["content-type"] == "application/pdf"
    viewer = at_desk(chromium, here, "viewer")
    open_record(viewer, here.person("permanent").insz)
    expect(viewer.get_by_role("heading", name="The card on paper")).to_have_count(0)
    assert viewer.context.request.get(link).status == 403
    for one in (page, viewer):
        one.context.close()


# Where an official from outside begins, what stands there, and the doors that stay closed.
OUTSIDERS = {
    "personnel": (
        "/roster",
        "Staff that the personnel file does not know",
        {"/office", "/office/partners", "/partner"},
    ),
    "partner": ("/partner", "Become a partner", {"/office", "/office/partners", "/roster"}),
}


def outside(chromium: Browser, here: World, role: str) -> Page:
    page = chromium.new_context(locale="en-BE", base_url=here.addresses.service).new_page()
    page.goto(OUTSIDERS[role][0])
    page.check(f'input[name="person"][value="{role}"]')
    page.locator('button[value="log-in"]').click()
    return page


@pytest.mark.parametrize("role", OUTSIDERS)
def test_an_official_from_outside_sees_the_own_desk_and_no_other(
    chromium: Browser, here: World, role: str
) -> None:
    _, heading, closed = OUTSIDERS[role]
    page = outside(chromium, here, role)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    seen = {link.get_attribute("href") for link in page.get_by_role("link").all()}
    assert seen.isdisjoint(closed)
    for path in sorted(closed):
        answer = page.context.request.get(path, headers={"accept": "application/json"})
        assert answer.status == 403, path
    page.context.close()


def test_a_shop_applies_and_sees_that_the_card_office_has_to_answer(
    chromium: Browser, here: World
) -> None:
    page = outside(chromium, here, "partner")
    page.get_by_label("Name that holders know you by").fill("Boekhandel De Specht")
    page.get_by_label("Kind").select_option("books")
    page.get_by_label("Where cards are shown").select_option("till")
    page.get_by_label("E-mail address").fill("winkel@specht.example")
    page.get_by_label("Places").fill("9000 Gent, Veldstraat")
    page.get_by_label("What holders of the card get").fill("5 % op alle boeken")
    page.get_by_role("button", name="Send to the card office").click()
    expect(page.get_by_text("Waiting for the card office")).to_be_visible()
    expect(page.get_by_role("button", name="Send to the card office")).to_have_count(0)
    page.context.close()


OFFER = "5 % op alle boeken"


def test_the_helpdesk_writes_an_offer_that_a_viewer_reads_and_cannot_change(
    chromium: Browser, here: World
) -> None:
    page = at_desk(chromium, here, "support")
    page.get_by_role("link", name=PARTNERS).click()
    page.get_by_role("link", name="Boekhandel De Reiger (demo)").click()
    page.get_by_role("main").get_by_role("link", name="Benefits").click()
    page.get_by_role("link", name="Add a benefit").click()
    page.get_by_label("Kind").select_option("books")
    page.get_by_label("What holders get (nl)").fill(OFFER)
    page.get_by_label("On which terms (nl)").fill("Toon je kaart aan de kassa.")
    page.get_by_text("In other languages").click()
    page.get_by_label("What holders get (en)").fill("5 % off all books")
    page.get_by_label("Places").fill("9000 Gent")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("heading", name=OFFER)).to_be_visible()
    offers = page.url
    page.goto("/benefits?q=boeken&lang=en")
    expect(page.get_by_role("heading", name="5 % off all books")).to_be_visible()
    viewer = at_desk(chromium, here, "viewer")
    viewer.goto(offers)
    expect(viewer.get_by_role("heading", name=OFFER)).to_be_visible()
    expect(viewer.get_by_role("link", name="Add a benefit")).to_have_count(0)
    expect(viewer.get_by_role("button", name=f"End: {OFFER}")).to_have_count(0)
    page.goto(offers)
    page.get_by_role("button", name=f"End: {OFFER}").click()
    expect(page.get_by_text("Ended")).to_be_visible()
    for one in (page, viewer):
        one.context.close()


def test_an_issuer_links_a_partner_whose_person_then_writes_an_offer(
    chromium: Browser, here: World
) -> None:
    issuer = at_desk(chromium, here, "issuer")
    issuer.get_by_role("link", name=PARTNERS).click()
    issuer.get_by_role("link", name="Museum aan de Stroom (demo)").click()
    issuer.get_by_label("Enterprise number").fill("1999.999.943")
    issuer.get_by_role("button", name=LINK).click()
    expect(issuer.get_by_text("enterprise 1999999943")).to_be_visible()
    page = chromium.new_context(locale="en-BE", base_url=here.addresses.service).new_page()
    page.goto("/partner")
    page.check('input[name="person"][value="partner-elsewhere"]')
    page.locator('button[value="log-in"]').click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Benefits").click()
    page.get_by_role("link", name="Add a benefit").click()
    page.get_by_label("Kind").select_option("museum")
    page.get_by_label("What holders get (nl)").fill("Gratis rondleiding")
    page.get_by_label("On which terms (nl)").fill("Elke eerste zondag.")
    page.get_by_label("Places").fill("Antwerpen")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("alert")).to_contain_text("a Belgian postcode, then the town")
    page.get_by_label("Places").fill("2000 Antwerpen")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("heading", name="Gratis rondleiding")).to_be_visible()
    written = page.locator("section", has_text="Gratis rondleiding")
    expect(written).to_contain_text("On the page of benefits")
    for one in (issuer, page):
        one.context.close()
