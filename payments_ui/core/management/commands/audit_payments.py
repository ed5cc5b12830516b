"""Reports what is wrong in the books."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from payments_ui.core import psp_port
from payments_ui.core.audit import PSP_RULES, RULES, Finding, audit

#: Exit codes, besides 0 for books that are right.
WRONG, COULD_NOT_LOOK = 1, 2
_IN_BOOKS = [rule.name for rule in RULES]
_NAMES = [*_IN_BOOKS, *(rule.name for rule in PSP_RULES)]
# As wide as what is in the columns, which are printed as they are found.
_WIDTHS = (max(map(len, _NAMES)), 12, 36)


class Command(BaseCommand):
    help = (
        "Print everything in the books that breaks one of their rules. Changes nothing. The "
        "exit code is 0 where the books are right, 1 where they are wrong, and 2 where the "
        "database or a PSP could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="RULE",
            choices=_NAMES,
            help="Look for this rule only; may be given several times.",
        )
        parser.add_argument("--list", action="store_true", help="List the rules, and stop.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object per line.")
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections), help="Its alias."
        )
        parser.add_argument(
            "--psp",
            metavar="IDENTIFIER",
            help="Also compare with what this moocher's PSP charged, or 'all' that list theirs.",
        )

    def handle(
        self,
        *,
        only: list[str],
        list: bool,
        json: bool,
        database: str,
        psp: str | None,
        **options: Any,
    ) -> None:
        if list:
            for rule in (*RULES, *PSP_RULES):
                self.stdout.write(f"{rule.name.ljust(_WIDTHS[0])}  {rule.promise}")
            return
        if only and not psp and not set(only) & set(_IN_BOOKS):
            raise CommandError("These rules need --psp.", returncode=COULD_NOT_LOOK)
        started = time.monotonic()
        counts: Counter[str] = Counter()
        for finding in _findings(set(only) or set(_NAMES), database, psp):
            counts[finding.rule] += 1
            self.stdout.write(_as_json(finding) if json else _as_row(finding))
        rules = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        found = f"{counts.total()} findings ({rules})" if counts else "no findings"
        seconds = time.monotonic() - started
        self.stderr.write(f"audit_payments: {found} in {seconds:.2f} s", self.style.NOTICE)
        if counts:
            sys.exit(WRONG)


def _findings(names: set[str], database: str, psp: str | None) -> Iterator[Finding]:
    if in_books := [name for name in _IN_BOOKS if name in names]:
        yield from _read("the books", lambda: audit(using=database, only=in_books))
    if psp:
        compared = _read("the PSP", lambda: psp_port.psps().compare_ledger(psp, database))
        yield from (finding for finding in compared if finding.rule in names)


def _read(what: str, read: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from read()
    except Exception as error:
        # Whatever a database or a PSP's library raises: what is unknown is not right.
        text = f"Could not read {what}: {type(error).__name__}: {error}"
        raise CommandError(text, returncode=COULD_NOT_LOOK) from error


def _as_json(finding: Finding) -> str:
    return json.dumps(asdict(finding))


def _as_row(finding: Finding) -> str:
    *cells, detail = asdict(finding).values()
    aligned = (cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
    return "  ".join([*aligned, detail])
