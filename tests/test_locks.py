"""What `make` and CI install is locked, and the locks say what pyproject.toml does."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGE = [
    *PROJECT["project"]["dependencies"],
    *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
]
GROUPS: dict[str, list[Any]] = PROJECT["dependency-groups"]
ANEW = "Run `make lock`, and commit what it writes."


def pins(name: str) -> Iterator[Requirement]:
    """Go through the pins of a lock and of those that it reads."""
    for line in (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("-r "):
            yield from pins(line.removeprefix("-r ").removesuffix(".txt"))
        elif not line.startswith((" ", "#")):
            yield Requirement(line.removesuffix("\\"))


def locked(name: str, python: str) -> dict[str, Version]:
    """Return the releases that a lock has for a Python."""
    here = {"python_version": python, "python_full_version": f"{python}.9"}
    return {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in pins(name)
        if pin.marker is None or pin.marker.evaluate(here)
    }


def test_each_group_has_a_lock() -> None:
    assert {lock.stem for lock in LOCKS} == GROUPS.keys() - {"build"} | {"base", "lowest"}, ANEW


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("name", ["base", *sorted(GROUPS.keys() - {"build"})])
def test_a_lock_holds_what_pyproject_asks_for(name: str, python: str) -> None:
    wanted = [*PACKAGE, *GROUPS["build"], *GROUPS.get(name, ())]
    releases = locked(name, python)
    for line in wanted:
        if isinstance(line, str):
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"python_version": python}):
                continue
            release = releases.get(canonicalize_name(requirement.name))
            assert release is not None, f"{line} is not locked. {ANEW}"
            assert release in requirement.specifier, f"{line}, locked is {release}. {ANEW}"
        else:
            assert locked(line["include-group"].replace("build", "base"), python).items() <= (
                releases.items()
            )


@pytest.mark.parametrize(("python", "django"), [("3.11", "5.2"), ("3.12", "6.0"), ("3.13", "6.1")])
def test_each_python_is_locked_with_a_django_of_its_own(python: str, django: str) -> None:
    assert str(locked("unit", python)["django"]).startswith(f"{django}.")


@pytest.mark.parametrize("line", PACKAGE)
def test_the_lowest_release_that_is_promised_is_the_one_that_is_tested(line: str) -> None:
    requirement = Requirement(line)
    [bound] = [one.version for one in requirement.specifier if one.operator == ">="]
    tested = locked("lowest", "3.11")[canonicalize_name(requirement.name)]
    assert tested == Version(bound), ANEW


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_each_pin_has_its_hashes_and_names_no_place(lock: Path) -> None:
    text = lock.read_text("utf-8")
    for block in re.split(r"\n(?! )", text):
        assert block.startswith(("#", "-r ")) or not block or "--hash=sha256:" in block
    assert not re.search(r"://|\s@\s|--(extra-)?index|--find-links|(^|\s)/", text)


def test_the_lock_of_node_packages_names_no_registry_and_holds_what_is_asked_for() -> None:
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert packages.pop("")["devDependencies"] == asked, ANEW
    assert all("resolved" not in package for package in packages.values())
    assert all(package["integrity"] for package in packages.values())


def test_what_has_moved_since_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = runpy.run_path(str(ROOT / "scripts" / "moved.py"))["main"]
    releases = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins("docs")}
    here = {"pip": "99", "furo": "9999.1", "Sphinx-Newcomer": "1.0", "segno": releases["segno"]}
    found = [SimpleNamespace(name=name, version=version) for name, version in here.items()]
    monkeypatch.setitem(moved.__globals__, "distributions", lambda: found)
    node = tmp_path / "node_modules" / "@biomejs" / "biome"
    node.mkdir(parents=True)
    (node / "package.json").write_text('{"version": "9.0.0"}')
    moved([str(tmp_path)])
    assert re.sub(r" [\d.]+ ->", " x ->", capsys.readouterr().out).splitlines() == [
        "moved: furo x -> 9999.1",
        "moved: sphinx-newcomer (new) -> 1.0",
        "moved: @biomejs/biome x -> 9.0.0",
    ]


def test_where_nothing_has_moved_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = runpy.run_path(str(ROOT / "scripts" / "moved.py"))["main"]
    monkeypatch.setitem(moved.__globals__, "distributions", list)
    moved([])
    assert capsys.readouterr().out == ""
