"""Dropping the person and keeping the books."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser, User
from django.core.management import CommandError, call_command
from django.db import models
from django.db.models.deletion import ProtectedError
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, Refund
from payments_ui.core.privacy import anonymize
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.exceptions import AttemptOpenError, RefundOpenError
from tests.conftest import UserFactory
from tests.core.support import bare, money_of, pending, record, started, stored

pytestmark = pytest.mark.django_db
EVIDENCE = {
    "id": "ch_1",
    "billing_details": {"name": "Ada Lovelace", "email": "ada@example.com"},
    "card": {"brand": "visa", "last4": "4242"},
    "lines": ["Bill for ada@example.com", 5, None],
    "description": "Thanks, ADA-L",
}


@pytest.fixture
def ada(make_user: UserFactory) -> User:
    """Return somebody with a past."""
    user = make_user(
        username="ada-l",
        email="ada@example.com",
        first_name="Ada",
        last_name="Lovelace",
        password="secret",
        is_staff=True,
    )
    payment = pending(user, "5", "1")
    attempt = started(payment)
    attempt.record(money_of(attempt, psp_reference="ch_1", evidence=EVIDENCE))
    refund = stored(payment).refund("2", reason="broken")
    given: dict[str, Any] = {
        "psp_reference": "re_1",
        "amount": refund.amount,
        "currency": refund.currency,
    }
    refund.record(Succeeded(**given, evidence=EVIDENCE))
    bare(Payment).update(transaction="ch_1 paid by Ada Lovelace <a.l@example.org>")
    record(user, "7")
    return user


def everything() -> str:
    """Return all text of all tables that hold what is about users."""
    found: list[Any] = []
    for model in (User, Payment, LineItem, Attempt, Refund, JournalEntry):
        found += model._base_manager.values()
    return json.dumps(found, default=str).lower()


def test_the_person_is_gone_and_the_books_are_kept(ada: User) -> None:
    anonymize_user(ada, by="user:1", reason="asked for it")
    text = everything()
    for personal in ("ada", "lovelace", "example.com", "example.org", "use 0"):
        # As a word: random ids may have any three letters in them.
        assert re.search(rf"\b{personal}\b", text) is None
    payment = Payment.objects.get()
    assert (payment.amount, payment.state, payment.email) == (6, Payment.State.CHARGED, "")
    assert payment.transaction.startswith("ch_1 paid by")
    assert [item.amount for item in ada.user_lineitems.order_by("pk")] == [5, 1, 7]
    assert JournalEntry.objects.filter(payment_id=payment.pk).count() == 5


def test_the_user_cannot_sign_in_any_more(ada: User) -> None:
    anonymize_user(ada)
    ada.refresh_from_db()
    assert not ada.has_usable_password()
    assert (ada.is_active, ada.is_staff, ada.first_name) == (False, False, "")
    assert authenticate(username="ada-l", password="secret") is None
    assert ada.username.startswith("anonymized-")


def test_what_is_not_personal_stays_as_evidence(ada: User) -> None:
    anonymize_user(ada)
    assert Attempt.objects.get().evidence == {
        "id": "ch_1",
        "billing_details": {"name": "anonymized", "email": "anonymized"},
        "card": {"brand": "visa", "last4": "4242"},
        "lines": ["Bill for anonymized", 5, None],
        "description": "Thanks, anonymized",
    }


def test_so_does_what_banks_said_of_disputes(ada: User) -> None:
    attempt = Attempt.objects.get()
    report = DisputeReport(
        psp_reference="dp_1",
        charge_reference="ch_1",
        state=DisputeState.LOST,
        amount=attempt.amount,
        currency="CHF",
        reason="Ada Lovelace says so",
        opened_at=timezone.now(),
        evidence={"name": "Ada Lovelace", "code": "10.4"},
    )
    dispute = attempt.record_dispute(report)
    anonymize_user(ada)
    dispute.refresh_from_db()
    assert dispute.evidence == {"name": "anonymized", "code": "10.4"}
    assert "Lovelace" not in dispute.reason


def test_it_is_journalled_without_a_name(ada: User) -> None:
    anonymize_user(ada, by="user:1", reason="asked for it")
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.USER_ANONYMIZED)
    assert (entry.user, entry.actor, entry.reason) == (ada, "user:1", "asked for it")


def test_it_can_be_done_twice_and_for_two(ada: User, make_user: UserFactory) -> None:
    other = make_user()
    for user in (ada, ada, other):
        anonymize_user(user)
    assert len({user.username for user in User.objects.all()}) == 2


def test_titles_can_be_kept(ada: User) -> None:
    anonymize_user(ada, keep_titles=True)
    assert set(LineItem.objects.values_list("title", flat=True)) == {"Use 0", "Use 1"}


def test_it_is_refused_while_an_attempt_is_open(ada: User) -> None:
    payment = pending(ada)
    started(payment)
    before = everything()
    with pytest.raises(AttemptOpenError):
        anonymize_user(ada)
    assert everything() == before
    assert stored(payment).state == Payment.State.PROCESSING


def test_it_is_refused_while_a_refund_is_open(ada: User) -> None:
    Payment.objects.get().refund(reason="broken")
    with pytest.raises(RefundOpenError):
        anonymize_user(ada)
    assert User.objects.get(pk=ada.pk).is_active


class Member(AbstractBaseUser):
    """A site's own user: an e-mail and no names."""

    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        app_label = "tests"
        managed = False

    def __str__(self) -> str:
        return self.email


