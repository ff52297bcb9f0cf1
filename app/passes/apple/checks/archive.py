"""The archive: opened within limits, whoever made it, and compared with its own manifest.

Knows what a hostile or clumsy zip can look like and hides it: the other checks get files
by name. A valid signature says nothing about the files, so every hash is made again and the
two sets of names, in the archive and in the manifest, are compared both ways.
"""

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

from app.passes.apple.checks.findings import Finding, error, note

# A pass of 20 MiB is no pass, and a small archive must not unpack to a large one.
MOST_ARCHIVE_BYTES = 20 * 1024 * 1024
MOST_UNPACKED_BYTES = 50 * 1024 * 1024
MOST_MEMBERS = 1000
# Every update is downloaded by every phone.
_HEAVY_BYTES = 100_000

_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_UNLISTED = {"manifest.json", "signature"}
_SHA1_HEX = re.compile(r"[0-9a-fA-F]{40}")

# Of the others Wallet knows none, and some take up memory as their own header likes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for archives that are broken or encrypted.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

Files = Mapping[str, bytes]


def unpack(raw: bytes) -> tuple[Files, list[Finding]]:
    """Return the files by name and what is wrong with the archive itself.

    No files come back from an archive that is too large or cannot be read at all.
    """
    if len(raw) > MOST_ARCHIVE_BYTES:
        return {}, [_too_large(f"the archive has {len(raw)} bytes")]
    try:
        # Names that no codec can read and offsets beyond any file are a ValueError.
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [one for one in archive.infolist() if not one.filename.endswith("/")]
            if not members:
                return {}, [error("the file", "The archive is empty.", "Export it anew.")]
            if len(members) > MOST_MEMBERS:
                return {}, [_too_large(f"the archive has {len(members)} members")]
            if sum(member.file_size for member in members) > MOST_UNPACKED_BYTES:
                return {}, [
                    _too_large(f"unpacked, the files take over {MOST_UNPACKED_BYTES} bytes")
                ]
            files, findings = _read(archive, members)
    except (*_UNREADABLE, ValueError, OverflowError) as fault:
        return {}, [
            error("the file", f"This is not a readable zip archive ({fault}).", "Export it anew.")
        ]
    names = [member.filename for member in members]
    findings += [*_faults_of_names(names), *_faults_of_weight(len(raw))]
    # Said once; from here on the pass is looked at as if it were packed well.
    top = _wrapping_folder(names)
    tidy = {name.removeprefix(top): files[name] for name in files if not _is_litter(name)}
    return tidy, findings


def compare(files: Files) -> Iterator[Finding]:
    """Yield where the manifest and the files disagree."""
    where = "manifest.json"
    if where not in files:
        yield error(where, "There is no manifest.json.", "Write one with the SHA-1 of every file.")
        return
    listed = _manifest(files[where])
    if listed is None:
        yield error(
            where,
            "It is not a JSON object of file names and SHA-1 hashes.",
            "Write an object whose values are 40 hexadecimal digits.",
        )
        return
    for name in sorted(listed.keys() & _UNLISTED):
        yield error(where, f"It lists {name}.", "Leave manifest.json and signature out of it.")
    for name in sorted(files.keys() - listed.keys() - _UNLISTED):
        yield error(name, "It is not in the manifest.", "Add its SHA-1, or leave the file out.")
    for name in sorted(listed.keys() - files.keys() - _UNLISTED):
        yield error(name, "The manifest lists it, but it is not there.", "Add it, or unlist it.")
    for name in sorted((listed.keys() & files.keys()) - _UNLISTED):
        found = hashlib.sha1(files[name], usedforsecurity=False).hexdigest()
        if found != listed[name].lower():
            yield error(
                name,
                f"Its SHA-1 is {found}, the manifest says {listed[name]}.",
                "It was changed after the manifest was made: hash and sign again.",
            )


def _read(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]
) -> tuple[dict[str, bytes], list[Finding]]:
    files, findings = {}, []
    for member in members:
        if member.compress_type not in _METHODS:
            what = f"It is packed by method {member.compress_type}."
            findings.append(error(member.filename, what, "Store it, or deflate it."))
            continue
        try:
            # Never gives more than the directory says, and that is within the limit.
            files[member.filename] = archive.read(member)
        except _UNREADABLE as fault:
            what = f"It cannot be unpacked ({fault})."
            findings.append(error(member.filename, what, "Make the archive anew."))
    return files, findings


def _too_large(what: str) -> Finding:
    return error("the file", f"This is too large to be a pass: {what}.", "Make smaller images.")


def _faults_of_names(names: list[str]) -> Iterator[Finding]:
    for name, count in Counter(names).items():
        if count > 1:
            yield error(name, f"It is in the archive {count} times.", "Keep one of them.")
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            yield error(name, "The name is not a plain relative path.", "Use names with slashes.")
        if _is_litter(name):
            yield error(
                name,
                "The operating system left this file in the archive.",
                "Zip without it, for example `zip -X -x '*.DS_Store' -x '__MACOSX/*'`.",
            )
    if top := _wrapping_folder(names):
        yield error(
            top,
            "The files are inside this folder instead of at the top of the archive.",
            "Zip the contents of the folder, not the folder.",
        )


def _is_litter(name: str) -> bool:
    return any(mark in name for mark in _LITTER)


def _wrapping_folder(names: list[str]) -> str:
    """Return the folder, with its slash, that holds the pass; empty when none does."""
    inside = [name for name in names if name.endswith("/pass.json") and not _is_litter(name)]
    return inside[0].removesuffix("pass.json") if inside and "pass.json" not in names else ""


def _faults_of_weight(size: int) -> Iterator[Finding]:
    if size > _HEAVY_BYTES:
        yield note(
            "the file",
            f"The pass has {size} bytes, which every phone downloads at every update.",
            "Aim at less than 100 kB: fewer colours in the images, no photographs.",
        )


def _manifest(raw: bytes) -> dict[str, str] | None:
    try:
        listed = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, dict):
        return None
    hashes = listed.values()
    sound = all(isinstance(value, str) and _SHA1_HEX.fullmatch(value) for value in hashes)
    return listed if sound else None
