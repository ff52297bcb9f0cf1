"""The scanner and the live card over HTTP: what makes them installable, and what they keep."""

import re
from io import BytesIO
from urllib.parse import urljoin

import pytest
from PIL import Image

from tests.api.stage import Service

NAMES = {
    "/scanner": {
        "nl": "Scanner voor lerarenkaarten",
        "fr": "Lecteur de cartes d’enseignant",  # noqa: RUF001 - as French is written
        "en": "Scanner for teacher cards",
        "de": "Scanner für Lehrkräfteausweise",
    },
    "/card/live": {
        "nl": "Je Lerarenkaart, live",
        "fr": "Votre carte d’enseignant en direct",  # noqa: RUF001 - as French is written
        "en": "Your teacher card, live",
        "de": "Ihr Lehrkräfteausweis, live",
    },
}
# What opens without a network.
KEPT = {"/scanner": "/scanner", "/card/live": "/card/live/offline"}
pages = pytest.mark.parametrize("scope", KEPT)


@pages
def test_a_page_can_be_installed_in_every_language_with_icons_of_every_kind(
    service: Service, scope: str
) -> None:
    page = service.http.get(KEPT[scope])
    assert "manifest-src 'self'" in page.headers["content-security-policy"]
    (address,) = re.findall(r'rel="manifest" href="([^"]+)"', page.text)
    for language, name in NAMES[scope].items():
        path = address.partition("?")[0]
        answer = service.http.get(path, headers={"accept-language": language})
        manifest = answer.json()
        assert answer.headers["content-type"] == "application/manifest+json"
        assert (manifest["name"], manifest["lang"]) == (name, language)
        assert (manifest["id"], manifest["start_url"], manifest["scope"]) == (scope, scope, scope)
        assert manifest["display"] == "standalone"
    purposes = []
    for icon in manifest["icons"]:
        picture = Image.open(BytesIO(service.http.get(icon["src"]).content))
        assert icon["sizes"] == f"{picture.width}x{picture.height}"
        purposes.append((picture.width, icon["purpose"]))
    assert sorted(purposes) == [(192, "any"), (512, "any"), (512, "maskable")]


@pages
def test_the_service_worker_keeps_what_the_page_loads_and_governs_nothing_else(
    service: Service, scope: str
) -> None:
    answer = service.http.get(f"{scope}/worker.js")
    assert answer.headers["service-worker-allowed"] == scope
    assert answer.headers["cache-control"] == "no-cache"
    assert f'const SCOPE = "{scope}";\nconst PAGE = "{KEPT[scope]}";\n' in answer.text
    files = set(re.findall(r'"(/[^"]+)"', answer.text.partition("const FILES")[2].split("\n")[0]))
    page = service.http.get(KEPT[scope]).text
    loaded = set(re.findall(r'(?:href|src|data-\w+)="(/(?:static|scanner)/[^"]+)"', page))
    loaded -= {"/scanner/manifest.webmanifest", "/scanner/sheet"}
    imported = set().union(
        *(
            modules(service, path)
            for path in loaded
            if path.endswith(("/main.js", "reader/index.js"))
        )
    )
    assert len(imported) > 3
    assert loaded | imported <= files
    assert all(service.http.get(path).status_code == 200 for path in files)
    assert all(path.startswith(("/static/", "/scanner/decoder.js")) for path in files)


def modules(service: Service, path: str) -> set[str]:
    """A module and all that it imports."""
    found, open_ = set(), {path}
    while open_:
        one = open_.pop()
        found.add(one)
        text = service.http.get(one).text
        imports = re.findall(r'(?:from|import) "(\.[^"]+)"', text)
        open_ |= {urljoin(one, name) for name in imports} - found
    return found


def test_the_live_card_names_nobody_to_whoever_has_no_session(service: Service) -> None:
    page = service.http.get("/card/live/offline", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert '<span id="holder-name"></span>' in page.text
    assert "csrf-token" not in page.text
    own = service.http.get("/card/live", headers={"accept": "text/html"})
    assert own.headers["location"] == "/login?to=/card/live"
