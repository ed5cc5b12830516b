"""Collect the texts to translate, or check that all are: in all languages, not fuzzy, compiled.

    translations.py --write    collect anew, keep what is translated, compile (`make messages`)
    translations.py            collect into a copy, and compare that with what is stored

Needs GNU gettext. Collecting writes files beside the templates, so it always works on a copy.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po, write_po
from django.core.management import call_command
from django.core.management.commands import compilemessages, makemessages

ROOT = Path(__file__).resolve().parent.parent
#: Each with the folders that have catalogs. The core has its own: it is installed alone, too.
SITES = {"payments_ui": (".", "core"), "example_project": (".",)}
LANGUAGES = ("de", "fr", "it")
#: Made from German: what Swiss people write otherwise, and nothing else. Django reads the rest in
#: the catalog of `de`. The longer of two words stands first.
SWISS = "de_CH"
SWISS_FORMS = {
    "exakter Gesamtbetrag": "exaktes Total",
    "Gesamtbetrag": "Total",
    "Bankarbeitstag": "Bankwerktag",
    "ß": "ss",
    "„": "«",
    "“": "»",
}
#: Written outside of the core, and read where nothing but the core is installed.
OF_THE_CORE = ("exceptions.py", "importing")


class Collect(makemessages.Command):
    """As Django's; what the core shares with the rest is in the core's catalog only."""

    def find_files(self, root: str) -> list[Any]:
        """Every file with texts, each with the catalog it belongs to."""
        files: list[Any] = super().find_files(root)
        for file in files:
            if Path(file.path).parts[0] in OF_THE_CORE:
                file.locale_dir = str(Path("core", "locale").resolve())
        return files


def main() -> int:
    """Do what is asked for; 1 where something is not translated."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="store what was collected")
    work = _write if parser.parse_args().write else _problems
    problems = [problem for site in SITES for problem in _with_fresh(site, work)]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return bool(problems)


def _with_fresh(site: str, work: Any) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / site
        shutil.copytree(ROOT / site, fresh, ignore=shutil.ignore_patterns("vendor", "var"))
        for folder in SITES[site]:
            (fresh / folder / "locale").mkdir(exist_ok=True)
        _collect(fresh)
        return [
            f"{stored.relative_to(ROOT)}: {problem}"
            for stored, current in _catalogs(site, fresh)
            for problem in work(stored, current)
        ]


def _catalogs(site: str, fresh: Path) -> Iterator[tuple[Path, Path]]:
    for folder in SITES[site]:
        for language in (*LANGUAGES, SWISS):
            path = Path(folder, "locale", language, "LC_MESSAGES", "django.po")
            yield ROOT / site / path, fresh / path


def _collect(site: Path) -> None:
    options = {"no_obsolete": True, "add_location": "file", "verbosity": 0}
    with contextlib.chdir(site):
        call_command(Collect(), locale=list(LANGUAGES), **options)
        for path in site.rglob("*.po"):
            # Changes whenever somebody collects, and tells nobody anything.
            text = path.read_text("utf-8")
            path.write_text(re.sub(r'"POT-Creation-Date: .*\n', "", text), "utf-8")
        for path in site.rglob("de/LC_MESSAGES/django.po"):
            _write_swiss(path, path.parents[2] / SWISS / "LC_MESSAGES" / "django.po")
        call_command(compilemessages.Command(), locale=[*LANGUAGES, SWISS], verbosity=0)


def _write_swiss(german: Path, swiss: Path) -> None:
    made = Catalog(
        locale=SWISS,
        project="django-payments-ui",
        version=" ",
        last_translator="the django-payments-ui authors",
        language_team=SWISS,
        msgid_bugs_address=" ",
        fuzzy=False,
    )
    made.header_comment = (
        "# Made by scripts/translations.py from the German catalog: edit that one."
    )
    for message in _read(german):
        forms = tuple(swiss_form(text) for text in _forms(message.string))
        if message.id and forms != _forms(message.string):
            string = forms if isinstance(message.id, list | tuple) else forms[0]
            made.add(message.id, string, flags=message.flags, context=message.context)
    swiss.parent.mkdir(parents=True, exist_ok=True)
    with swiss.open("wb") as file:
        write_po(file, made, width=78)
    # Change whenever somebody collects, and tell nobody anything.
    dated = r'"(POT-Creation-Date|PO-Revision-Date|Generated-By): .*\n'
    swiss.write_text(re.sub(dated, "", swiss.read_text("utf-8")), "utf-8")


def swiss_form(text: str) -> str:
    """The German text as Swiss people write it."""
    for german, swiss in SWISS_FORMS.items():
        text = text.replace(german, swiss)
    return text


def _write(stored: Path, current: Path) -> Iterator[str]:
    stored.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".po", ".mo"):
        shutil.copyfile(current.with_suffix(suffix), stored.with_suffix(suffix))
    return _untranslated(_read(stored))


def _problems(stored: Path, current: Path) -> Iterator[str]:
    if not stored.exists():
        yield "missing; run `make messages`, then translate"
        return
    wanted, kept = _read(current), _read(stored)
    yield from _untranslated(wanted)
    if _texts(kept) != _texts(wanted):
        yield "other texts than the sources have; run `make messages`"
    if not _is_compiled(stored, kept):
        yield "not compiled; run `make messages`"


def _untranslated(catalog: Catalog) -> Iterator[str]:
    for message in catalog:
        if message.id and (message.fuzzy or not _is_translated(message)):
            yield f"not translated: {message.id!r}"


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _is_translated(message: Message) -> bool:
    return all(_forms(message.string))


def _texts(catalog: Catalog) -> dict[object, tuple[str, ...]]:
    return {
        (_context(message), _forms(message.id)): _forms(message.string)
        for message in catalog
        if message.id
    }


def _context(message: Message) -> str:
    # Babel leaves those of compiled files as bytes.
    context: object = message.context or ""
    return context.decode() if isinstance(context, bytes) else str(context)


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
