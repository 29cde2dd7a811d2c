"""Pictures that are drawn, not taken: shades, textures, shapes, text and fractals, each from its own random numbers."""

import string
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

SIDE = 224
OCTAVES = (2, 4, 8, 16, 32, 64, 112)
FRACTAL_SIDE = 112
FRACTAL_STEPS = 24
FONT_SIZES = (12, 18, 28, 44, 70, 110)

Random = np.random.Generator
Field = npt.NDArray[np.float32]
Drawing = Callable[[Random], Image.Image]


def draw_picture(random: Random) -> Image.Image:
    """Returns a drawn RGB picture of 224 x 224 pixels."""
    return DRAWINGS[random.integers(len(DRAWINGS))](random)


def draw_surface(random: Random) -> Image.Image:
    """Returns a picture without objects, to put something on."""
    return (_shades, _clouds, _waves)[random.integers(3)](random)


def _shades(random: Random) -> Image.Image:
    corners = random.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _clouds(random: Random) -> Image.Image:
    return _coloured(_noise(random), random)


def _waves(random: Random) -> Image.Image:
    # Stripes, rings, checks and weaves: sums of waves in two directions, bent a little.
    down, right = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    bend = _noise(random) * random.uniform(0, 3)
    field = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(random.integers(1, 4)):
        angle, frequency = random.uniform(0, np.pi), 2 ** random.uniform(1.5, 6.5)
        phase = frequency * (np.cos(angle) * right + np.sin(angle) * down) + bend + random.uniform(0, 7)
        wave = np.sin(phase)
        field += np.sign(wave) if random.random() < 0.3 else wave
    return _coloured(field, random)


def _leaves(random: Random) -> Image.Image:
    # Shapes that hide one another, large and small ones, as in the "dead leaves" model of natural pictures.
    picture, surfaces = draw_surface(random), [draw_surface(random) for _ in range(2)]
    for _ in range(random.integers(3, 25)):
        mask = Image.new("L", (SIDE, SIDE), 0)
        _shape(ImageDraw.Draw(mask), random)
        picture.paste(surfaces[random.integers(2)] if random.random() < 0.5 else _colour(random), mask=mask)
    return picture


def _text(random: Random) -> Image.Image:
    picture = draw_surface(random)
    canvas = ImageDraw.Draw(picture)
    letters = string.ascii_letters + string.digits + " .,:-&%"
    for _ in range(random.integers(1, 8)):
        font = ImageFont.load_default(float(random.choice(FONT_SIZES)))
        words = "".join(random.choice(list(letters), random.integers(2, 20)))
        place = tuple(random.uniform(-0.2 * SIDE, 0.8 * SIDE, 2))
        canvas.text(place, words, fill=_colour(random), font=font)
    return picture.rotate(random.uniform(-30, 30), Image.Resampling.BILINEAR) if random.random() < 0.3 else picture


def _fractal(random: Random) -> Image.Image:
    # A piece of a Julia set, coloured by how fast each point runs away.
    half = random.uniform(0.2, 1.5)
    center = random.uniform(-0.7, 0.7, 2)
    lines = np.linspace(-half, half, FRACTAL_SIDE, dtype=np.float32)
    point = (center[0] + lines[None, :]) + 1j * (center[1] + lines[:, None])
    angle = random.uniform(0, 2 * np.pi)
    constant = random.uniform(0.6, 0.85) * np.exp(1j * angle)
    escaped = np.zeros(point.shape, np.float32)
    for _ in range(FRACTAL_STEPS):
        point = np.where(np.abs(point) < 4, point * point + constant, point)
        escaped += np.abs(point) < 4
    picture = _coloured(np.sin(escaped / random.uniform(1, 6)), random)
    return picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _noise(random: Random) -> Field:
    """Returns noise float32[224, 224] of many scales, about -1 to 1; what scale prevails differs."""
    roughness = random.uniform(0.4, 1.1)
    field = np.zeros((SIDE, SIDE), np.float32)
    for step, side in enumerate(OCTAVES):
        grain = Image.fromarray(random.standard_normal((side, side)).astype(np.float32))
        field += roughness**step * np.asarray(grain.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    result: Field = field / np.abs(field).max()
    return result


def _coloured(field: Field, random: Random) -> Image.Image:
    # Two to five colours along the field's values.
    low, high = float(field.min()), float(field.max())
    places = np.linspace(low, high, random.integers(2, 6))
    colours = random.uniform(0, 255, (len(places), 3))
    channels = [np.interp(field, places, colours[:, channel]) for channel in range(3)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def _shape(canvas: ImageDraw.ImageDraw, random: Random) -> None:
    # Sizes follow a power law: many small shapes, few large ones.
    radius = min(0.5, 0.05 / (1 - random.uniform(0, 0.95)) ** 0.8) * SIDE
    x, y = random.uniform(0, SIDE, 2)
    kind = random.integers(4)
    if kind == 0:
        canvas.ellipse((x - radius, y - radius * 0.6, x + radius, y + radius * 0.6), fill=255)
    elif kind == 1:
        canvas.regular_polygon((x, y, radius), int(random.integers(3, 9)), int(random.integers(360)), fill=255)
    elif kind == 2:
        canvas.rounded_rectangle((x - radius, y - radius / 2, x + radius, y + radius / 2), radius / 3, fill=255)
    else:
        angles = np.sort(random.uniform(0, 2 * np.pi, 9))
        reach = radius * random.uniform(0.3, 1, 9)
        canvas.polygon([(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, reach, strict=True)], fill=255)


def _colour(random: Random) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


DRAWINGS: tuple[Drawing, ...] = (_shades, _clouds, _waves, _leaves, _leaves, _text, _fractal)
