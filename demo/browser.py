"""A teacher's browser without a screen: it keeps cookies, follows links, presses buttons.

Knows HTML forms, nothing of the service: what it can press is what a page offers.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from demo.device import prove


@dataclass(slots=True)
class Form:
    """A form of a page: where it leads, and what it sends before anybody chooses anything."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.metas: dict[str, str] = {}
        self.strong: list[str] = []
        self._open: Form | None = None
        self._is_strong = False
        # The name of the list, or of the text area, that is being read.
        self._list = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag == "strong":
            self._is_strong = True
        elif tag == "meta" and "name" in given:
            self.metas[given["name"]] = given.get("content", "")
        elif self._open and tag == "input" and (given.get("type") != "radio" or "checked" in given):
            self._open.fields[given.get("name", "")] = given.get("value", "")
        elif self._open and tag == "select":
            self._list = given["name"]
        elif self._open and tag == "option" and "selected" in given:
            self._open.fields[self._list] = given["value"]
        elif self._open and tag == "textarea":
            self._area = given["name"]
            self._open.fields[self._area] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "strong":
            self._is_strong = False
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._is_strong:
            self.strong.append(data)
        if self._open and self._area:
            self._open.fields[self._area] += data


class Browser:
    """One person's browser; `page` is the last answer."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._http = httpx.Client(
            follow_redirects=True,
            timeout=30.0,
            headers={"accept": "text/html,*/*;q=0.8", "accept-language": "nl-BE"},
        )
        self.device = ec.generate_private_key(ec.SECP256R1())
        self.page: httpx.Response

    def close(self) -> None:
        """Close the window."""
        self._http.close()

    def open(self, address: str) -> httpx.Response:
        """Go to an address, relative to where the service is."""
        self.page = self._http.get(urljoin(self._home, address))
        return self.page

    def press(self, action: str, **chosen: str) -> httpx.Response:
        """Send the form of this page whose action ends so, with the Origin a browser sends."""
        form = next(form for form in self.forms if form.action.endswith(action))
        target = urljoin(str(self.page.url), form.action)
        origin = f"{self.page.url.scheme}://{self.page.url.netloc.decode()}"
        self.page = self._http.request(
            form.method, target, data=form.fields | chosen, headers={"origin": origin}
        )
        return self.page

    def fetch(self, path: str, **fields: str) -> httpx.Response:
        """What a script of this page does: a POST with the form token and this device's proof."""
        metas = self._read().metas
        target = urljoin(self._home, path)
        headers = {"x-csrf-token": metas["csrf-token"]}
        if "proof-nonce" in metas:
            headers["dpop"] = prove(self.device, "POST", target, metas["proof-nonce"])
        return self._http.post(target, headers=headers, data=fields)

    @property
    def status(self) -> str:
        """The word beside the icon at the top of this page."""
        return next(word for word in self._read().strong if word != "DEMO")

    @property
    def forms(self) -> list[Form]:
        """Every form of this page."""
        return self._read().forms

    def _read(self) -> _Forms:
        reader = _Forms()
        reader.feed(self.page.text)
        return reader
