"""The renderer: a height field of layered value noise, cut into contour lines, drawn as SVG.

One seed always gives one landscape. The picture uses SVG presentation attributes only, so a
strict Content Security Policy has nothing to say about it.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Field = list[list[float]]
Edge = tuple[int, int, int]  # column, row, 0 = to the right or 1 = downwards
Segment = tuple[Edge, Edge]

OCTAVES = 4
LEVELS = 22
#: Which sides of a tile a contour crosses, by which of its corners lie above it
#: (1 north-west, 2 north-east, 4 south-east, 8 south-west): N, E, S, W.
CROSSINGS = {
    1: ("WN",), 2: ("NE",), 3: ("WE",), 4: ("ES",), 5: ("WN", "ES"), 6: ("NS",), 7: ("WS",),
    8: ("SW",), 9: ("SN",), 10: ("NE", "SW"), 11: ("SE",), 12: ("EW",), 13: ("EN",), 14: ("NW",),
}  # fmt: skip


@dataclass(frozen=True)
class Palette:
    """The inks of one kind of terrain."""

    paper: str
    line: str
    index: str
    scale: float
    shape: Callable[[float], float]


PALETTES = {
    "alpine": Palette("#f6f1e6", "#b98a63", "#8a4b1f", 3.1, lambda h: h**1.35),
    "rolling": Palette("#eef2e6", "#8fa57c", "#4c6b3c", 2.2, lambda h: h),
    "islands": Palette("#e6f0f2", "#7fa9b5", "#1f5f73", 3.6, lambda h: max(0.0, h - 0.46) * 1.9),
    "canyon": Palette("#f7e9de", "#c98f73", "#96412a", 2.7, lambda h: abs(h - 0.5) * 2),
}


def render(*, seed: int, terrain: str, columns: int, rows: int) -> str:
    """Return the sheet as an SVG document of ``columns`` by ``rows`` tiles."""
    palette = PALETTES[terrain]
    field = height_field(seed, palette, columns, rows)
    return "".join(document(field, palette, columns, rows))


def height_field(seed: int, palette: Palette, columns: int, rows: int) -> Field:
    """Return heights between 0 and 1 at the corners of the tiles."""
    step = palette.scale / columns
    octaves = [(lattice(seed, octave), step * 2**octave, 0.5**octave) for octave in range(OCTAVES)]
    raw = [
        [sum(noise(table, x * s, y * s) * w for table, s, w in octaves) for x in range(columns + 1)]
        for y in range(rows + 1)
    ]
    low = min(map(min, raw))
    high = max(map(max, raw))
    return [[palette.shape((h - low) / (high - low)) for h in row] for row in raw]


def lattice(seed: int, octave: int) -> list[float]:
    """Return the random heights that one octave is interpolated from."""
    # A landscape is no secret: a seeded generator is the point.
    generator = random.Random(f"{seed}/{octave}")  # noqa: S311
    return [generator.random() for _ in range(64 * 64)]


def noise(table: list[float], x: float, y: float) -> float:
    """Return the smoothly interpolated height of ``table`` at a point."""
    left, top = int(x), int(y)
    u, v = smooth(x - left), smooth(y - top)
    row, below = top % 64 * 64, (top + 1) % 64 * 64
    column, beside = left % 64, (left + 1) % 64
    north = table[row + column] * (1 - u) + table[row + beside] * u
    south = table[below + column] * (1 - u) + table[below + beside] * u
    return north * (1 - v) + south * v


def smooth(t: float) -> float:
    """Return ``t`` eased at both ends, so that tiles meet without a crease."""
    return t * t * (3 - 2 * t)


def document(field: Field, palette: Palette, columns: int, rows: int) -> Iterator[str]:
    """Yield the SVG document piece by piece; every fifth line is an index contour."""
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns} {rows}">'
    yield f'<rect width="{columns}" height="{rows}" fill="{palette.paper}"/>'
    for number in range(1, LEVELS):
        ink, width = (palette.index, 0.26) if number % 5 == 0 else (palette.line, 0.15)
        path = "".join(contour(field, number / LEVELS))
        yield f'<path fill="none" stroke="{ink}" stroke-width="{width}" d="{path}"/>'
    yield "</svg>"


def contour(field: Field, level: float) -> Iterator[str]:
    """Yield the SVG path commands of one height's lines."""
    for line in chains(list(segments(field, level))):
        places = [place(field, edge, level) for edge in line]
        yield "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places)


def segments(field: Field, level: float) -> Iterator[Segment]:
    """Yield where ``level`` crosses each tile (marching squares)."""
    for y, (upper, lower) in enumerate(itertools.pairwise(field)):
        above = [(h > level, k > level) for h, k in zip(upper, lower, strict=True)]
        for x, ((nw, sw), (ne, se)) in enumerate(itertools.pairwise(above)):
            for line in CROSSINGS.get(nw + 2 * ne + 4 * se + 8 * sw, ()):
                sides = {"N": (x, y, 0), "S": (x, y + 1, 0), "W": (x, y, 1), "E": (x + 1, y, 1)}
                yield sides[line[0]], sides[line[1]]


def chains(pairs: list[Segment]) -> Iterator[list[Edge]]:
    """Join segments that share an edge into long lines."""
    following: dict[Edge, Edge] = dict(pairs)
    starts = following.keys() - set(following.values())
    for edge in [*sorted(starts), *sorted(following.keys() - starts)]:
        line = [edge]
        while (step := following.pop(line[-1], None)) is not None:
            line.append(step)
        if len(line) > 1:
            yield line


def place(field: Field, edge: Edge, level: float) -> tuple[float, float]:
    """Return the point on a tile's edge where the height is ``level``."""
    x, y, down = edge
    here = field[y][x]
    there = field[y + 1][x] if down else field[y][x + 1]
    part = 0.5 if math.isclose(here, there) else (level - here) / (there - here)
    return (x, y + part) if down else (x + part, y)
