"""An iPhone and its Watch as the PassKit Web Service meets them: they register, ask, fetch, leave.

Knows what Wallet does with a pass that names a web service: where it turns, which headers it
sends, what it believes of an answer. Some devices misbehave on purpose; what a push would
do is a method, so that no clock runs here.
"""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx

from demo.apple_phone import InstalledPass, Refused, install


@dataclass(slots=True)
class HeldPass:
    """A pass in Wallet and the version it has."""

    installed: InstalledPass
    last_modified: str | None = None

    @property
    def serial(self) -> str:
        """The name of the pass towards its web service."""
        return str(self.installed.content["serialNumber"])

    @property
    def pass_type(self) -> str:
        """The type of the pass, under which the web service knows it."""
        return str(self.installed.content["passTypeIdentifier"])

    @property
    def service(self) -> str:
        """Where the pass says that its web service is; the device appends `/v1` itself."""
        return f"{self.installed.content['webServiceURL']}/v1"

    @property
    def authorization(self) -> dict[str, str]:
        """The header with the pass's own token."""
        return {"authorization": f"ApplePass {self.installed.content['authenticationToken']}"}


class IPhone:
    """A device with Wallet; every request it made and every answer it got is in `answers`."""

    user_agent = "passd/1.0 CFNetwork/1490.0.4 Darwin/24.0.0"

    def __init__(
        self,
        *,
        root_pem: bytes | None = None,
        now: datetime | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """Trusts passes up to `root_pem`, judged at `now`; without a root it takes any chain.

        `http` is what devices by the thousand share.
        """
        self.device_library_identifier = secrets.token_hex(16)
        self.push_token = secrets.token_hex(32)
        self.passes: dict[str, HeldPass] = {}
        self.answers: list[httpx.Response] = []
        self._tags: dict[str, str] = {}
        self._root_pem = root_pem
        self._now = now
        self._http = http or httpx.Client(timeout=30.0)

    def __enter__(self) -> Self:
        """Switch on."""
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        """Switch off."""
        self._http.close()

    def install(self, raw: bytes) -> HeldPass:
        """Take a .pkpass into Wallet and ask its web service for news of it."""
        held = HeldPass(install(raw, root_pem=self._root_pem, now=self._now))
        self.passes[held.serial] = held
        if "webServiceURL" in held.installed.content:
            self.register(held)
        return held

    def register(self, held: HeldPass) -> httpx.Response:
        """Ask to hear of a pass."""
        return self._send(
            "POST",
            self._registration(held),
            headers=self._authorization(held),
            json={"pushToken": self.push_token},
        )

    def pushed(self) -> list[str]:
        """What a push makes a device do: ask what is new, fetch it; the serials that were new."""
        news = [
            serial
            for pass_type, service in self._services().items()
            for serial in self.list_updates(service, pass_type)
        ]
        answers = {serial: self.fetch(self.passes[serial]) for serial in news}
        return [
            serial
            for serial in news
            if answers[serial].request.method == "GET"
            and answers[serial].status_code == httpx.codes.OK
        ]

    def list_updates(self, service: str, pass_type: str) -> list[str]:
        """Ask which passes of a type changed since the last time."""
        tag = self._tag(pass_type)
        answer = self._send(
            "GET",
            f"{service}/devices/{self.device_library_identifier}/registrations/{pass_type}",
            params={"passesUpdatedSince": tag} if tag else {},
        )
        if answer.status_code != httpx.codes.OK:
            return []
        said = answer.json()
        if not isinstance(said["lastUpdated"], str):
            raise Refused("lastUpdated is not a string")
        self._tags[pass_type] = said["lastUpdated"]
        return [serial for serial in said["serialNumbers"] if serial in self.passes]

    def fetch(self, held: HeldPass) -> httpx.Response:
        """Fetch a pass unless this device has its present version."""
        headers = self._authorization(held)
        if held.last_modified:
            headers["if-modified-since"] = held.last_modified
        answer = self._send("GET", self._address(held), headers=headers)
        if answer.status_code == httpx.codes.OK:
            fresh = install(answer.content, root_pem=self._root_pem, now=self._now)
            for fixed in ("serialNumber", "authenticationToken"):
                if fresh.content[fixed] != held.installed.content[fixed]:
                    raise Refused(f"an update may not change {fixed}")
            held.installed = fresh
            held.last_modified = answer.headers["last-modified"]
        return answer

    def look(self, held: HeldPass) -> httpx.Response:
        """Ask for the headers of a pass only."""
        return self._send("HEAD", self._address(held), headers=self._authorization(held))

    def remove(self, held: HeldPass) -> httpx.Response | None:
        """Throw a pass away and say so; the answer, None from a device that says nothing."""
        self.passes.pop(held.serial, None)
        return self._send("DELETE", self._registration(held), headers=self._authorization(held))

    def complain(self, held: HeldPass, *messages: str) -> httpx.Response:
        """Tell the web service what went wrong here."""
        return self._send("POST", f"{held.service}/log", json={"logs": list(messages)})

    def _tag(self, pass_type: str) -> str | None:
        return self._tags.get(pass_type)

    def _authorization(self, held: HeldPass) -> dict[str, str]:
        return dict(held.authorization)

    def _services(self) -> dict[str, str]:
        return {held.pass_type: held.service for held in self.passes.values()}

    def _registration(self, held: HeldPass) -> str:
        device = f"{held.service}/devices/{self.device_library_identifier}"
        return f"{device}/registrations/{held.pass_type}/{held.serial}"

    def _address(self, held: HeldPass) -> str:
        return f"{held.service}/passes/{held.pass_type}/{held.serial}"

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        json: object = None,
    ) -> httpx.Response:
        named = {"user-agent": self.user_agent} | (headers or {})
        answer = self._http.request(method, url, headers=named, params=params, json=json)
        self.answers.append(answer)
        return answer


