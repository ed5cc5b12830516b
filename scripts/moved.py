"""Say what has moved since the locks were made, a line each: `moved: babel 2.19.0 -> 2.20.0`.

    PYTHON scripts/moved.py [DIR]

PYTHON is that of an environment made with RELEASES=newest. What it holds is compared with what
requirements/ says for it, and what is in DIR/node_modules with package-lock.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
#: In the environment, and in no lock.
OTHERS = {"django-payments-ui", "pip"}

Versions = dict[str, str]


def main(folders: list[str]) -> None:
    """Print what is other than locked, in the order of names."""
    moves = list(_moves(*_pip()))
    if folders:
        moves += _moves(*_npm(Path(folders[0])))
    print(*moves, sep="\n", end="\n" if moves else "")


def _moves(locked: Versions, installed: Versions) -> Iterator[str]:
    for name in sorted(installed.keys() - OTHERS):
        if installed[name] != locked.get(name):
            yield f"moved: {name} {locked.get(name, '(new)')} -> {installed[name]}"


def _pip() -> tuple[Versions, Versions]:
    installed: Versions = {canonicalize_name(one.name): one.version for one in distributions()}
    locked: Versions = {}
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text("utf-8").splitlines() if path.stem != "lowest" else ():
            if "==" in line and not line.startswith((" ", "#")):
                pin = Requirement(line.removesuffix("\\"))
                if pin.marker is None or pin.marker.evaluate():
                    [exactly] = pin.specifier
                    locked[canonicalize_name(pin.name)] = exactly.version
    return locked, installed


def _npm(folder: Path) -> tuple[Versions, Versions]:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    locked: Versions = {}
    installed: Versions = {}
    for place, package in lock["packages"].items():
        manifest = folder / place / "package.json"
        # Of the builds for each system, npm installs the one that fits.
        if place and manifest.exists():
            name = place.removeprefix("node_modules/")
            locked[name] = package["version"]
            installed[name] = json.loads(manifest.read_text("utf-8"))["version"]
    return locked, installed


if __name__ == "__main__":
    main(sys.argv[1:])
