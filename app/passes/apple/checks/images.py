"""The pictures: whether the icon is there, whether they are PNG, and of a size Wallet draws.

Reads headers and check sums only, never pixels, so that no picture can take up memory.
"""

import io
import re
import warnings
from collections.abc import Iterator

from PIL import Image

from app.passes.apple.checks.archive import Files
from app.passes.apple.checks.findings import Finding, error, note, warning
from app.passes.apple.checks.vocabulary import IMAGE_POINTS

_PNG = b"\x89PNG\r\n\x1a\n"
_NAME = re.compile(r"(?:.+\.lproj/)?(?P<picture>\w+?)(?:@(?P<scale>[23])x)?\.png", re.ASCII)
_HEAVY_BYTES = 50_000


def check(files: Files) -> Iterator[Finding]:
    """Yield what is wrong with the pictures of a pass."""
    yield from _faults_of_icon(files)
    for name, content in sorted(files.items()):
        found = _NAME.fullmatch(name)
        if found is None:
            continue
        picture, scale = found["picture"], int(found["scale"] or 1)
        if picture not in IMAGE_POINTS:
            yield warning(name, "Wallet knows no picture of this name.", "Rename it, or drop it.")
            continue
        try:
            width, height = _size(content)
        except ValueError as fault:
            yield error(name, f"It is not a readable PNG ({fault}).", "Save it as PNG.")
            continue
        wide, high = (points * scale for points in IMAGE_POINTS[picture])
        if width > wide or height > high:
            yield warning(
                name,
                f"It has {width}x{height} pixels; Wallet has room for {wide}x{high}.",
                "Make it smaller, or Wallet crops or shrinks it.",
            )
        if len(content) > _HEAVY_BYTES:
            yield note(name, f"It has {len(content)} bytes.", "Use a palette of few colours.")


def _faults_of_icon(files: Files) -> Iterator[Finding]:
    names = {name.rpartition("/")[2] for name in files}
    if "icon.png" not in names:
        yield error("icon.png", "It is missing.", "Add an icon of 38x38 pixels; it is required.")
    for name in ("icon@2x.png", "icon@3x.png"):
        if name not in names:
            yield warning(name, "It is missing: sharp screens show a blurred icon.", "Add it.")


def _size(content: bytes) -> tuple[int, int]:
    if not content.startswith(_PNG):
        raise ValueError("it begins like another format")
    with warnings.catch_warnings():
        # A picture of very many pixels is only warned of, unless asked otherwise.
        warnings.simplefilter("error")
        try:
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                picture.verify()
                return picture.size
        except (OSError, SyntaxError, Warning, Image.DecompressionBombError) as fault:
            raise ValueError(str(fault)) from fault
