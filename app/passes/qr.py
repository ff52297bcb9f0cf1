"""A code text as a QR symbol: level M, upper-case text in alphanumeric mode, quiet zone 4.

Hides the qrcode library from pages, paper and the tour.
"""

from io import BytesIO

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pil import PilImage

QUIET_ZONE_MODULES = 4


def modules(text: str) -> list[list[bool]]:
    """The dark modules, row by row, quiet zone included."""
    symbol = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE_MODULES)
    symbol.add_data(text, optimize=0)
    matrix: list[list[bool]] = symbol.get_matrix()
    return matrix


def png(text: str, *, module_px: int = 8) -> bytes:
    """A black-on-white PNG."""
    symbol = qrcode.QRCode(
        error_correction=ERROR_CORRECT_M, box_size=module_px, border=QUIET_ZONE_MODULES
    )
    symbol.add_data(text, optimize=0)
    file = BytesIO()
    symbol.make_image(image_factory=PilImage).save(file, format="PNG")
    return file.getvalue()
