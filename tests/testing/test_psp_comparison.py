"""The ledger of the PSP and our database are compared; each difference is a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.psp import Order, SandboxPSP, Status
from payments_ui.testing.psp.calls import KEY_LIFE
from payments_ui.testing.psp.scenarios import AS_USUAL
from payments_ui.testing.psp_comparison import compare
from tests.core.support import bare, pending, started

Pay = Callable[..., Attempt]
KEYS: dict[str, Any] = {"api_key": "key", "webhook_secret": "secret"}
URLS = AttemptUrls("http://127.0.0.1:9/back", "http://127.0.0.1:9/webhook")


@pytest.fixture
def psp(settings: Any) -> Iterator[SandboxPSP]:
    settings.PAYMENTS_UI = {"ALLOW_SANDBOX": True}
    with SandboxPSP(**KEYS, sender=lambda url, body, headers: 200) as psp:
        yield psp


def moocher_of(psp: SandboxPSP, kind: str = "card") -> SandboxMoocher:
    return SandboxMoocher(psp_url=psp.url, kind=kind, **KEYS)


@pytest.fixture
def pay(psp: SandboxPSP, user: User) -> Pay:
    def charge(amount: str = "12.00", card: str = "card_approve") -> Attempt:
        moocher = moocher_of(psp)
        attempt = started(
            pending(user, amount), moocher=moocher.identifier, account=moocher.account
        )
        return attempt.record(moocher.charge(attempt, data={"card": card}, urls=URLS))

    return charge


def give_back(attempt: Attempt, amount: str, state: str = "succeeded", **fields: Any) -> Refund:
    """Write a refund down, without the PSP."""
    bare(Attempt).filter(pk=attempt.pk).update(
        refunded_amount=F("refunded_amount") + Decimal(amount)
    )
    refund = Refund(
        payment=attempt.payment, attempt=attempt, amount=Decimal(amount), currency="CHF", **fields
    )
    refund.state, refund.idempotency_key = state, f"back-{refund.pk}"
    refund.save()
    return refund


def test_the_same_story_is_no_difference(psp: SandboxPSP, pay: Pay) -> None:
    for amount, card in (("12.00", "approve"), ("5.55", "declined"), ("0.05", "approve")):
        pay(amount, f"card_{card}")
    refund = give_back(pay("7.00"), "2.50", "requested")
    moocher_of(psp).refund(refund)
    bare(Refund).filter(pk=refund.pk).update(state="succeeded")
    assert compare(psp) == []
    assert compare(psp, moocher_of(psp)) == []


def test_nothing_at_all_is_no_difference(psp: SandboxPSP, db: None) -> None:
    assert compare(psp) == []


def test_money_that_nobody_booked(psp: SandboxPSP, pay: Pay, user: User) -> None:
    attempt = started(pending(user, "12.00"), moocher="sandbox", account="acct_sandbox")
    data, moocher = {"card": "card_approve"}, moocher_of(psp)
    moocher.charge(attempt, data=data, urls=URLS)
    attempt.record(Unknown())
    attempt.idempotency_key = "another"
    moocher.charge(attempt, data=data, urls=URLS)
    first, second = psp.ledger.charges.all()
    assert compare(psp) == [
        f"The PSP took CHF 12.00 as {first.id}; our database says attempt {attempt.pk} is unknown.",
        f"The PSP took CHF 12.00 as {second.id}; our database says nothing about it.",
        "Altogether the PSP took CHF 24.00; our database says CHF 0.00.",
    ]


def test_money_that_was_taken_twice(psp: SandboxPSP, pay: Pay) -> None:
    attempt = pay()
    psp.advance(KEY_LIFE)
    moocher_of(psp).charge(attempt, data={"card": "card_approve"}, urls=URLS)
    _first, second = psp.ledger.charges.all()
    booked = f"attempt {attempt.pk} is settled as {attempt.psp_reference}"
    assert compare(psp) == [
        f"The PSP took CHF 12.00 as {second.id}; our database says {booked}.",
        "Altogether the PSP took CHF 24.00; our database says CHF 12.00.",
    ]


def test_money_that_was_never_taken(psp: SandboxPSP, pay: Pay) -> None:
    attempt = pay()
    psp.ledger.store.change("UPDATE charges SET status = 'declined'")
    ours = f"Our database says CHF 12.00 arrived with attempt {attempt.pk} (settled)"
    altogether = "Altogether the PSP took CHF 0.00; our database says CHF 12.00."
    assert compare(psp) == [f"{ours}; the PSP says declined.", altogether]
    with SandboxPSP(**KEYS) as another:
        assert compare(another) == [f"{ours}; the PSP does not know this charge.", altogether]


def test_another_amount_than_was_booked(psp: SandboxPSP, pay: Pay) -> None:
    ours = f"Our database says CHF 12.00 arrived with attempt {pay().pk} (settled)"
    psp.ledger.store.change("UPDATE charges SET amount = 1201")
    assert compare(psp) == [
        f"{ours}; the PSP took CHF 12.01.",
        "Altogether the PSP took CHF 12.01; our database says CHF 12.00.",
    ]


def test_wrong_money_that_was_booked_as_it_came_is_no_difference(psp: SandboxPSP, pay: Pay) -> None:
    for wrong in ("amount", "currency", "mode"):
        psp.plan.add(f"wrong_{wrong}")
        assert pay().state == Attempt.State.MISMATCH
    assert compare(psp) == []


def test_refunds_that_only_one_side_knows(psp: SandboxPSP, pay: Pay) -> None:
    ours, theirs, manual = pay(), pay(), pay()
    give_back(ours, "5.00")
    give_back(manual, "5.00", manual=True)
    moocher_of(psp).refund(give_back(theirs, "4.00", "requested"))
    assert compare(psp) == [
        f"Of {ours.psp_reference} the PSP refunded CHF 0.00; our database says CHF 5.00.",
        f"Of {theirs.psp_reference} the PSP refunded CHF 4.00; our database says CHF 0.00.",
        "Altogether the PSP refunded CHF 4.00; our database says CHF 5.00.",
    ]


def test_money_that_people_book_is_not_the_psps(psp: SandboxPSP, user: User) -> None:
    attempt = started(pending(user, "12.00"), moocher="bank", manual=True)
    attempt.book_by_hand(by="clerk", reason="seen")
    assert compare(psp) == []


def test_with_a_moocher_the_others_are_left_out(psp: SandboxPSP, pay: Pay) -> None:
    psp.plan.add("lost_reply")
    with pytest.raises(ConnectionError):
        pay()
    assert len(compare(psp, moocher_of(psp))) == 2
    assert compare(psp, moocher_of(psp, "redirect")) == []


def test_a_hundred_small_amounts_add_up(psp: SandboxPSP, user: User) -> None:
    # Added as floats, as SQLite does, they are 4.99999999999999.
    payment, kept = pending(user, "1"), []
    for number in range(100):
        order = Order(
            amount=5, currency="CHF", reference=f"r-{number}", method="card", return_url=""
        )
        charge = psp.ledger.charges.add(order, AS_USUAL, Status.SUCCEEDED)
        arrived = {"received_amount": Decimal("0.05"), "received_currency": "CHF"}
        attempt = Attempt(payment=payment, moocher="sandbox", amount=0, currency="CHF", **arrived)
        attempt.state, attempt.ended_at = Attempt.State.SURPLUS, payment.created_at
        attempt.idempotency_key, attempt.psp_reference = order.reference, charge.id
        kept.append(attempt)
    Attempt.objects.bulk_create(kept)
    assert compare(psp) == []


def stripe_moocher(psp: SandboxPSP) -> StripeMoocher:
    return StripeMoocher(
        secret_key=psp.stripe.secret_key,
        publishable_key=psp.stripe.publishable_key,
        webhook_secret=psp.stripe.webhook_secret,
        api_base=psp.stripe.url,
    )


def pay_with_stripe(psp: SandboxPSP, user: User, card: str = "pm_card_visa") -> Attempt:
    moocher, data = stripe_moocher(psp), {"confirmation_token": psp.stripe.confirmation_token(card)}
    attempt = started(
        pending(user, "12.00"), moocher=moocher.identifier, account=moocher.account, live=False
    )
    prepared = moocher.prepare(attempt, data=data, urls=URLS)
    assert isinstance(prepared, str)
    bare(Attempt).filter(pk=attempt.pk).update(psp_reference=prepared)
    attempt.refresh_from_db()
    return attempt.record(moocher.charge(attempt, data=data, urls=URLS))


def test_stripes_charges_go_by_the_names_of_their_payments(
    psp: SandboxPSP, pay: Pay, user: User
) -> None:
    attempt = pay_with_stripe(psp, user)
    pay_with_stripe(psp, user, "pm_card_visa_chargeDeclined")
    pay("5.00")
    assert attempt.psp_reference in {charge.known_as for charge in psp.ledger.charges.all()}
    assert compare(psp) == []
    assert compare(psp, stripe_moocher(psp)) == []
    assert compare(psp, moocher_of(psp)) == []


def test_a_card_that_was_declined_before_another_paid_is_no_difference(
    psp: SandboxPSP, user: User
) -> None:
    attempt = pay_with_stripe(psp, user)
    [taken] = psp.ledger.charges.all()
    order = Order(
        amount=1200,
        currency="CHF",
        reference="r",
        method="card",
        return_url="",
        face="stripe",
        known_as=taken.known_as,
    )
    psp.ledger.charges.add(order, AS_USUAL, Status.DECLINED)
    assert compare(psp) == []
    twice = psp.ledger.charges.add(order, AS_USUAL, Status.SUCCEEDED)
    assert twice.name == attempt.psp_reference
    assert compare(psp) == ["Altogether the PSP took CHF 24.00; our database says CHF 12.00."]


def test_what_a_bank_took_back_has_to_be_known(psp: SandboxPSP, user: User) -> None:
    attempt = pay_with_stripe(psp, user)
    [charge] = psp.ledger.charges.all()
    dispute = psp.bank.open_dispute(charge.id, reason="fraudulent")
    assert compare(psp) == [
        f"Of {attempt.psp_reference} the PSP took back CHF 12.00; our database says CHF 0.00.",
        "Altogether the PSP took back CHF 12.00; our database says CHF 0.00.",
    ]
    report = stripe_moocher(psp).report_dispute(dispute.id)
    assert report is not None
    attempt.record_dispute(report)
    assert compare(psp) == []
