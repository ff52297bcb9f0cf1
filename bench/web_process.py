"""What one web process costs until it answers, and what it holds while it works.

Starting is measured on the product's own command, in CPU seconds that the system charged the
process with, all its threads included. Memory is the peak of a process that judges and signs with
as many cards in the database as there are teachers in Flanders.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from app.cards.keyring import KeyRing
from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes.apple.passes import authentication_token
from app.settings import PREFIX
from bench.measure import Measurement, measured
from bench.shopfloor import NOWHERE
from bench.torture.service import honest
from bench.verification import Contender, contender, floors
from demo.deployment import PASS_TYPE_IDENTIFIER, Addresses, prepare
from demo.serving import START_TIMEOUT_S, StartFault, free_port
from demo.world import wall_clock

QUICK_ROUNDS = 5
START_UP, MEMORY_MB = 1.3, 200.0
TEACHERS, FEW = 228_000, 12_000
# More than the caches of the code that builds passes keep.
DOWNLOADS = 300
# What the web process has loaded from elsewhere by its first answer, in the order it did.
FOREIGN = """
import json, sys
import app.asgi, app.cli, uvicorn.protocols.http.h11_impl, uvicorn.loops.uvloop
print(json.dumps([
    name for name, module in list(sys.modules.items())
    if "site-packages" in (getattr(module, "__file__", None) or "")
    and getattr(module, "__spec__", None) and module.__spec__.name == name
]))
"""
IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def start_up(rounds: int, _: float) -> Measurement:
    """Compare the start of the web process with importing what it uses of others."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder, port = Path(name), free_port()
        url = f"sqlite:///{folder}/cards.sqlite3"
        addresses = Addresses(f"http://localhost:{port}", NOWHERE, NOWHERE, NOWHERE)
        environment = prepare(
            folder / "site", addresses, database_url=url, now=wall_clock()
        ).environment
        listed = subprocess.run(
            [sys.executable, "-c", FOREIGN], env=environment, check=True, stdout=subprocess.PIPE
        )
        modules: list[str] = json.loads(listed.stdout)
        serve = [str(Path(sys.executable).with_name("lerarenkaart")), "serve", "--port", str(port)]
        imports = [sys.executable, "-c", IMPORT, *modules]
        runs = [
            _cpu_s(serve, environment, port=port) / _cpu_s(imports, environment)
            for _ in range(rounds + 1)
        ]
    note = f"CPU to the first answer, of importing its {len(modules)} third-party modules"
    # The first round finds nothing in the system's cache of files.
    return measured("start_up", START_UP, runs[1:], note, ceiling=True)


def web_process_memory_mb(rounds: int, seconds: float) -> Measurement:
    """Take the peak of one web process that judges and signs; each round loads it again."""
    cards = FEW if rounds <= QUICK_ROUNDS else TEACHERS
    with floors("postgresql", cards=cards) as (floor,), contender(floor, honest) as process:
        runs = []
        for turn in range(rounds):
            process.per_cpu_second(seconds)
            _download(process, turn * DOWNLOADS)
            runs.append(_peak_mb(process.process.pid))
    note = f"MB at the peak with {cards:,} cards, after {rounds * DOWNLOADS:,} signed passes"
    # A peak only rises: the last one counts.
    return measured("web_process_memory_mb", MEMORY_MB, runs[-1:], note, ceiling=True)


def _cpu_s(
    command: Sequence[str], environment: Mapping[str, str], *, port: int | None = None
) -> float:
    """CPU seconds of a process until its end, or until it answers at a port."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            if port is not None:
                _wait_for_answer(process, port)
        finally:
            if port is not None:
                process.kill()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    if port is None and process.returncode:
        raise StartFault(f"{command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _wait_for_answer(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(ConnectionError), closing(HTTPConnection("127.0.0.1", port)) as connection:
            connection.request("GET", "/readyz", headers={"host": f"localhost:{port}"})
            if connection.getresponse().status == HTTPStatus.OK:
                return
        time.sleep(0.02)
    raise StartFault(f"process {process.pid} did not answer at port {port}")


def _download(process: Contender, begun: int) -> None:
    """Have passes built and signed as phones do that learn of a change."""
    deployment = process.floor.deployment
    secrets = KeyRing(deployment.directory / "keys").keys.secrets["pass"]
    some = (
        select(WalletPass.serial, WalletPass.pass_secret_id)
        .where(WalletPass.carrier == Carrier.APPLE)
        .order_by(WalletPass.id)
        .offset(begun)
        .limit(DOWNLOADS)
    )
    url = deployment.environment[f"{PREFIX}DATABASE_URL"]
    with closing(Database(url)) as database, database.reading() as session:
        passes = session.execute(some).all()
    with closing(HTTPConnection("127.0.0.1", process.port)) as connection:
        for serial, secret_id in passes:
            secret = secrets[secret_id].value
            token = authentication_token(secret, PASS_TYPE_IDENTIFIER, serial)
            path = f"/apple/v1/passes/{PASS_TYPE_IDENTIFIER}/{serial}"
            connection.request("GET", path, headers={"authorization": f"ApplePass {token}"})
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK or not answer.read():
                raise ValueError(f"a pass was answered with {answer.status}")


def _peak_mb(pid: int) -> float:
    """The most memory a process has held so far, in MB of 1,000,000 bytes (proc(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6