class Watch(IPhone):
    """A Watch: a device of its own, which gets its passes from the iPhone it is paired with."""

    user_agent = "passd/1.0 CFNetwork/1490.0.4 Darwin/24.0.0 Watch"

    def mirror(self, raw: bytes, phone: IPhone) -> list[int]:
        """Take a pass at the same moment as the phone; the status of both registrations."""
        with ThreadPoolExecutor(2) as both:
            list(both.map(lambda device: device.install(raw), (phone, self)))
        return [device.answers[-1].status_code for device in (phone, self)]


class ImpatientIPhone(IPhone):
    """Registers every pass twice at once."""

    def register(self, held: HeldPass) -> httpx.Response:
        """Send two requests in the same moment; the answer to one of them."""
        with ThreadPoolExecutor(2) as both:
            answers = list(both.map(super().register, (held, held)))
        return answers[0]


class StubbornIPhone(IPhone):
    """Asks what is new and never fetches it."""

    def fetch(self, held: HeldPass) -> httpx.Response:
        """Fetch nothing: ask for the headers instead."""
        return self.look(held)


class ForgetfulIPhone(IPhone):
    """Sends a tag that nobody gave it."""

    def _tag(self, pass_type: str) -> str | None:
        return json.dumps({pass_type: "yesterday"})


class StaleIPhone(IPhone):
    """Keeps the first tag that it got, whatever it fetched since."""

    def list_updates(self, service: str, pass_type: str) -> list[str]:
        """Ask as always, and then remember the old tag."""
        first = self._tag(pass_type)
        news = super().list_updates(service, pass_type)
        if first is not None:
            self._tags[pass_type] = first
        return news


class ConfusedIPhone(IPhone):
    """Sends the token of another pass."""

    def _authorization(self, held: HeldPass) -> dict[str, str]:
        token = held.authorization["authorization"].removeprefix("ApplePass ")
        return {"authorization": f"ApplePass {token[::-1]}"}


class SilentIPhone(IPhone):
    """Throws passes away without a word, as an iPhone that is wiped does."""

    def remove(self, held: HeldPass) -> None:
        """Forget the pass; the web service goes on counting this device."""
        self.passes.pop(held.serial, None)
