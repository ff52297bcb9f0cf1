"""Every page in every state and language: complete, well formed, and clean under the policy."""

import re
import shutil
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from app.web.pages import STATIC_DIRECTORY, Pages
from app.web.texts import Texts
from demo import scanner_states
from tests.web.document import Document


def test_every_template_is_among_the_states(states: dict[str, Any]) -> None:
    directory = STATIC_DIRECTORY.parent / "templates"
    parts = {"base.html", "parts.html", "office_parts.html"}
    mails = {"notice.html"}
    assert {path.name for path in directory.iterdir()} - parts - mails == {
        template for template, _ in states.values()
    }


def test_every_page_names_its_language_and_has_a_title_and_one_main_heading(
    documents: dict[tuple[str, str], Document],
) -> None:
    for (name, language), document in documents.items():
        assert document.all("html") == [{"lang": language}], name
        assert len(document.all("h1")) == 1, name
        assert len(document.all("main")) == 1, name
        assert document.text("title")[0].endswith("– Lerarenkaart"), name  # noqa: RUF001 - a dash


def test_headings_skip_no_level(documents: dict[tuple[str, str], Document]) -> None:
    for name, document in documents.items():
        levels = [int(tag[1]) for tag, _ in document.elements if tag in {"h1", "h2", "h3"}]
        assert levels[0] == 1, name
        assert all(low + 1 >= high for low, high in pairwise(levels)), name


def test_no_page_holds_inline_code_or_style_or_looks_elsewhere(
    documents: dict[tuple[str, str], Document],
) -> None:
    for name, document in documents.items():
        assert document.all("style") == [], name
        assert document.text("script") == [], name
        for tag, attributes in document.elements:
            assert "style" not in attributes, (name, tag)
            assert not any(attribute.startswith("on") for attribute in attributes), (name, tag)
            for attribute in {"src", "href", "action"} & attributes.keys():
                address = attributes[attribute] or ""
                if attributes.get("rel") == "external noopener noreferrer":
                    assert tag == "a", name
                    assert address.startswith("https://"), name
                    continue
                assert address.startswith(("/", "?", "#")), (name, address)
                assert not address.startswith("//"), (name, address)


def test_every_form_posts_with_the_token_and_every_control_has_a_name(
    documents: dict[tuple[str, str], Document],
) -> None:
    for name, document in documents.items():
        if name[0].startswith("scanner-"):
            continue  # its forms are handled by its script, and its labels by the test below
        searches = [form for form in document.all("form") if form["method"] == "get"]
        forms = [form for form in document.all("form") if form not in searches]
        assert all(form["method"] == "post" for form in forms), name
        tokens = [field for field in document.all("input") if field["name"] == "csrf"]
        # Whoever opens a link has no session: the link itself is its token.
        links = ("/handoff/", "/notices/")
        of_links = [form for form in forms if (form["action"] or "").startswith(links)]
        assert len(tokens) == len(forms) - len(of_links), name
        # A form with several buttons asks which of them.
        named = [one for one in document.all("button") if "name" in one]
        expected = len(forms) + len(searches) + (len(named) and len(named) - 1)
        # Those of type "button" belong to a script, which shows them; without it nobody sees them.
        scripted = [one for one in document.all("button") if one.get("type") == "button"]
        assert len(document.all("button")) - len(scripted) == expected, name
        assert all(
            token == {"type": "hidden", "name": "csrf", "value": "n5XxFQ"} for token in tokens
        )
        assert len(document.text("button")) == len(document.all("button")), name
        labelled = {label["for"] for label in document.all("label")}
        seen = [field for field in document.all("input") if field.get("type") != "hidden"]
        controls = document.all("progress") + document.all("select") + seen
        assert {control["id"] for control in controls} <= labelled, name


def test_the_scanner_asks_with_forms_that_lead_nowhere_without_its_script(
    documents: dict[tuple[str, str], Document],
) -> None:
    document = documents["scanner-ready", "nl"]
    assert document.all("form")
    assert all("action" not in form and form["method"] == "post" for form in document.all("form"))
    labelled = {label["for"] for label in document.all("label")}
    controls = document.all("input") + document.all("select")
    assert {control["id"] for control in controls} == labelled
    assert all("name" not in control for control in controls)


