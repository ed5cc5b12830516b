"""Check that every text is translated: collected, not fuzzy, in all languages, and compiled.

Collects the texts anew into a copy, as `make messages` does in place, and compares that with what
is stored. Needs GNU gettext.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
SITES = ("payments_ui", "example_project")
LANGUAGES = ("de", "fr", "it")


def main() -> int:
    """Print what is wrong; 1 where something is."""
    problems = [problem for site in SITES for problem in _check(ROOT / site)]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return bool(problems)


def _check(site: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / site.name
        shutil.copytree(site, fresh, ignore=shutil.ignore_patterns("vendor", "var"))
        _collect(fresh)
        for language in LANGUAGES:
            stored = site / "locale" / language / "LC_MESSAGES" / "django.po"
            current = fresh / stored.relative_to(site)
            for problem in _problems(stored, current):
                yield f"{stored.relative_to(ROOT)}: {problem}"


def _collect(site: Path) -> None:
    (site / "locale").mkdir(exist_ok=True)
    languages = [f"--locale={language}" for language in LANGUAGES]
    command = [sys.executable, "-m", "django", "makemessages", "--no-obsolete", *languages]
    subprocess.run(command, cwd=site, check=True, stdout=subprocess.DEVNULL)


def _problems(stored: Path, current: Path) -> Iterator[str]:
    if not stored.exists():
        yield "missing; run `make messages`, then translate"
        return
    wanted, kept = _read(current), _read(stored)
    for message in wanted:
        if message.id and (message.fuzzy or not _is_translated(message)):
            yield f"not translated: {message.id!r}"
    if _texts(kept) != _texts(wanted):
        yield "other texts than the sources have; run `make messages`"
    if not _is_compiled(stored, kept):
        yield "not compiled; run `make messages`"


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _is_translated(message: Message) -> bool:
    return all(_forms(message.string))


def _texts(catalog: Catalog) -> dict[object, tuple[str, ...]]:
    return {
        (message.context, _forms(message.id)): _forms(message.string)
        for message in catalog
        if message.id
    }


def _forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    # Singular and plural, or the only form; compiled files have lists where the others have tuples.
    return tuple(text) if isinstance(text, list | tuple) else (str(text or ""),)


def _is_compiled(stored: Path, kept: Catalog) -> bool:
    compiled = stored.with_suffix(".mo")
    if not compiled.exists():
        return False
    with compiled.open("rb") as file:
        return _texts(read_mo(file)) == _texts(kept)


if __name__ == "__main__":
    raise SystemExit(main())
