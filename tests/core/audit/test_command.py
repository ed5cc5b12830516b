"""`manage.py audit_payments`: what it prints, and what it answers to a cron job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from payments_ui.core import psp_port
from payments_ui.core.audit import PSP_RULES, RULES, Finding, psp
from payments_ui.core.models import LineItem, Payment
from tests.core.audit.support import unprotected
from tests.core.support import bare, pending, record

pytestmark = pytest.mark.django_db


class Answer(NamedTuple):
    """What the command printed, and its exit code."""

    out: list[str]
    err: str
    code: int


def run(*arguments: str) -> Answer:
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("audit_payments", *arguments, stdout=out, stderr=err, no_color=True)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except CommandError as error:
        err.write(str(error))
        code = error.returncode
    return Answer(out.getvalue().splitlines(), err.getvalue(), code)


@pytest.fixture
def wrong(user: User) -> Iterator[Payment]:
    """Return a payment that is not sealed, beside a line item in no currency."""
    payment = pending(user, "3")
    (item,) = record(user, "4")
    with unprotected():
        bare(Payment).filter(pk=payment.pk).update(sealed_at=None)
        bare(LineItem).filter(pk=item.pk).update(currency="ZZZ")
        yield payment


def test_right_books_answer_zero_and_print_nothing(user: User) -> None:
    pending(user, "3")
    out, err, code = run()
    assert (out, code) == ([], 0)
    assert err.startswith("audit_payments: no findings in 0.")


def test_wrong_books_answer_one_and_print_an_aligned_table(wrong: Payment) -> None:
    out, err, code = run()
    item = LineItem.objects.get(currency="ZZZ")
    assert [line.split() for line in out] == [
        ["payment_sealed", "payment", str(wrong.pk), "amount=3", "currency=CHF"],
        ["lineitem_currency", "lineitem", str(item.pk), "currency=ZZZ", "items=1"],
    ]
    assert out[0].index("amount=") == out[1].index("currency=")
    assert err.startswith("audit_payments: 2 findings (lineitem_currency 1, payment_sealed 1) in ")
    assert code == 1


def test_findings_are_json_lines_where_a_program_reads_them(wrong: Payment) -> None:
    out, _err, code = run("--json")
    assert json.loads(out[0]) == {
        "rule": "payment_sealed",
        "kind": "payment",
        "id": str(wrong.pk),
        "detail": "amount=3 currency=CHF",
    }
    assert (len(out), code) == (2, 1)


def test_only_the_named_rules_are_looked_at(wrong: Payment) -> None:
    assert run("--only", "payment_items").code == 0
    out, _err, code = run("--only", "payment_items", "--only", "lineitem_currency")
    assert (len(out), code) == (1, 1)


def test_every_rule_is_listed_with_its_promise() -> None:
    out, _err, code = run("--list")
    rules = [*RULES, *PSP_RULES]
    assert [line.split(None, 1) for line in out] == [[rule.name, rule.promise] for rule in rules]
    assert code == 0


def test_an_unknown_rule_or_database_is_refused() -> None:
    for arguments in (["--only", "nothing"], ["--database", "nowhere"]):
        assert "invalid choice" in run(*arguments).err


def test_books_that_cannot_be_read_answer_two() -> None:
    def gone(*call: Any) -> None:
        raise OperationalError("server has gone away")

    with connection.execute_wrapper(gone):
        answer = run()
    text = "Could not read the books: OperationalError: server has gone away"
    assert (answer.err, answer.code) == (text, 2)


def test_a_psp_that_books_otherwise_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(identifier: str, using: str) -> Iterator[Finding]:
        yield Finding("psp_booked", "charge", "ch_1", f"{identifier} {using}")

    monkeypatch.setattr(psp_port.psps(), "compare_ledger", compare)
    out, _err, code = run("--psp", "cards")
    assert [line.split() for line in out] == [["psp_booked", "charge", "ch_1", "cards", "default"]]
    assert code == 1
    assert run("--psp", "cards", "--only", "psp_once").code == 0


def test_a_psp_that_does_not_answer_is_no_finding_and_not_right_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compare(identifier: str, using: str) -> Iterator[Finding]:
        raise TimeoutError("no answer")

    monkeypatch.setattr(psp_port.psps(), "compare_ledger", compare)
    _out, err, code = run("--psp", "all")
    assert (err, code) == ("Could not read the PSP: TimeoutError: no answer", 2)


def test_without_the_interface_nobody_knows_a_psp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psp_port, "_registered", psp_port.NoPSPs())
    assert run().code == 0
    assert run("--psp", "all").code == 2


def test_rules_about_a_psp_without_a_psp_are_not_looked_at_and_not_right() -> None:
    with pytest.raises(CommandError) as error:
        call_command("audit_payments", only=[psp.BOOKED.name])
    assert error.value.returncode == 2
