"""The translations: whether every language says everything, in an encoding that is found.

Knows the grammar of a `pass.strings` file. A key missing in one language shows its raw text
there; a file that cannot be read shows raw texts all over.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from app.passes.apple.checks.archive import Files
from app.passes.apple.checks.findings import Finding, error, warning

_FILE = re.compile(r"[^/]+\.lproj/pass\.strings")
# Atomic and possessive throughout: no text, however odd, is tried in more than one way.
_SPACE = r"(?>\s+|/\*.*?\*/|//[^\n]*)*+"
_QUOTED = r'"(?P<{}>(?>[^"\\]|\\.)*+)"'
_ENTRY = re.compile(
    rf"{_SPACE}{_QUOTED.format('key')}{_SPACE}={_SPACE}{_QUOTED.format('text')}{_SPACE};",
    re.DOTALL,
)
_REST = re.compile(_SPACE, re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))

Strings = Mapping[str, str]


def languages(files: Files) -> list[str]:
    """Return the languages a pass has, sorted."""
    folders = {name.partition(".lproj/")[0] for name in files if ".lproj/" in name}
    return sorted(folder for folder in folders if "/" not in folder)


def check(files: Files) -> Iterator[Finding]:
    """Yield what is wrong with the translations of a pass."""
    read: dict[str, Strings] = {}
    for name in sorted(filter(_FILE.fullmatch, files)):
        try:
            read[name] = parse(files[name])
            yield from _faults_of_file(name, files[name])
        except ValueError as fault:
            yield error(name, f"It cannot be read: {fault}.", 'Write "key" = "text"; in UTF-8.')
    every = set().union(*read.values())
    for name, strings in read.items():
        for key in sorted(every - strings.keys()):
            yield warning(name, f'"{key}" is not translated here.', "Say it in every language.")


def parse(raw: bytes) -> Strings:
    """Return the translations in a `pass.strings` file; raises ValueError when it is none."""
    text, _ = _decoded(raw)
    return dict(_entries(text))


def _faults_of_file(name: str, raw: bytes) -> Iterator[Finding]:
    text, encoding = _decoded(raw)
    if encoding != "utf-8":
        yield warning(name, f"It is in {encoding}.", "Write UTF-8 without a mark before it.")
    for key, count in Counter(key for key, _ in _entries(text)).items():
        if count > 1:
            yield warning(name, f'"{key}" is translated {count} times.', "Keep one of them.")


def _decoded(raw: bytes) -> tuple[str, str]:
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding), encoding
    except UnicodeError as fault:
        raise ValueError("it is neither UTF-8 nor marked as UTF-16") from fault


def _entries(text: str) -> list[tuple[str, str]]:
    entries, at = [], 0
    while found := _ENTRY.match(text, at):
        entries.append((_plain(found["key"]), _plain(found["text"])))
        at = found.end()
    end = _REST.match(text, at)
    if end is None or end.end() != len(text):
        line = text.count("\n", 0, at) + 1
        raise ValueError(f'something after line {line} is not "key" = "text";')
    return entries


def _plain(quoted: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], quoted)
