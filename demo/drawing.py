"""Draws a small photo-like data set: fruit on tables, each picture different, nobody's photo."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 320, 240
Random = np.random.Generator
Color = tuple[int, int, int]


def draw_data_set(folder: Path, *, per_class: int, seed: int = 0) -> None:
    """Writes ``per_class`` JPEG files into one sub-folder of ``folder`` for each kind of fruit."""
    for class_index, (name, draw) in enumerate(FRUIT.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(per_class):
            random = np.random.default_rng([seed, class_index, index])
            picture(draw, random).save(folder / name / f"{name}-{index:02}.jpg", quality=88)


def picture(draw: "Callable[[ImageDraw.ImageDraw, Random], None]", random: Random) -> Image.Image:
    """Returns one picture: a table, a fruit at any place and angle, uneven light, a little blur and noise."""
    table = _table(random)
    layer = Image.new("RGBA", table.size, (0, 0, 0, 0))
    draw(ImageDraw.Draw(layer), random)
    layer = layer.rotate(random.uniform(-40, 40), Image.Resampling.BICUBIC, center=(WIDTH / 2, HEIGHT / 2))
    shadow = Image.new("RGBA", table.size, (0, 0, 0, 0))
    shadow.paste((0, 0, 0, 110), (8, 10), layer.getchannel("A"))
    scene = Image.alpha_composite(table.convert("RGBA"), shadow.filter(ImageFilter.GaussianBlur(6)))
    scene = (
        Image.alpha_composite(scene, layer).convert("RGB").filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    )
    return _lit(scene, random)


def _table(random: Random) -> Image.Image:
    base = np.array(random.choice([(150, 110, 75), (205, 200, 190), (90, 95, 105), (170, 150, 120)]), dtype=float)
    grain = np.sin(np.linspace(0, random.uniform(20, 60), HEIGHT))[:, None, None] * random.uniform(2, 9)
    noise = random.normal(0, 5, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(base + grain + noise, 0, 255).astype(np.uint8))


def _lit(scene: Image.Image, random: Random) -> Image.Image:
    across = np.linspace(random.uniform(0.7, 1.0), random.uniform(0.9, 1.15), WIDTH)[None, :, None]
    down = np.linspace(random.uniform(0.8, 1.0), random.uniform(0.9, 1.1), HEIGHT)[:, None, None]
    noise = random.normal(0, 4, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(np.asarray(scene) * across * down + noise, 0, 255).astype(np.uint8))


def _place(random: Random) -> tuple[float, float, float]:
    return (
        WIDTH / 2 + random.uniform(-50, 50),
        HEIGHT / 2 + random.uniform(-30, 30),
        random.uniform(65, 95),
    )


def _varied(color: Color, random: Random) -> Color:
    red, green, blue = (int(np.clip(channel + random.uniform(-18, 18), 0, 255)) for channel in color)
    return red, green, blue


def _apple(canvas: ImageDraw.ImageDraw, random: Random) -> None:
    x, y, radius = _place(random)
    canvas.ellipse((x - radius, y - radius * 0.92, x + radius, y + radius * 0.92), fill=_varied((190, 35, 40), random))
    canvas.ellipse((x - radius * 0.5, y - radius * 0.6, x - radius * 0.2, y - radius * 0.2), fill=(235, 150, 140))
    canvas.line((x, y - radius * 0.8, x + radius * 0.15, y - radius * 1.2), fill=(80, 55, 30), width=5)


def _banana(canvas: ImageDraw.ImageDraw, random: Random) -> None:
    x, y, radius = _place(random)
    box = (x - radius * 1.5, y - radius * 1.6, x + radius * 1.5, y + radius * 0.6)
    canvas.arc(box, 20, 160, fill=_varied((235, 205, 60), random), width=int(radius * 0.55))
    canvas.arc(box, 18, 24, fill=(95, 70, 30), width=int(radius * 0.5))


def _grapes(canvas: ImageDraw.ImageDraw, random: Random) -> None:
    x, y, radius = _place(random)
    color = _varied((95, 45, 120), random)
    for row in range(5):
        for column in range(5 - row):
            cx, cy = x + (column - (4 - row) / 2) * radius * 0.5, y - radius * 0.8 + row * radius * 0.42
            canvas.ellipse((cx - radius * 0.3, cy - radius * 0.3, cx + radius * 0.3, cy + radius * 0.3), fill=color)
            canvas.ellipse((cx - radius * 0.15, cy - radius * 0.2, cx, cy - radius * 0.05), fill=(175, 140, 200))


def _pear(canvas: ImageDraw.ImageDraw, random: Random) -> None:
    x, y, radius = _place(random)
    color = _varied((150, 180, 70), random)
    canvas.ellipse((x - radius * 0.8, y - radius * 0.3, x + radius * 0.8, y + radius), fill=color)
    canvas.ellipse((x - radius * 0.45, y - radius, x + radius * 0.45, y + radius * 0.4), fill=color)
    canvas.line((x, y - radius, x + radius * 0.1, y - radius * 1.3), fill=(80, 60, 30), width=5)


FRUIT: dict[str, Callable[[ImageDraw.ImageDraw, Random], None]] = {
    "apple": _apple,
    "banana": _banana,
    "grapes": _grapes,
    "pear": _pear,
}
