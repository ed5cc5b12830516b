"""Looks for what is wrong in the books."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from payments_ui.core import psp_port
from payments_ui.core.audit import RULES, Finding, audit, psps

#: Exit codes, besides 0 for books that are right.
WRONG, COULD_NOT_LOOK = 1, 2
_BOOKS = [rule.name for rule in RULES]
_NAMES = [*_BOOKS, *(rule.name for rule in psps.RULES)]
# As wide as what is in the columns, which are printed as they are found.
_WIDTHS = (max(map(len, _NAMES)), 12, 36)


class Command(BaseCommand):
    help = (
        "Look for everything in the books that is not as promised, and print it. Changes "
        "nothing. The exit code is 0 where the books are right, 1 where they are not, and 2 "
        "where it could not look."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="RULE",
            choices=_NAMES,
            help="Look at this rule only; may be given several times.",
        )
        parser.add_argument("--list", action="store_true", help="List the rules, and look at none.")
        parser.add_argument("--json", action="store_true", help="One JSON object per line.")
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections), help="Its alias."
        )
        parser.add_argument(
            "--psp",
            metavar="IDENTIFIER",
            help="Also compare with the books of this moocher's PSP, or of 'all' that list theirs.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        if options["only"] and not options["psp"] and not set(options["only"]) & set(_BOOKS):
            raise CommandError("These rules need --psp.", returncode=COULD_NOT_LOOK)
        started = time.monotonic()
        counts: Counter[str] = Counter()
        for finding in _findings(options):
            counts[finding.rule] += 1
            self._print(finding, as_json=options["json"])
        self.stderr.write(_summary(counts, time.monotonic() - started), self.style.NOTICE)
        if counts:
            sys.exit(WRONG)

    def _list(self) -> None:
        for rule in (*RULES, *psps.RULES):
            self.stdout.write(f"{rule.name.ljust(_WIDTHS[0])}  {rule.promise}")

    def _print(self, finding: Finding, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(finding)))
            return
        *cells, detail = asdict(finding).values()
        aligned = (cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
        self.stdout.write("  ".join([*aligned, detail]))


def _findings(options: dict[str, Any]) -> Iterator[Finding]:
    only = set(options["only"])
    if names := [name for name in _BOOKS if not only or name in only]:
        look = partial(audit, using=options["database"], only=names)
        yield from _could_look("read the books", look)
    if options["psp"]:
        look = partial(psp_port.psps().compare_ledger, options["psp"], options["database"])
        differences = _could_look("compare with the PSP", look)
        yield from (finding for finding in differences if not only or finding.rule in only)


def _could_look(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as error:
        # Whatever a database or a PSP's library raises: that it is not known is no "all right".
        text = f"Could not {what}: {type(error).__name__}: {error}"
        raise CommandError(text, returncode=COULD_NOT_LOOK) from error


def _summary(counts: Counter[str], seconds: float) -> str:
    rules = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    found = f"{counts.total()} findings ({rules})" if counts else "no findings"
    return f"audit_payments: {found} in {seconds:.2f} s"
