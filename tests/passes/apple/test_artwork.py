"""The pictures: those in the package are those the script draws, in Apple's sizes."""

import pytest
from PIL import Image, ImageChops, ImageStat

from app.passes.apple.checks.vocabulary import IMAGE_POINTS
from demo import artwork

DRAWN = artwork.draw_all()


def test_exactly_the_drawn_pictures_are_in_the_package() -> None:
    assert {path.name for path in artwork.FOLDER.glob("*")} == DRAWN.keys()


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_picture_in_the_package_looks_as_drawn(name: str) -> None:
    with Image.open(artwork.FOLDER / name) as stored:
        difference = ImageChops.difference(stored.convert("RGBA"), DRAWN[name].convert("RGBA"))

    # Another version of Pillow may smooth an edge a little differently.
    assert max(ImageStat.Stat(difference).mean) < 1


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_picture_fits_apples_size_at_its_scale(name: str) -> None:
    picture, _, rest = name.removesuffix(".png").partition("@")
    scale = int(rest.removesuffix("x") or 1)
    wide, high = (points * scale for points in IMAGE_POINTS[picture])

    with Image.open(artwork.FOLDER / name) as stored:
        assert stored.format == "PNG"
        assert stored.width <= wide
        assert stored.height <= high


def test_the_pictures_are_light() -> None:
    assert sum(path.stat().st_size for path in artwork.FOLDER.glob("*.png")) < 35_000
