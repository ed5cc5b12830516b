"""One style of amounts wherever people read them: ``money.format_amount`` writes each of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import payments_ui

PACKAGE = Path(payments_ui.__file__).parent
#: What a machine reads, or keeps as a payment service said it; and the two that write amounts.
OTHERS = {
    "money.py",
    "core/attempts/arrivals.py",  # a digest
    "core/attempts/outcomes.py",  # evidence
    "core/refunds/transitions.py",  # evidence
    "core/runs/model.py",  # a payment's id behind its currency
    "flows/compare_ledgers.py",  # lines that are compared
    "testing/psp/amounts.py",  # another company's pages, by a table of its own
}
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts]
TEMPLATES = sorted(PACKAGE.rglob("*.html"))


def kind(part: ast.expr) -> str:
    """Return what a part of an f-string writes: a currency, another value, or what it says."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    code = ast.unparse(part.value)
    # What the function wrote has its currency already; what is quoted is no amount.
    if part.conversion != -1 or "format_" in code:
        return "…"
    return "<currency>" if code.lower().endswith("currency") else "<value>"


def beside_a_currency(source: str) -> Iterator[str]:
    """F-strings and ``%`` texts in which a currency stands right beside another value."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            shown = "".join(map(kind, node.values))
            if re.search("<value>[ \u00a0]?<currency>|<currency>[ \u00a0]?<value>", shown):
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = r"%\((?:\w*amount|total)\)s[ \u00a0]%\(\w*currency\)s"
            if re.search(rf"{named}|%\(\w*currency\)s[ \u00a0]%\(", node.value):
                yield node.value


@pytest.mark.parametrize(
    "source",
    [
        'f"{item.amount} {item.currency} arrived"',
        'f"{currency} {money.padded(amount, currency)}"',
        'f"{left:f}{attempt.currency}"',
        '_("%(amount)s %(currency)s arrived")',
    ],
)
def test_the_test_sees_an_amount_of_another_style(source: str) -> None:
    assert len(list(beside_a_currency(source))) == 1


def test_no_code_writes_amounts_by_itself() -> None:
    found = {
        name: written
        for path in SOURCES
        if (name := path.relative_to(PACKAGE).as_posix()) not in OTHERS
        and (written := list(beside_a_currency(path.read_text("utf-8"))))
    }
    assert found == {}


def test_no_template_writes_amounts_by_itself() -> None:
    by_itself = re.compile(r"\{\{[^}]*\}\}\s*\{\{[^}]*currency[^}]*\}\}|currency\s*\}\}\s*\{\{")
    found = [path.name for path in TEMPLATES if by_itself.search(path.read_text("utf-8"))]
    assert found == []
    filtered = re.compile(r"(amount|total|missing|received)\|(floatformat|localize|intcomma)")
    assert [path.name for path in TEMPLATES if filtered.search(path.read_text("utf-8"))] == []
