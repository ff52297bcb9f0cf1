"""What a scanner or a camera reads from a picture, with a decoder that knows nothing of us."""

import zxingcpp
from PIL import Image


def read_code(picture: Image.Image) -> str | None:
    """The text of the QR code in a picture, None when there is none to be read."""
    found = zxingcpp.read_barcode(picture)
    return str(found.text) if found else None