def test_ids_are_unique(documents: dict[tuple[str, str], Document]) -> None:
    for name, document in documents.items():
        ids = Counter(attributes["id"] for _, attributes in document.elements if "id" in attributes)
        assert [id_ for id_, count in ids.items() if count > 1] == [], name


def test_static_addresses_exist_and_carry_the_version(
    pages: Pages, documents: dict[tuple[str, str], Document]
) -> None:
    for document in documents.values():
        for attributes in document.all("link") + document.all("script"):
            address = attributes.get("href") or attributes.get("src") or ""
            if attributes.get("rel") == "manifest" or address == scanner_states.SCRIPT_ADDRESS:
                continue
            prefix, name = f"{pages.static_path}/", address.removeprefix(f"{pages.static_path}/")
            assert address.startswith(prefix)
            assert (STATIC_DIRECTORY / name).is_file()


def test_values_are_escaped(pages: Pages, states: dict[str, Any]) -> None:
    template, context = states["live"]
    html = pages.render(template, "nl", **context | {"holder_name": '<b onclick="x">'})
    assert "&lt;b onclick=&#34;x&#34;&gt;" in html


def test_a_missing_value_is_an_error(pages: Pages) -> None:
    with pytest.raises(UndefinedError):
        pages.render("problem.html", "nl", kind="conflict")


def test_only_the_demo_carries_the_banner(texts: Texts, pages: Pages) -> None:
    production = Pages(texts, environment_name="production")
    assert "DEMO" in pages.render("logged_out.html", "nl")
    assert "DEMO" not in production.render("logged_out.html", "nl")


def test_the_footer_offers_the_four_languages_and_marks_the_present_one(
    documents: dict[tuple[str, str], Document],
) -> None:
    links = [link for link in documents["welcome", "fr"].all("a") if "hreflang" in link]
    assert [link["href"] for link in links] == ["?lang=nl", "?lang=fr", "?lang=en", "?lang=de"]
    assert [link["lang"] for link in links if "aria-current" in link] == ["fr"]


def test_a_page_that_cannot_be_asked_for_again_has_no_language_links(
    documents: dict[tuple[str, str], Document],
) -> None:
    for state in ("error", "login-cancelled"):
        assert not any("hreflang" in link for link in documents[state, "nl"].all("a"))


def test_an_official_badge_replaces_the_plain_button_of_its_language(
    texts: Texts, states: dict[str, Any], tmp_path: Path
) -> None:
    static = shutil.copytree(STATIC_DIRECTORY, tmp_path / "static")
    (static / "badges" / "apple-nl.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    pages = Pages(texts, environment_name="production", static_directory=static)
    template, context = states["card-active"]
    image = {
        "src": pages.asset("badges/apple-nl.svg"),
        "alt": "Zet in Apple Wallet",
        "height": "48",
    }
    assert Document(pages.render(template, "nl", **context)).all("img") == [image]
    assert Document(pages.render(template, "fr", **context)).all("img") == []


def test_a_changed_file_changes_every_static_address(texts: Texts, tmp_path: Path) -> None:
    static = shutil.copytree(STATIC_DIRECTORY, tmp_path / "static")
    before = Pages(texts, environment_name="demo", static_directory=static)
    (static / "style.css").write_text("p { margin: 0; }")
    after = Pages(texts, environment_name="demo", static_directory=static)
    assert before.asset("live/main.js") != after.asset("live/main.js")
    with pytest.raises(LookupError):
        after.asset("absent.js")


def test_vendored_modules_are_unchanged() -> None:
    vendor = STATIC_DIRECTORY / "vendor"
    listed = (vendor / "README.md").read_text()
    modules = sorted(path for path in vendor.rglob("*") if path.suffix in {".js", ".wasm"})
    assert {module.suffix for module in modules} == {".js", ".wasm"}
    for module in modules:
        name = module.relative_to(vendor).as_posix()
        line = next(line for line in listed.splitlines() if f"`{name}`" in line)
        licence = re.search(r"`([\w./-]*LICENSE)`", line)
        assert f"`{sha256(module.read_bytes()).hexdigest()}`" in line
        assert licence is not None
        assert (vendor / licence[1]).is_file()
