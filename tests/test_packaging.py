"""What is published is what git holds.

With links into the package in the root, that is no matter of course (pypa/hatch #1197).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKS = ("components", "static", "templates")
# What lies in the sdist beside the package: enough to build the wheel and to test it.
BESIDE = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml"}
NEED_THE_CHECKOUT = (
    "tests/bench",
    "tests/components/test_documented.py",
    "tests/core/lineitems/test_documented.py",
    "tests/management/test_documented.py",
    "tests/moochers/test_documented.py",
    "tests/reliability/test_page.py",
    "tests/importing/test_taking_it_out.py",
    "tests/test_architecture.py",
    "tests/test_docs.py",
    "tests/test_locks.py",
    "tests/test_packaging.py",
    "tests/templatetags/test_documented.py",
    "tests/testing/test_documented.py",
)
MADE_BY_HATCHLING = {".gitignore", "PKG-INFO"}


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own commands
        command, cwd=ROOT, check=check, capture_output=True, text=True
    )


def committed(*paths: str) -> set[str]:
    return {name for name in run("git", "ls-files", "-z", *paths).stdout.split("\0") if name}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the files in git, so that nobody's unfinished work counts."""
    target = tmp_path_factory.mktemp("checkout")
    for name in committed():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy, follow_symlinks=False)
    return target


@pytest.fixture(scope="module")
def sdist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked source distribution."""
    target = tmp_path_factory.mktemp("sdist")
    build("--sdist", checkout, target)
    with tarfile.open(next(target.glob("*.tar.gz"))) as archive:
        archive.extractall(target, filter="data")
    return next(path for path in target.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names of the files in the wheel that the source distribution builds."""
    target = tmp_path_factory.mktemp("wheel")
    build("--wheel", sdist, target)
    with zipfile.ZipFile(next(target.glob("*.whl"))) as archive:
        return set(archive.namelist())


def build(kind: str, source: Path, target: Path) -> None:
    # hatchling is installed here already: no environment of its own, and so no network.
    run(sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", target, source)


def test_the_wheel_holds_the_package_as_git_does_and_nothing_else(wheel: set[str]) -> None:
    package = {name for name in wheel if ".dist-info/" not in name}
    assert package == committed("payments_ui")


@pytest.mark.parametrize(
    "name",
    ["py.typed", "components/__init__.py", "static/payments_ui", "templates/payments_ui", "locale"],
)
def test_the_rooms_that_the_links_show_are_in_the_wheel(wheel: set[str], name: str) -> None:
    assert any(path.startswith(f"payments_ui/{name}") for path in wheel)


def test_the_sdist_holds_the_package_its_tests_and_what_a_wheel_needs(sdist: Path) -> None:
    files = {str(path.relative_to(sdist)) for path in sdist.rglob("*") if path.is_file()}
    tests = committed("tests") - committed(*NEED_THE_CHECKOUT)
    assert files - MADE_BY_HATCHLING == committed("payments_ui") | tests | BESIDE


def test_the_packages_page_links_nothing_that_only_a_checkout_has(sdist: Path) -> None:
    metadata = (sdist / "PKG-INFO").read_text("utf-8")
    assert "# django-payments-ui" in metadata
    assert "[django-mooch](https://" in metadata
    assert re.findall(r"\]\((?!https://)[^)]*\)", metadata) == []


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_the_root_is_relative_and_leads_into_the_package(name: str) -> None:
    link = ROOT / name
    assert link.is_symlink()
    assert link.readlink() == Path("payments_ui") / name
    assert link.resolve(strict=True).is_dir()


@pytest.mark.parametrize("name", LINKS)
def test_importing_through_a_link_is_refused_by_the_linter(tmp_path: Path, name: str) -> None:
    module = tmp_path / "careless.py"
    module.write_text(f"import {name}\n")
    options = ("--no-cache", "--config", ROOT / "pyproject.toml", "--select", "TID251")
    ruff = run(sys.executable, "-m", "ruff", "check", *options, module, check=False)
    assert ruff.returncode == 1
    assert "TID251" in ruff.stdout
