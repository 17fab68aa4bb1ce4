"""What a reader sees of the console and does there, by roles and labels; all words of the screens are here."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, expect

from rl_core.models import Segment
from tests.console.gated import Running

WIDE, NARROW = 1200, 360
HEIGHT = 900
SCREENS = ("Now", "Segments", "Segment", "Decision", "Days", "Audit")
_COLOURS = ("red", "yellow", "not known", "green")
_SERIOUS = {"serious", "critical"}
_READ = re.compile(r"^(Read at .* read units\.|The id stays in this form: .*)$")  # what each screen ends with
_SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_RUNNING = '[data-testid="stApp"][data-test-script-state="running"]'
_MAIN = '[data-testid="stMain"]'
_DRAWN = 3  # times that a page is made higher
_SOON = 2_000  # ms
_LONG = 30_000  # ms, for a view on a machine that is busy
# Streamlit's page asks at each level of its address whether its server is there, and Chromium notes that it is not.
_GUESS = re.compile(r"/(segment|segments|decision|days|audit)/_stcore/(health|host-config)$")

expect.set_options(timeout=_LONG)


@dataclass
class Reader:
    """An operator at a browser; `asked` are the addresses that the page asked for, `wrong` what it complained of."""

    page: Page
    home: str
    pictures: Path
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @classmethod
    def enter(cls, browser: Browser, console: Running, pictures: Path) -> "Reader":
        """Opens the address that was printed last, in a browser that has no cookie yet."""
        page = browser.new_context(viewport={"width": WIDE, "height": HEIGHT}).new_page()
        page.set_default_timeout(_LONG)
        its = cls(page, f"http://{console.host}", pictures)
        page.on("request", lambda request: its.asked.append(request.url))
        page.on("websocket", lambda socket: its.asked.append(socket.url))
        page.on("console", its._complain)
        page.on("pageerror", lambda error: its.wrong.append(str(error)))
        page.goto(f"{its.home}/?token={console.token}")
        console.next_token()
        its.settle()
        return its

    def _complain(self, said: ConsoleMessage) -> None:
        address = said.location["url"]
        if said.type == "error" and not _GUESS.search(address):
            self.wrong.append(f"{said.text} {address}")

    # Where the reader is.

    def open(self, path: str) -> None:
        """Opens an address of the console: a screen with its query."""
        self.page.goto(f"{self.home}/{path}")
        self.settle()

    def choose(self, screen: str) -> None:
        """Chooses a screen of the menu."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=screen, exact=True).click()
        self.is_at(screen)

    def is_at(self, screen: str) -> None:
        """Waits until that screen is shown as a whole."""
        expect(self.page.get_by_role("heading", level=1, name=screen)).to_be_visible()
        self.settle()

    def settle(self) -> None:
        """Waits until the screen is shown as a whole, with when it was read."""
        expect(self.page.get_by_text(_READ).last).to_be_visible(timeout=_LONG)
        expect(self.page.locator(_SETTLED)).to_be_attached(timeout=_LONG)

    def is_run(self) -> None:
        """Waits until what was just pressed has begun to run, and has run to its end."""
        with suppress(Error):  # a short run is over before it is seen
            self.page.locator(_RUNNING).wait_for(state="attached", timeout=_SOON)
        self.settle()

    @property
    def words(self) -> str:
        """Returns what the screen says."""
        return self._main.inner_text()

    @property
    def query(self) -> str:
        """Returns the address after the host."""
        return self.page.url.removeprefix(self.home)

    @property
    def elsewhere(self) -> set[str]:
        """Returns the addresses that were asked for and are not the console's."""
        own = (self.home, self.home.replace("http", "ws", 1), "data:", "blob:")
        return {address for address in self.asked if not address.startswith(own)}

    @property
    def _main(self) -> Locator:
        return self.page.get_by_test_id("stMain")

    # The screen Now.

    def check_now(self) -> None:
        self.button("Check now").click()
        self.is_run()

    def light(self, name: str) -> str:
        """Returns the word of a light's sign."""
        said = self._light(name).inner_text()
        return next(colour for colour in _COLOURS if re.search(rf"\b{colour}\b.*\b{name}\b", said, re.DOTALL))

    def link(self, name: str, segment: Segment) -> Locator:
        """Returns the link of a light to a segment."""
        card = self.page.get_by_test_id("stVerticalBlock").filter(has=self._light(name)).last
        return card.get_by_role("link", name=segment.value)

    def _light(self, name: str) -> Locator:
        strong = self.page.locator("strong", has_text=re.compile(rf"^{name}\b"))
        return self.page.locator("p").filter(has=strong)

    # The screen Segment.

    def offers_to_exclude(self, person: str) -> bool:
        """Returns whether the form below is the one that excludes this person."""
        return self.page.get_by_text(f"Exclude: person {person}", exact=True).is_visible()

    def give_reason(self, reason: str) -> None:
        self.reason.fill(reason)
        self.reason.press("Enter")
        expect(self.exclude).to_be_enabled()

    @property
    def reason(self) -> Locator:
        return self._main.get_by_role("textbox", name="Reason", exact=True)

    @property
    def exclude(self) -> Locator:
        return self.button("Exclude this person")

    def button(self, name: str) -> Locator:
        return self._main.get_by_role("button", name=name)

    def is_told(self, words: str, within: float = _LONG / 1000) -> None:
        """Waits until a message has these words, so many seconds at most."""
        message = self.page.get_by_role("status").or_(self.page.get_by_role("alert"))
        expect(message.filter(has_text=words).first).to_be_visible(timeout=1000 * within)
        self.settle()

    # The screen Decision.

    def explain(self, user: str, session: int) -> None:
        """Types in a user and a session, and asks why it got its plan."""
        self._main.get_by_role("textbox", name="User", exact=True).fill(user)
        self._main.get_by_role("spinbutton", name="Session").fill(str(session))
        self.button("Explain").click()
        expect(self.page.get_by_role("heading", name="What became of it")).to_be_visible()
        self.settle()

    # By keyboard.

    def tab_to(self, target: Locator, most: int = 60) -> int:
        """Presses Tab until the target has the focus; returns how often. Raises AssertionError if it never has."""
        for times in range(1, most + 1):
            self.page.keyboard.press("Tab")
            if target.evaluate("its => its.contains(document.activeElement)"):
                return times
        raise AssertionError(f"{most} times Tab do not come to {target}")

    # What it looks like.

    def as_wide_as(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.wait_for_timeout(600)  # the menu moves, and charts are drawn anew
        self.settle()

    def too_wide(self) -> dict[str, int]:
        """Returns by how many pixels the page, or its main part, is wider than what is seen of it."""
        found: dict[str, int] = self.page.evaluate(
            f"""() => Object.fromEntries([document.scrollingElement, document.querySelector('{_MAIN}')]
                .map(its => [its.tagName, its.scrollWidth - its.clientWidth]).filter(([_, more]) => more > 0))"""
        )
        return found

    def picture(self, name: str) -> Path:
        """Takes a picture of the whole screen: what scrolls is the page's main part, so the window is made as high."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else WIDE
        self.page.mouse.move(0, 0)  # else a hint may cover something
        for _ in range(_DRAWN):  # what comes into view is drawn, and may make the page higher
            height = max(HEIGHT, self.page.evaluate(f"document.querySelector('{_MAIN}').scrollHeight"))
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(500)
        self.settle()
        path = self.pictures / f"{name}-{width}.png"
        self.page.screenshot(path=path)
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        return path

    def barriers(self, known: Sequence[str] = ()) -> list[str]:
        """Returns what axe-core finds serious or critical, without the rules in `known`."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        grave = [its for its in found if its["impact"] in _SERIOUS and its["id"] not in known]
        return [f"{its['id']}: {its['help']}: {node['html'][:200]}" for its in grave for node in its["nodes"]]
