"""Draw the icon of the QA Inspector: a turned ring of cast metal, and a tick in front of it.

Usage: python scripts/draw_icon.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
WINDOW_IMAGES = ROOT / "src" / "castproof" / "apps" / "inspector" / "images"
PROGRAM_ICON = ROOT / "packaging" / "qa_inspector.ico"

SIZES = (16, 20, 24, 32, 40, 48, 64, 128, 256)  # 100 to 250 % scaling of small and large icons on Windows
SMALL_PX = 24  # up to here, detail would blur
OVERSAMPLING = 8

# The rim parts the icon from a light taskbar, the tile from a dark one.
TILE, RIM = (24, 58, 92), (150, 186, 214)
METAL, SHADE, HOLE = (206, 214, 222), (128, 142, 156), (24, 58, 92)
TICK, TICK_EDGE = (92, 224, 140), (12, 34, 56)

Point = tuple[float, float]


def icon(size_px: int) -> Image.Image:
    """Return the icon, RGBA of size_px x size_px.

    Args:
        size_px: side in pixels; small icons have thicker strokes and fewer parts.
    """
    side = size_px * OVERSAMPLING
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)
    small = size_px <= SMALL_PX
    _tile(draw, side, rim=1 / size_px if small else 0.03)
    _ring(draw, side, detailed=not small)
    _tick(draw, side, width=0.15 if small else 0.1, edge=0.055 if small else 0.045)
    return image.resize((size_px, size_px), Image.Resampling.BOX)


def _tile(draw: ImageDraw.ImageDraw, side: int, rim: float) -> None:
    box = (0, 0, side - 1, side - 1)
    draw.rounded_rectangle(box, radius=0.2 * side, fill=TILE, outline=RIM, width=round(rim * side))


def _ring(draw: ImageDraw.ImageDraw, side: int, detailed: bool) -> None:
    centre = (0.46 * side, 0.47 * side)
    _disc(draw, centre, 0.35 * side, METAL)
    if detailed:
        _disc(draw, centre, 0.27 * side, SHADE)
        _disc(draw, centre, 0.245 * side, METAL)
        for column, row in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            hole = (centre[0] + 0.31 * side * column, centre[1] + 0.31 * side * row)
            _disc(draw, hole, 0.022 * side, SHADE)
    _disc(draw, centre, (0.16 if detailed else 0.19) * side, HOLE)


def _tick(draw: ImageDraw.ImageDraw, side: int, width: float, edge: float) -> None:
    corners = [(at * side, down * side) for at, down in ((0.36, 0.62), (0.54, 0.8), (0.84, 0.36))]
    _stroke(draw, corners, (width + 2 * edge) * side, TICK_EDGE)
    _stroke(draw, corners, width * side, TICK)


def _stroke(
    draw: ImageDraw.ImageDraw, corners: list[Point], width: float, colour: tuple[int, int, int]
) -> None:
    draw.line(corners, fill=colour, width=round(width))
    for corner in corners:
        _disc(draw, corner, width / 2, colour)


def _disc(draw: ImageDraw.ImageDraw, centre: Point, radius: float, colour: tuple[int, int, int]) -> None:
    left, top = centre[0] - radius, centre[1] - radius
    draw.ellipse((left, top, left + 2 * radius, top + 2 * radius), fill=colour)


def main() -> None:
    """Write the images of the window and the icon of the program."""
    icons = {size_px: icon(size_px) for size_px in SIZES}
    WINDOW_IMAGES.mkdir(parents=True, exist_ok=True)
    for size_px, image in icons.items():
        image.save(WINDOW_IMAGES / f"icon_{size_px}.png", optimize=True)
    largest = icons[max(SIZES)]
    sizes = [(size_px, size_px) for size_px in SIZES]
    others = [icons[size_px] for size_px in SIZES[:-1]]
    largest.save(PROGRAM_ICON, sizes=sizes, append_images=others)


if __name__ == "__main__":
    main()