def test_a_sites_own_user_model_is_blanked_as_far_as_it_has_the_fields() -> None:
    values = anonymize._blank_values(Member(pk=1, email="ada@example.com"))
    assert set(values) == {"email", "password", "last_login"}
    assert values["email"].endswith("@anonymized.invalid")


# The command


@pytest.mark.parametrize("name", ["ada-l", None])
def test_the_command_takes_a_name_or_a_primary_key(
    ada: User, name: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("anonymize_user", name or str(ada.pk), "--yes", "--reason", "left")
    assert f"User {ada.pk} was anonymized" in capsys.readouterr().out
    assert JournalEntry.objects.filter(actor="command:anonymize_user", reason="left").exists()
    assert not User.objects.filter(username="ada-l").exists()


@pytest.mark.parametrize(("answer", "gone"), [("yes", True), ("Yes ", True), ("n", False)])
def test_the_command_asks_first(
    ada: User, answer: str, gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda question: answer)
    if gone:
        call_command("anonymize_user", "ada-l")
    else:
        with pytest.raises(CommandError):
            call_command("anonymize_user", "ada-l")
    assert User.objects.filter(username="ada-l").exists() != gone


@pytest.mark.parametrize("name", ["nobody", "0"])
def test_the_command_says_who_it_does_not_know(ada: User, name: str) -> None:
    with pytest.raises(CommandError, match=name):
        call_command("anonymize_user", name, "--yes")


def test_the_command_says_why_it_refuses(ada: User) -> None:
    started(pending(ada))
    with pytest.raises(CommandError, match="The user was not changed"):
        call_command("anonymize_user", "ada-l", "--yes", "--keep-titles")


@pytest.mark.parametrize("is_committed", [True, False])
def test_who_cancelled_is_anonymized_and_not_deleted_in_one_transaction_or_later(
    user: User, django_capture_on_commit_callbacks: Any, *, is_committed: bool
) -> None:
    payment = pending(user, "5")
    with django_capture_on_commit_callbacks(execute=is_committed):
        payment.cancel_pending()
    assert Payment.all_objects.exists() != is_committed
    user.user_lineitems.unbound().delete()
    # The journal names whose items these were, whether the payment has a row still or not.
    with pytest.raises(ProtectedError) as refused:
        user.delete()
    assert any(isinstance(each, JournalEntry) for each in refused.value.protected_objects)
    anonymize_user(user, by="user:1")
    assert not User.objects.get(pk=user.pk).is_active
