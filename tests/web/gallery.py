"""One window that shows one state of a page after another.

Loading a page costs ten times what looking at it does. So the document is put in the place of the
one before; only pages that a script draws are loaded.
"""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Their scripts draw what is to be looked at.
DRAWN = ("live", "sandbox-card", "scanner-")

REPLACE = """async (address) => {
  const text = await (await fetch(address)).text();
  const next = new DOMParser().parseFromString(text, "text/html");
  const sheets = (from) => [...from.querySelectorAll("link[rel=stylesheet]")].map(
    (link) => link.getAttribute("href"));
  const missing = sheets(next).filter((sheet) => !sheets(document).includes(sheet));
  const surplus = sheets(document).filter((sheet) => !sheets(next).includes(sheet));
  for (const sheet of surplus) document.querySelector(`link[href="${sheet}"]`).remove();
  await Promise.all(missing.map((href) => new Promise((loaded, failed) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    [link.onload, link.onerror] = [loaded, failed];
    document.head.append(link);
  })));
  document.title = next.title;
  document.documentElement.lang = next.documentElement.lang;
  document.body.replaceWith(next.body);
  scrollTo(0, 0);
}"""
FINDINGS = """async (rules) => {
  const { violations } = await axe.run({ resultTypes: ["violations"], runOnly: rules });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""


class Gallery:
    """The window; `page` is what it shows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._may_replace = False

    def show(self, state: str, language: str = "nl") -> Page:
        """Show a state in a language."""
        address = f"/{state}?lang={language}"
        if state.startswith(DRAWN):
            self.page.goto(address)
            expect(self.page.locator("#plain")).to_have_count(0)
            self._may_replace = False
        elif self._may_replace:
            self.page.evaluate(REPLACE, address)
        else:
            self.page.goto(address)
            self._may_replace = True
        return self.page

    def findings(self) -> list[str]:
        """What axe finds fault with: the rule and the element."""
        if self.page.evaluate("() => !('axe' in window)"):
            self.page.evaluate(AXE_SCRIPT)
        found: list[str] = self.page.evaluate(FINDINGS, RULES)
        return found

    def measured(self, script: str, *, width: int | None = None) -> Any:
        """What a script says of the page, on a screen of this width in CSS pixels."""
        if width is not None:
            self.page.set_viewport_size({"width": width, "height": 640})
        return self.page.evaluate(script)
