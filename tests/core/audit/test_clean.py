"""Whatever the kit's own verbs do, the auditor finds nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core import psp_port
from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined, Unknown
from payments_ui.core.audit import RULES, audit
from payments_ui.core.models import LineItem, Payment, Refund, SuspenseItem
from tests.conftest import UserFactory
from tests.core.support import charged, money_of, pending, record, started

pytestmark = pytest.mark.django_db


def test_empty_books_are_clean() -> None:
    assert list(audit()) == []


def test_every_end_of_a_payment_is_clean(make_user: UserFactory) -> None:
    owner = make_user()
    charged(owner, "10.00", "0.00405")
    pending(owner, "0.0051", "3")
    record(owner, "0.00000001", "-5")
    failed = started(pending(make_user(), "1.10"))
    failed.record(Declined(code=DeclineCode.CARD_DECLINED))
    failed.payment.cancel_pending()
    pending(make_user(), "7").cancel_pending()
    open_ = started(pending(make_user(), "8"))
    open_.record(Unknown())
    started(pending(make_user(), "9")).record(Cancelled())
    charged(make_user(), "11").undo(force=True, reason="wrong person")
    assert list(audit()) == []


def test_half_a_minor_unit_is_rounded_to_even(make_user: UserFactory) -> None:
    for amounts, currency in ((("0.125",), "CHF"), (("0.135",), "CHF"), (("2.5",), "JPY")):
        owner = make_user()
        for amount in amounts:
            LineItem.objects.record(user=owner, title="Use", amount=amount, currency=currency)
        assert Payment.objects.create_pending(user=owner)
    for amount in ("0.0125", "0.0015", "1.2345"):
        owner = make_user()
        LineItem.objects.record(user=owner, title="Use", amount=amount, currency="KWD")
        assert Payment.objects.create_pending(user=owner)
    assert list(audit()) == []


def test_a_charge_by_code_without_attempts_is_clean(user: User) -> None:
    payment = pending(user, "5")
    payment.charged_at = timezone.now()
    payment.payment_service_provider = "theirs"
    payment.save()
    assert list(audit()) == []


def test_the_largest_amounts_are_compared_exactly(make_user: UserFactory) -> None:
    for amounts in (["9999999999.99999999"] * 9, ["9999999999.985", "0.00000001"]):
        pending(make_user(), *amounts)
    assert list(audit()) == []


def test_money_set_aside_is_clean(user: User) -> None:
    late = started(pending(user, "12"), live=True)
    late.record(Cancelled())
    late.payment.cancel_pending()
    late.record(money_of(late, psp_reference="late"))
    short = started(pending(user, "0.01"))
    short.record(money_of(short, amount=Decimal("0.005"), psp_reference="short"))
    arrivals.book_arrival(
        moocher="bank", psp_reference="?", amount=Decimal(3), currency="CHF", event_id="1"
    )
    assert list(audit()) == []


def test_money_given_back_is_clean(make_user: UserFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda attempt: False)
    for answer in (Refund.mark_sent, Refund.mark_not_sent):
        refund = charged(make_user(), "10").refund("2.50", reason="late")
        assert list(audit()) == []
        answer(refund, by="user:1", reason="looked")
    assert list(audit()) == []


def test_what_a_person_decides_about_money_is_clean(make_user: UserFactory) -> None:
    for decide in (SuspenseItem.give_back, SuspenseItem.close):
        decide(unmatched(str(decide)), by="user:1", reason="looked")
    unmatched("match").match(pending(make_user(), "4"), by="user:1", reason="theirs")
    late = started(pending(make_user(), "12"), live=True)
    late.record(Cancelled())
    late.payment.cancel_pending()
    late.record(money_of(late, psp_reference="late"))
    matched = pending(make_user(), "11")
    late.suspense_items.get().match(matched, by="user:1", reason="theirs")
    assert list(audit()) == []


def unmatched(event_id: str) -> SuspenseItem:
    """Return 5.00 that nobody knows."""
    facts = {"psp_reference": "?", "amount": Decimal(5), "currency": "CHF"}
    event = arrivals.book_arrival(moocher="bank", event_id=event_id, **facts)  # type: ignore[arg-type]
    item: SuspenseItem = event.suspense_items.get()
    return item


def test_every_rule_has_a_name_of_its_own_and_a_sentence() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule.promise.endswith(".") for rule in RULES)


def test_an_unknown_rule_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="No rule is named nothing"):
        audit(only=["nothing"])
