"""Draw the pictures of `docs/explanation/architecture.md` as SVG.

`docs/explanation/architecture.toml` is their source: the rooms in their layers, and each flow as
the files that its data pass, in order. `make pictures` writes them; a test compares what is written
with what the source says, and the source with the files of the package.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs/explanation/architecture.toml"
IMAGES = ROOT / "docs/images"

WIDTH = 880
PADDING = 16
GAP = 12
LINE = 22
STYLE = """
svg { color-scheme: light dark; font: 14px system-ui, sans-serif; }
.page { fill: #fff; } .box { fill: #f3f5f8; stroke: #9aa5b5; }
.room { fill: #fff; stroke: #9aa5b5; }
.number { fill: #1d5fbf; } .on { fill: #fff; font-weight: 600; }
text { fill: #1b2430; } .small { fill: #4c5868; font-size: 12.5px; } .name { font-weight: 600; }
.file { font-family: ui-monospace, monospace; font-size: 13px; font-weight: 600; }
.way { stroke: #9aa5b5; stroke-width: 2; fill: none; }
@media (prefers-color-scheme: dark) {
  .page { fill: #14181f; } .box { fill: #1d232d; } .room { fill: #14181f; } text { fill: #e8ecf2; }
  .small { fill: #aeb8c6; } .number { fill: #7db0ff; } .on { fill: #14181f; }
}
"""


@dataclass(frozen=True)
class Step:
    """A file of ours that the data of a flow pass, and what it does with them."""

    file: str
    does: str


@dataclass(frozen=True)
class Flow:
    """One way through the house."""

    name: str
    title: str
    steps: tuple[Step, ...]

    @property
    def files(self) -> list[str]:
        """The files on the way, each once, in the order in which they are reached."""
        return list(dict.fromkeys(step.file for step in self.steps))


def source() -> dict[str, Any]:
    """Read the source of all pictures."""
    return tomllib.loads(SOURCE.read_text("utf-8"))


def flows() -> list[Flow]:
    """Read the flows of the source, in its order."""
    return [
        Flow(name, flow["title"], tuple(Step(*step) for step in flow["steps"]))
        for name, flow in source()["flows"].items()
    ]


def pictures() -> dict[str, str]:
    """Return the SVG of each picture by the name of its file."""
    drawn = {f"flow-{flow.name}.svg": _flow(flow) for flow in flows()}
    return {"rooms.svg": _rooms(source()["layers"]), **drawn}


def _svg(title: str, height: int, parts: Iterator[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape(text)}</text>'


def _rooms(layers: list[dict[str, Any]]) -> str:
    """Draw the layers from top to bottom; an import leads from a layer to one below it."""
    parts: list[str] = []
    y = PADDING
    for layer in layers:
        rooms: dict[str, str] = layer["rooms"]
        columns = min(len(rooms), layer.get("columns", 3))
        rows = -(-len(rooms) // columns)
        height = 34 + rows * (2 * LINE + GAP + 6)
        box = f'x="{PADDING}" y="{y}" width="{WIDTH - 2 * PADDING}" height="{height}" rx="6"'
        parts += [f'<rect class="box" {box}/>', _text(2 * PADDING, y + 22, layer["name"], "name")]
        width = (WIDTH - 4 * PADDING - (columns - 1) * GAP) / columns
        for number, (name, does) in enumerate(rooms.items()):
            left = 2 * PADDING + number % columns * (width + GAP)
            top = y + 32 + number // columns * (2 * LINE + GAP + 6)
            place = f'x="{left:g}" y="{top}" width="{width:g}" height="{2 * LINE + 6}" rx="4"'
            parts += [
                f'<rect class="room" {place}/>',
                _text(left + 10, top + 20, name, "file"),
                _text(left + 10, top + 40, does, "small"),
            ]
        y += height + GAP
    return _svg("The rooms of payments_ui; imports lead down only", y + PADDING - GAP, iter(parts))


def _flow(flow: Flow) -> str:
    """Draw the steps of a flow below each other; a file that comes again keeps its number."""
    numbers = {file: number for number, file in enumerate(flow.files, 1)}
    height = 2 * PADDING + LINE + len(flow.steps) * (2 * LINE + GAP)
    x, first = 2 * PADDING + 4, PADDING + 2 * LINE + 8
    last = first + (len(flow.steps) - 1) * (2 * LINE + GAP)
    parts = [
        _text(PADDING, PADDING + 16, f"{flow.title}: {len(numbers)} files", "name"),
        f'<path class="way" d="M{x} {first}V{last}"/>',
    ]
    for index, step in enumerate(flow.steps):
        y = first + index * (2 * LINE + GAP)
        parts += [
            f'<circle class="number" cx="{x}" cy="{y}" r="13"/>',
            _text(x, y + 5, str(numbers[step.file]), "on", "middle"),
            _text(x + 26, y + 2, step.file, "file"),
            _text(x + 26, y + 2 + LINE - 3, step.does, "small"),
        ]
    return _svg(flow.title, height, iter(parts))


def main() -> int:
    """Write every picture."""
    for name, svg in pictures().items():
        (IMAGES / name).write_text(svg, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
