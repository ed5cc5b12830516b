"""Make requirements/ anew from pyproject.toml: the newest releases in its ranges, with hashes.

    python scripts/lock.py

One file for each dependency group, which reads those of the groups that it includes and adds what
they lack; base.txt is what every environment has: the package's own dependencies and what builds
it. All are resolved together, for every system, with one release of a package for each Python.
lowest.txt stands alone: the oldest releases of what the package depends on, with today's tools to
test them. Needs the dependency group `lock`, and the network.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
HEADER = "# Made by `make lock` from pyproject.toml: change that, and make this anew.\n"
PACKAGE = ("pyproject.toml", "--all-extras")
BASE = (*PACKAGE, "--group", "build")
# With each Python the Django that CI runs there.
DJANGO = """\
Django~=5.2.0 ; python_version < "3.12"
Django~=6.0.0 ; python_version == "3.12"
"""

Pins = dict[str, str]
Groups = dict[str, list[Any]]


def main() -> None:
    """Write all files; those of groups that are gone go."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups: Groups = project["dependency-groups"]
    with tempfile.TemporaryDirectory() as folder:
        files = _files(groups, Path(folder)) | {"lowest": "".join(_lowest(Path(folder)).values())}
    REQUIREMENTS.mkdir(exist_ok=True)
    for old in REQUIREMENTS.glob("*.txt"):
        old.unlink()
    for name, text in files.items():
        (REQUIREMENTS / f"{name}.txt").write_text(HEADER + text, encoding="utf-8")
        print(f"requirements/{name}.txt")


def _files(groups: Groups, folder: Path) -> dict[str, str]:
    constraints = folder / "constraints.txt"
    constraints.write_text(DJANGO, encoding="utf-8")
    every = (part for name in groups for part in ("--group", name))
    together = _pins(*PACKAGE, *every, constraints=constraints, hashes=False)
    constraints.write_text("".join(together.values()), encoding="utf-8")

    base = _pins(*BASE, constraints=constraints)
    pins = {name: _pins("--group", name, constraints=constraints) for name in groups}
    files = {"base": "".join(base.values())}
    for name in groups:
        if name == "build":
            continue
        included = [item["include-group"] for item in groups[name] if isinstance(item, dict)]
        read = [other for other in included if other != "build"]
        known = base.keys() | {pin for other in read for pin in pins[other]}
        own = (lines for pin, lines in pins[name].items() if pin not in known)
        files[name] = "".join([*(f"-r {other}.txt\n" for other in read or ["base"]), *own])
    return files


def _lowest(folder: Path) -> Pins:
    oldest = folder / "oldest.txt"
    options = ("--resolution", "lowest-direct", "--no-deps")
    oldest.write_text("".join(_pins(*PACKAGE, *options, hashes=False).values()), encoding="utf-8")
    return _pins(*BASE, "--group", "unit", constraints=oldest)


def _pins(*what: str, constraints: Path | None = None, hashes: bool = True) -> Pins:
    """Resolve, and return each pin (`name==version ; marker`) with its lines."""
    # The lock names no registry: whoever installs has their own.
    options = ["--universal", "--python-version", "3.11", "--no-header", "--no-annotate"]
    options += ["--generate-hashes"] if hashes else []
    options += ["--constraints", str(constraints)] if constraints else []
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *options, *what]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    pins: Pins = {}
    pin = ""
    for line in done.stdout.splitlines(keepends=True):
        if not line.startswith(" "):
            pin = line.removesuffix("\n").removesuffix("\\").strip()
        pins[pin] = pins.get(pin, "") + line
    return pins


if __name__ == "__main__":
    main()
