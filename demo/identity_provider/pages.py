"""The pages of the simulated identity provider: choose a teacher, signed out, refused.

Plain Dutch HTML without script: radio buttons with labels, one page, one decision.
"""

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from fastapi.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
main { max-width: 34rem; margin: 2rem auto; padding: 0 1rem }
fieldset { border: 1px solid #687483; border-radius: .3rem; margin: 0 0 1.5rem; padding: 1rem }
legend { font-weight: bold; padding: 0 .4rem }
label { display: block; padding: .4rem 0; min-height: 24px }
button { font: inherit; padding: .6rem 1.2rem; margin: 0 .6rem .6rem 0; min-height: 44px }
:focus-visible { outline: 3px solid #5990DE; outline-offset: 2px }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def choose_person(
    people: Iterable[tuple[str, str]], means: Iterable[tuple[str, str]], *, request_id: str
) -> HTMLResponse:
    """The log-in page; people and means of authentication are (value, text) pairs."""
    return _page(
        "Aanmelden",
        f"""
<p>Dit is een nagebootste aanmelddienst. De mensen hieronder bestaan niet.</p>
<form method="post" action="auth/choice">
<input type="hidden" name="request" value="{escape(request_id)}">
<fieldset><legend>Wie meldt zich aan?</legend>{_radios("person", people)}</fieldset>
<fieldset><legend>Waarmee?</legend>{_radios("acr", means)}</fieldset>
<button name="decision" value="log-in">Aanmelden</button>
<button name="decision" value="cancel" formnovalidate>Annuleren</button>
</form>""",
    )


def signed_out() -> HTMLResponse:
    """After a log-out without an address to return to."""
    return _page("Afgemeld", "<p>Je bent afgemeld.</p>")


def refused(reason: str) -> HTMLResponse:
    """A request that is answered here, because its return address cannot be trusted."""
    return _page("Verzoek geweigerd", f"<p>{escape(reason)}</p>", status_code=400)


def _radios(name: str, choices: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<label><input type="radio" name="{name}" value="{escape(value)}" required'
        f"{' checked' if number == 0 else ''}> {escape(text)}</label>"
        for number, (value, text) in enumerate(choices)
    )


def _page(title: str, body: str, *, status_code: int = 200) -> HTMLResponse:
    document = (
        f'<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(document, status_code=status_code, headers=HEADERS)
