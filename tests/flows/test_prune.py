"""What nights leave behind is deleted in time; the books stay."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import clock
from payments_ui.core.mails.states import MailKind, MailState
from payments_ui.core.models import (
    Attempt,
    JournalEntry,
    Mail,
    Payment,
    Run,
    RunBatch,
    RunClaim,
)
from payments_ui.flows import prune as pruning
from payments_ui.flows.prune import PruneResult, prune
from tests.core.runs.support import first, running
from tests.core.support import bare, charged

pytestmark = pytest.mark.django_db
YEARS = dt.timedelta(days=401)


def run_of(*users: User, **changes: Any) -> Run:
    """Return a run with a batch, and a claim of each user."""
    run = running({"payers": len(users)})
    for user in users:
        RunClaim.objects.create(
            run=run, batch=first(run), user=user, currency="CHF", payment=charged(user, "5").pk
        )
    Run.objects.filter(pk=run.pk).update(**{"state": "done", "ended_at": timezone.now(), **changes})
    return run


def mailed(user: User, about: str) -> Mail:
    mail = Mail.objects.claim(MailKind.RECEIPT, about, user)
    assert mail is not None
    mail.record(MailState.SENT)
    return mail


def command(*args: str) -> str:
    out = StringIO()
    call_command("prune_history", *args, stdout=out)
    return out.getvalue().strip()


def test_runs_and_mails_go_after_a_year_and_the_books_stay(user: User) -> None:
    run_of(user)
    mailed(user, "1")
    with clock.moved(YEARS):
        would = prune(dry_run=True)
        assert Run.objects.exists()
        assert prune() == would == PruneResult(runs=1, batches=1, claims=1, mails=1)
        assert prune() == PruneResult()
    for gone in (Run, RunBatch, RunClaim, Mail):
        assert not gone._base_manager.exists()
    assert Payment.objects.charged().count() == Attempt.objects.count() == 1
    assert JournalEntry.objects.filter(verb=JournalEntry.Verb.MAIL_SENT).exists()


def test_what_is_young_or_not_at_its_end_stays(user: User) -> None:
    run_of(user)
    mailed(user, "1")
    with clock.moved(dt.timedelta(days=399)):
        assert prune() == PruneResult()
    Run.objects.update(state="stopped", ended_at=None)
    with clock.moved(YEARS):
        assert prune() == PruneResult(mails=1)
    assert RunClaim.objects.count() == 1


def test_a_site_says_how_long(user: User, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"KEEP_DAYS": 90}
    run_of(user)
    with clock.moved(dt.timedelta(days=91)):
        assert prune().runs == 1


def test_many_rows_are_deleted_some_at_a_time(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_AT_A_TIME", 2)
    run = run_of(user)
    for currency in ("EUR", "USD", "GBP", "SEK"):
        RunClaim.objects.create(
            run=run, batch=first(run), user=user, currency=currency, payment=run.pk
        )
    with clock.moved(YEARS):
        assert prune().claims == 5


def test_a_mail_that_a_killed_process_was_sending_is_not_known(user: User) -> None:
    Mail.objects.claim(MailKind.RECEIPT, "1", user)
    assert prune() == PruneResult()
    bare(Mail).update(claimed_at=timezone.now() - dt.timedelta(hours=2))
    assert prune(dry_run=True).unknown_mails == 1
    assert Mail.objects.get().state == MailState.CLAIMED
    assert command() == (
        "0 runs, 0 batches, 0 claims, 0 mails deleted. "
        "Of 1 mails it is not known whether they were sent."
    )
    assert Mail.objects.get().state == MailState.UNKNOWN


def test_what_was_never_sent_is_found_by_an_index(user: User) -> None:
    """Of a year's mails, a command looks at those few alone."""
    unsent = Mail.objects.filter(sent_at=None, state=MailState.CLAIMED)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of no rows it would read the table.
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = unsent.filter(claimed_at__lt=timezone.now()).order_by().explain()
    assert "payments_mail_not_sent" in plan


def test_the_command_says_what_it_did_and_would_do(user: User) -> None:
    run_of(user)
    with clock.moved(YEARS):
        said = "1 runs, 1 batches, 1 claims, 0 mails"
        assert command("--dry-run") == f"{said} would be deleted."
        assert json.loads(command("--dry-run", "--json"))["claims"] == 1
        assert command() == f"{said} deleted."


def test_an_error_is_counted_and_stops_nothing_else(user: User) -> None:
    mailed(user, "1")
    with (
        clock.moved(YEARS),
        mock.patch.object(pruning, "_delete", side_effect=RuntimeError("odd")),
        pytest.raises(CommandError, match="3 failed") as raised,
    ):
        command()
    assert raised.value.returncode == 2
    assert not Mail.objects.exists()
