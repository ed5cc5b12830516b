"""Compare the sizes of functions and files with what we allow ourselves, as a table.

Short pieces are what makes this code readable in one sitting; the figures come from codebases that
we like to read. A function's docstring does not count, nor do its decorators and signature.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "payments_ui"

MEDIAN_FUNCTION = 6
NINTH_FUNCTION = 18
LONGEST_FUNCTION = 40
# Lines of a file, by what it is.
FILES = {"py": 250, "html": 60, "js": 150, "css": 200}
NOT_WRITTEN_BY_HAND = {"migrations", "vendor"}


@dataclass(frozen=True)
class Size:
    """How many lines something has."""

    name: str
    lines: int


def main() -> int:
    """Print the table; 1 where something is too long."""
    functions = list(_functions())
    excesses = [*_long_functions(functions), *_long_files()]
    sys.stdout.writelines(f"{line}\n" for line in [*_summary(functions), *excesses])
    return bool(excesses)


def _summary(functions: list[Size]) -> Iterator[str]:
    lines = sorted(size.lines for size in functions)
    yield f"{len(lines)} functions; median {statistics.median(lines):g}, 9th decile {_ninth(lines)}"


def _long_functions(functions: list[Size]) -> Iterator[str]:
    lines = sorted(size.lines for size in functions)
    if statistics.median(lines) > MEDIAN_FUNCTION:
        yield f"too long: the median function, allowed {MEDIAN_FUNCTION}"
    if _ninth(lines) > NINTH_FUNCTION:
        yield f"too long: the 9th decile of functions, allowed {NINTH_FUNCTION}"
    yield from _too_long(functions, LONGEST_FUNCTION)


def _long_files() -> Iterator[str]:
    for suffix, allowed in FILES.items():
        sizes = (
            Size(str(path.relative_to(PACKAGE.parent)), len(path.read_text("utf-8").splitlines()))
            for path in _files(suffix)
        )
        yield from _too_long(sizes, allowed)


def _too_long(sizes: Iterable[Size], allowed: int) -> Iterator[str]:
    for size in sizes:
        if size.lines > allowed:
            yield f"too long: {size.name} has {size.lines} lines, allowed {allowed}"


def _functions() -> Iterator[Size]:
    for path in _files("py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}"
                yield Size(name, _body_lines(node))


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _files(suffix: str) -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob(f"*.{suffix}")):
        if not NOT_WRITTEN_BY_HAND.intersection(path.parts):
            yield path


def _ninth(lines: list[int]) -> int:
    return lines[len(lines) * 9 // 10]


if __name__ == "__main__":
    raise SystemExit(main())
