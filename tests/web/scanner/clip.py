"""What a fake camera shows: QR codes one after the other, in a video that plays for ever."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from app.passes import qr

WIDTH, HEIGHT = 640, 480
FRAMES_PER_S = 5
GREY = 150


def film(path: Path, scenes: Sequence[tuple[str | None, float]]) -> Path:
    """Write a YUV4MPEG2 video of scenes: a code (or an empty table) and how many seconds."""
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n"
    colours = bytes([128]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as video:
        video.write(head.encode())
        for text, seconds in scenes:
            frame = b"FRAME\n" + _picture(text).tobytes() + colours
            video.write(frame * round(seconds * FRAMES_PER_S))
    return path


def _picture(text: str | None) -> Image.Image:
    table = Image.new("L", (WIDTH, HEIGHT), GREY)
    if text:
        symbol = Image.open(BytesIO(qr.png(text, module_px=6))).convert("L")
        symbol = symbol.rotate(4, expand=True, fillcolor=GREY)
        table.paste(symbol, ((WIDTH - symbol.width) // 2, (HEIGHT - symbol.height) // 2))
    return table
