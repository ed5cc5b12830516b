"""Attempts: written down before a PSP is asked, moved by compare-and-set."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import IntegrityError, transaction

from payments_ui.core.attempts import transitions
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Unknown,
)
from payments_ui.core.attempts.reported import reported
from payments_ui.core.models import Attempt, JournalEntry, Payment
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    EvidenceError,
    PaymentGoneError,
)
from tests.core.support import (
    ADMINS,
    bare,
    charged,
    errors,
    journalled,
    money_of,
    pending,
    started,
    stored,
    together,
)

pytestmark = pytest.mark.django_db
State = Attempt.State
Verb = JournalEntry.Verb
DECLINED = Declined(code=DeclineCode.CARD_DECLINED, psp_reference="ch_1", evidence={"id": "ch_1"})


@pytest.fixture
def attempt(user: User) -> Attempt:
    """Return an open attempt of a payment of 5.00."""
    return started(pending(user, "5"), account="acct", live=True)


def test_it_is_written_down_with_what_will_be_asked(attempt: Attempt) -> None:
    assert (attempt.state, attempt.amount, attempt.currency) == (State.STARTED, 5, "CHF")
    assert attempt.is_open
    assert len(attempt.idempotency_key) == 32
    assert attempt.reference == attempt.pk.hex[:8].upper()
    assert str(attempt) == f"{attempt.reference} cards started"
    assert journalled(Verb.ATTEMPT_STARTED) == 1


def test_each_attempt_has_an_idempotency_key_of_its_own(attempt: Attempt) -> None:
    attempt.record(DECLINED)
    assert started(attempt.payment).idempotency_key != attempt.idempotency_key


def test_one_attempt_is_open_at_a_time(attempt: Attempt) -> None:
    with pytest.raises(AttemptOpenError):
        started(attempt.payment)
    assert Attempt.objects.count() == 1


def test_the_database_refuses_a_second_open_attempt(attempt: Attempt) -> None:
    facts = {"payment": attempt.payment, "amount": 5, "currency": "CHF"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(**facts, moocher="other", idempotency_key="x")


def test_the_database_refuses_a_second_settled_attempt(attempt: Attempt) -> None:
    attempt.record(money_of(attempt))
    facts = {"payment": attempt.payment, "amount": 5, "currency": "CHF", "state": State.SETTLED}
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(**facts, moocher="other", idempotency_key="x")


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_one_starts_an_attempt(user: User) -> None:
    payment = pending(user, "5")
    results = together(8, lambda number: started(payment, moocher=f"m{number}"))
    assert {type(error) for error in errors(results)} == {AttemptOpenError}
    assert len(errors(results)) == 7
    assert Attempt.objects.open().count() == 1


def test_nothing_is_asked_for_what_is_charged_or_gone(user: User) -> None:
    with pytest.raises(AlreadyChargedError):
        started(charged(user, "5"))
    payment = pending(user, "5")
    payment.cancel_pending()
    with pytest.raises(PaymentGoneError):
        started(payment)


def test_a_stale_copy_of_the_payment_does_not_ask_again(attempt: Attempt) -> None:
    stale = stored(attempt.payment)
    attempt.record(money_of(attempt))
    with pytest.raises(AlreadyChargedError):
        started(stale)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (ActionRequired(url="https://psp.example/3ds", psp_reference="r"), State.REQUIRES_ACTION),
        (Pending(psp_reference="r"), State.PROCESSING),
        (Unknown(reason="ReadTimeout"), State.UNKNOWN),
        (DECLINED, State.FAILED),
        (Cancelled(psp_reference="r"), State.CANCELLED),
    ],
)
def test_each_answer_has_its_state(attempt: Attempt, outcome: Outcome, state: str) -> None:
    now = attempt.record(outcome)
    assert now.state == state
    assert now.psp_reference == getattr(outcome, "psp_reference", None)
    assert (now.ended_at is None) == now.is_open
    entry = JournalEntry.objects.get(verb=Verb.ATTEMPT_CHANGED)
    assert entry.detail == {"from": "started", "to": str(state)}
    assert entry.actor == "moocher:cards"
    assert stored(attempt.payment).charged_at is None


def test_a_decline_tells_the_customer_why_and_keeps_the_facts(attempt: Attempt) -> None:
    failed = attempt.record(DECLINED)
    assert "declined" in failed.failure_message
    assert failed.evidence == {"id": "ch_1"}
    assert failed.received == 0
    odd = Declined(code="from_a_third_party")  # type: ignore[arg-type]
    other = started(attempt.payment).record(odd)
    assert other.failure_message == DeclineCode.GENERIC.label


@pytest.mark.parametrize("final", [DECLINED, Cancelled(), None])
@pytest.mark.parametrize(
    "late", [Pending(), Unknown(reason="late"), ActionRequired(url="/x"), DECLINED, Cancelled()]
)
def test_a_late_weaker_answer_never_undoes_a_definite_one(
    attempt: Attempt, final: Outcome | None, late: Outcome
) -> None:
    ended = attempt.record(final or money_of(attempt))
    again = attempt.record(late)
    assert (again.state, again.updated_at) == (ended.state, ended.updated_at)
    assert (stored(attempt.payment).charged_at is None) == (final is not None)


def test_an_accepted_attempt_does_not_fall_back_to_waiting_for_the_customer(
    attempt: Attempt,
) -> None:
    attempt.record(Pending())
    assert attempt.record(ActionRequired(url="/x")).state == State.PROCESSING


def test_a_success_wins_whenever_it_arrives(user: User) -> None:
    answers: list[Outcome | None] = [None, DECLINED, Pending(), Unknown()]
    for number, order in enumerate(permutations(answers)):
        # Of accounts of their own, since the PSP's reference is the same.
        attempt = started(pending(user, "5"), account=f"account-{number}")
        for answer in order:
            attempt.record(answer or money_of(attempt))
        assert attempt.record(Pending()).state == State.SETTLED
        assert stored(attempt.payment).state == Payment.State.CHARGED


def test_unknown_is_told_to_the_admins_once(
    attempt: Attempt, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    with django_capture_on_commit_callbacks(execute=True):
        attempt.record(Unknown(reason="ReadTimeout"))
        attempt.record(Unknown(reason="ReadTimeout"))
    assert len(mail.outbox) == 1
    assert attempt.reference in mail.outbox[0].body
    assert "ReadTimeout" in mail.outbox[0].body


def test_the_same_answer_again_is_not_journalled_but_a_new_address_is(attempt: Attempt) -> None:
    for url in ("/a", "/a", "/b"):
        attempt.record(ActionRequired(url=url))
    assert journalled(Verb.ATTEMPT_CHANGED) == 2
    assert attempt.record(Pending()).action_url == "/b"


def test_who_and_why_can_be_a_person(attempt: Attempt) -> None:
    never = Declined(code=DeclineCode.NEVER_HAPPENED)
    attempt.record(never, by="user:7", reason="asked the PSP by phone")
    entry = JournalEntry.objects.get(verb=Verb.ATTEMPT_CHANGED)
    assert (entry.actor, entry.reason) == ("user:7", "asked the PSP by phone")


def test_what_is_no_outcome_changes_nothing(attempt: Attempt) -> None:
    with pytest.raises(TypeError):
        attempt.record({"paid": True})  # type: ignore[arg-type]
    assert Attempt.objects.get().state == State.STARTED


def test_a_reference_that_another_attempt_has_loses_no_answer(attempt: Attempt) -> None:
    attempt.record(DECLINED)
    again = started(attempt.payment, account="acct").record(DECLINED)
    assert (again.state, again.psp_reference) == (State.FAILED, None)


def test_a_reference_stored_by_somebody_else_this_moment_loses_no_answer(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt.record(DECLINED)
    looks = iter([None])
    monkeypatch.setattr(
        transitions, "reported", lambda payment, pk, name: reported(payment, pk, next(looks, name))
    )
    again = started(attempt.payment, account="acct").record(DECLINED)
    assert (again.state, again.psp_reference) == (State.FAILED, None)


@pytest.mark.parametrize(
    ("evidence", "kept"),
    [
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, {"at": "2026-01-02 00:00:00+00:00"}),
        ({"fee": Decimal("0.30"), 7: None}, {"fee": "0.30", "7": None}),
        ({"a": [1, {"b": (True, 1.5)}]}, {"a": [1, {"b": [True, 1.5]}]}),
        ({"nan": float("nan"), "nul": "a\x00b"}, {"nan": "nan", "nul": "ab"}),
        ({"set": {"b", "a"}, "object": State}, {"set": ["a", "b"], "object": str(State)}),
    ],
)
def test_money_is_booked_whatever_the_evidence_is_made_of(
    attempt: Attempt, evidence: dict[Any, Any], kept: dict[str, Any]
) -> None:
    settled = attempt.record(money_of(attempt, evidence=evidence))
    assert (settled.state, settled.evidence) == (State.SETTLED, kept)


def test_endless_evidence_is_cut_and_booked(attempt: Attempt) -> None:
    evidence: dict[str, Any] = {}
    evidence["self"] = evidence
    assert attempt.record(money_of(attempt, evidence=evidence)).state == State.SETTLED


def test_attempts_are_evidence(attempt: Attempt, user: User) -> None:
    payment, attempt.state = attempt.payment, State.FAILED
    writes: list[Any] = [
        attempt.save,
        attempt.delete,
        Attempt.objects.all().delete,
        lambda: Attempt.objects.update(state=State.SETTLED),
        lambda: Attempt.objects.bulk_update([attempt], ["state"]),
        lambda: Attempt.objects.bulk_create([attempt], update_conflicts=True),
        lambda: pending(user, "7").attempts.add(attempt),
    ]
    for write in writes:
        with pytest.raises(EvidenceError), transaction.atomic():
            write()
    kept = Attempt.objects.get()
    assert (kept.state, kept.payment) == (State.STARTED, payment)
    with pytest.raises(IntegrityError), transaction.atomic():
        bare(Attempt).update(state="paid")


def test_a_reference_that_comes_later_is_kept_and_is_no_event(attempt: Attempt) -> None:
    attempt.record(Pending())
    entries = JournalEntry.objects.count()
    assert attempt.record(Pending(psp_reference="ch_9")).psp_reference == "ch_9"
    assert JournalEntry.objects.count() == entries
