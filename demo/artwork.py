"""The pictures of the Apple pass, drawn from a few numbers: `python -m demo.artwork`.

Knows Apple's sizes in points and draws each at one, two and three pixels a point. All of it
is our own: an open book on yellow, and the word. The files under app/passes/apple/artwork are
generated here, committed and compared by a test; every byte of them travels in every pass.
"""

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

FOLDER = Path(__file__).parent.parent / "app" / "passes" / "apple" / "artwork"

YELLOW, PALE, SHADE, INK = "#FFE615", "#FFF07A", "#F2D400", "#333332"
CLEAR = "#33333200"

# Everything is drawn this much larger and then made smaller, which smooths the edges.
_OVERSIZE = 4
# Enough for flat colours and their smoothed edges; a palette keeps the files small.
_COLOURS = 24

Size = tuple[int, int]
Painter = Callable[[ImageDraw.ImageDraw, float, Size], None]


def draw_all() -> dict[str, Image.Image]:
    """Return every picture by its file name, in palette colours."""
    pictures = {}
    for name, (size, ground, paint) in _PICTURES.items():
        for scale in (1, 2, 3):
            file = f"{name}.png" if scale == 1 else f"{name}@{scale}x.png"
            pictures[file] = _draw(size, scale, ground, paint)
    return pictures


def write_all(folder: Path) -> int:
    """Write the pictures as PNG and return their size in bytes altogether."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, picture in draw_all().items():
        picture.save(folder / file, optimize=True)
    return sum(path.stat().st_size for path in folder.glob("*.png"))


def _draw(size: Size, scale: int, ground: str, paint: Painter) -> Image.Image:
    factor = scale * _OVERSIZE
    canvas = Image.new("RGBA", (size[0] * factor, size[1] * factor), ground)
    paint(ImageDraw.Draw(canvas), factor, size)
    small = canvas.resize((size[0] * scale, size[1] * scale), Image.Resampling.BOX)
    picture = small.quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    if ground != CLEAR:
        _restore(picture, ground)
    return picture


def _restore(picture: Image.Image, ground: str) -> None:
    """Set the ground's colour, which choosing a palette moved a little, to what it was."""
    palette = picture.getpalette() or []
    corner = picture.tobytes()[0]
    palette[3 * corner : 3 * corner + 3] = ImageColor.getrgb(ground)[:3]
    picture.putpalette(palette)


def _book(
    draw: ImageDraw.ImageDraw, factor: float, at: tuple[float, float], width: float, colour: str
) -> None:
    """Draw an open book, `at` being the middle of its spine's top; all measures in points."""
    x, y = at
    half, height, gap = width / 2, width * 0.56, width * 0.025
    for side in (-1, 1):
        top = [(gap + (half - gap) * t, -_bulge(t) * width * 0.1) for t in _STEPS]
        bottom = [(px, py + height) for px, py in reversed(top)]
        page = [((x + side * px) * factor, (y + py) * factor) for px, py in top + bottom]
        draw.polygon(page, fill=colour)


_STEPS = [step / 24 for step in range(25)]


def _bulge(t: float) -> float:
    """Return how high a page stands at `t` of the way from the spine (0) to its edge (1)."""
    return 4 * t * (1 - t) * (1 - t / 2)


def _lines(
    draw: ImageDraw.ImageDraw, factor: float, at: tuple[float, float], width: float, colour: str
) -> None:
    """Draw three lines of writing on the right page of a book at the same place."""
    x, y = at
    for row, end in ((0.14, 0.4), (0.26, 0.4), (0.38, 0.28)):
        left, right = x + width * 0.09, x + width * end
        top = y + width * row - width * 0.02
        box = [left * factor, top * factor, right * factor, (top + width * 0.04) * factor]
        draw.rectangle(box, fill=colour)


def _mark(draw: ImageDraw.ImageDraw, factor: float, size: Size) -> None:
    width = min(size) * 0.8
    at = (size[0] / 2, size[1] / 2 - width * 0.24)
    _book(draw, factor, at, width, INK)
    _lines(draw, factor, at, width, YELLOW)


def _mark_with_word(draw: ImageDraw.ImageDraw, factor: float, size: Size) -> None:
    _mark(draw, factor, (size[1], size[1]))
    font = ImageFont.load_default(size=size[1] * 0.5 * factor)
    at = (size[1] * 1.05 * factor, size[1] / 2 * factor)
    draw.text(at, "Lerarenkaart", fill=INK, font=font, anchor="lm")


def _wide(draw: ImageDraw.ImageDraw, factor: float, size: Size) -> None:
    """Draw a large pale book that leaves the text before it readable."""
    width, height = size
    _book(draw, factor, (width / 2, height * 0.33), width * 0.98, SHADE)
    _book(draw, factor, (width / 2, height * 0.31), width * 0.9, PALE)


# Sizes in points: Apple's, or the largest within them.
_PICTURES: dict[str, tuple[Size, str, Painter]] = {
    "icon": ((38, 38), YELLOW, _mark),
    "logo": ((50, 50), CLEAR, _mark),
    "thumbnail": ((90, 90), YELLOW, _mark),
    "primaryLogo": ((126, 30), CLEAR, _mark_with_word),
    "artwork": ((358, 448), YELLOW, _wide),
    "background": ((345, 505), YELLOW, _wide),
}

if __name__ == "__main__":
    print(f"{write_all(FOLDER)} bytes in {FOLDER}")
