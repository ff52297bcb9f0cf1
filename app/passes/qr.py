"""A code text as a QR symbol: level M, upper-case text in alphanumeric mode, quiet zone 4.

Hides the qrcode library from pages, paper and the tour.
"""

from functools import lru_cache
from io import BytesIO
from typing import NamedTuple

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pil import PilImage

QUIET_ZONE_MODULES = 4


class Drawing(NamedTuple):
    """A symbol as an SVG path of dark modules; `size` is its side, quiet zone included."""

    size: int
    path: str


def modules(text: str) -> list[list[bool]]:
    """The dark modules, row by row, quiet zone included."""
    symbol = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE_MODULES)
    symbol.add_data(text, optimize=0)
    matrix: list[list[bool]] = symbol.get_matrix()
    return matrix


@lru_cache(maxsize=64)
def symbol(text: str) -> tuple[int, str]:
    """The side in modules and the path of an SVG; kept, as pages show the same few again."""
    rows = modules(text)
    return len(rows), "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )


def png(text: str, *, module_px: int = 8) -> bytes:
    """A black-on-white PNG."""
    symbol = qrcode.QRCode(
        error_correction=ERROR_CORRECT_M, box_size=module_px, border=QUIET_ZONE_MODULES
    )
    symbol.add_data(text, optimize=0)
    file = BytesIO()
    symbol.make_image(image_factory=PilImage).save(file, format="PNG")
    return file.getvalue()


def drawing(text: str) -> Drawing:
    """What a page draws by itself, for a text of any characters."""
    symbol = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE_MODULES)
    symbol.add_data(text)
    matrix = symbol.get_matrix()
    modules = (
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark
    )
    return Drawing(len(matrix), "".join(modules))
