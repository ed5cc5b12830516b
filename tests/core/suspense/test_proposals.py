"""What unexpected money may be for: found by reference, user, amount and name, in a few queries."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Pending
from payments_ui.core.models import Attempt, Event, Payment, SuspenseItem
from payments_ui.core.suspense.proposals import SHOWN, Why, proposals, slips
from payments_ui.moochers.banktransfer import references
from payments_ui.moochers.banktransfer.accounts import Account
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record, started, stored
from tests.counting import reads

pytestmark = pytest.mark.django_db
QR = Account("CH44 3199 9123 0008 8901 2")
IBAN = Account("DE89 3704 0044 0532 0130 00")
_numbers = count(1)


def arrived(
    amount: str = "12", reference: str = "?", payer: str = "", currency: str = "CHF"
) -> SuspenseItem:
    """Return money whose reference nobody knows."""
    number = next(_numbers)
    event = arrivals.book_arrival(
        moocher="bank",
        psp_reference=reference,
        amount=Decimal(amount),
        currency=currency,
        event_id=f"e{number}",
        payer=payer,
    )
    found: SuspenseItem = SuspenseItem.objects.get(event=event)
    return found


def awaited(payment: Payment, reference: str = "") -> Attempt:
    """Return a transfer that the customer has announced."""
    attempt = started(payment, moocher="bank", manual=True, live=True)
    return attempt.record(Pending(psp_reference=reference or f"ref-{attempt.reference}"))


def proposed(item: SuspenseItem) -> list[tuple[Payment, tuple[Why, ...]]]:
    return [(each.payment, each.why) for each in proposals(item)]


def test_the_same_amount_is_proposed_and_other_payments_are_not(
    user: User, make_user: UserFactory
) -> None:
    fits = pending(user, "12")
    pending(make_user(), "11.99")
    abroad = make_user()
    record(abroad, "12", currency="EUR")
    Payment.objects.create_pending(user=abroad)
    charged(make_user(), "12")
    assert proposed(arrived("12")) == [(fits, (Why.AMOUNT,))]


@pytest.mark.parametrize("account", [QR, IBAN], ids=["QR", "RF"])
def test_a_reference_with_two_characters_swapped_is_the_first_proposal(
    user: User, make_user: UserFactory, account: Account
) -> None:
    payment = pending(user, "12")
    pending(make_user(), "12")
    meant = references.make(UUID(int=20261128020500123456789), account)
    awaited(payment, meant)
    places = [place for place in range(4, len(meant) - 1) if meant[place] != meant[place + 1]]
    for place in (places[0], places[-1]):
        typed = meant[:place] + meant[place + 1] + meant[place] + meant[place + 2 :]
        assert typed != meant
        first, other = proposed(arrived("12", typed))
        assert first == (payment, (Why.REFERENCE, Why.USER, Why.AMOUNT))
        assert other[1] == (Why.AMOUNT,)


def test_slips_are_swaps_and_single_characters() -> None:
    assert "21345" in slips("12345")
    assert "52341" in slips("12345")
    assert "12945" in slips("12345")
    assert "12345" not in slips("12345")
    assert "21354" not in slips("12345")
    assert not any("A" in slip for slip in slips("12345"))
    assert "RF1B" in slips("RF1A")


def test_a_reference_that_people_do_not_copy_is_not_varied(user: User) -> None:
    awaited(pending(user, "12"), "ch_12")
    assert proposed(arrived("20", "ch_21")) == []


def test_a_slip_leads_to_what_else_the_same_user_owes(user: User) -> None:
    done = pending(user, "5")
    awaited(done, "RF100AB").record(Declined(code=DeclineCode.GENERIC))
    open_now = pending(user, "7")
    stored(done).cancel_pending()
    assert proposed(arrived("20", "RF100BA")) == [(open_now, (Why.USER,))]


def test_a_second_transfer_is_proposed_for_what_else_its_user_owes(
    user: User, make_user: UserFactory
) -> None:
    paid = pending(user, "12")
    awaited(paid, "RF100AB")
    for number in (1, 2):
        arrivals.book_arrival(
            moocher="bank",
            psp_reference="RF100AB",
            amount=Decimal(12),
            currency="CHF",
            event_id=f"second-{number}",
        )
    owed = pending(user, "10")
    same = pending(make_user(), "12")
    assert proposed(SuspenseItem.objects.get()) == [(owed, (Why.USER,)), (same, (Why.AMOUNT,))]


@pytest.mark.parametrize(
    ("payer", "is_proposed"),
    [
        ("Ada Müller-Lüdenscheidt", True),
        ("MUELLER-LUEDENSCHEIDT ADA", True),
        ("Frau Ada Muller Ludenscheidt, Bern", True),
        ("Ada Müller", False),
        ("Grace Hopper", False),
        ("", False),
    ],
)
def test_the_name_of_who_announced_a_transfer_is_proposed(
    make_user: UserFactory, payer: str, is_proposed: bool
) -> None:
    ada = make_user(first_name="Ada", last_name="Müller-Lüdenscheidt")
    payment = pending(ada, "7")
    awaited(payment)
    found = proposed(arrived("8", payer=payer))
    assert found == ([(payment, (Why.NAME,))] if is_proposed else [])


def test_who_has_no_name_is_known_by_the_name_they_sign_in_with(make_user: UserFactory) -> None:
    named = pending(make_user(username="ada.lovelace@example.com"), "12")
    other = pending(make_user(username="1815"), "12")
    assert proposed(arrived("12", payer="Ada Lovelace")) == [
        (named, (Why.AMOUNT, Why.NAME)),
        (other, (Why.AMOUNT,)),
    ]


def test_a_part_and_a_rest_are_proposed_for_the_transfer_that_was_announced(user: User) -> None:
    payment = pending(user, "12")
    attempt = awaited(payment, "RF100AB")
    part = arrived("5", "RF100BA")
    assert proposed(part) == [(payment, (Why.REFERENCE, Why.USER))]
    part.match(payment, by="user:1", reason="two digits swapped")
    assert attempt.as_stored().missing == 7
    rest = arrived("7")
    assert proposed(rest) == [(payment, (Why.AMOUNT,))]
    rest.match(payment, by="user:1", reason="the rest")
    assert stored(payment).charged_at


def test_too_little_for_what_nobody_announced_is_not_proposed(
    user: User, make_user: UserFactory
) -> None:
    pending(user, "12")
    awaited(pending(user, "5"), "RF100AB")
    assert [payment.amount for payment, _why in proposed(arrived("5", "RF100BA"))] == [5]


def test_what_cannot_be_matched_is_not_proposed(user: User, make_user: UserFactory) -> None:
    started(pending(user, "12"))
    pending(make_user(), "12").cancel_pending()
    assert proposed(arrived("12")) == []
    item = arrived("12")
    fits = pending(user, "12")
    assert proposed(item) == [(fits, (Why.AMOUNT,))]
    closed = item.close(by="user:1", reason="seen")
    assert proposed(closed) == []


def test_what_only_lacks_an_answer_has_no_proposal(user: User) -> None:
    item = SuspenseItem.objects.open_item(
        SuspenseItem.Kind.OVERDUE, attempt=started(pending(user, "5"))
    )
    assert proposed(item) == []
    event = Event.objects.create(moocher="bank", event_id="x", state=Event.State.UNMATCHED)
    item = SuspenseItem.objects.open_item(SuspenseItem.Kind.UNMATCHED, event=event)
    assert proposed(item) == []


def test_proposals_are_few_and_read_in_few_queries_however_many_there_are(
    make_user: UserFactory,
) -> None:
    item = arrived("12", "RF100AB", payer="Ada Lovelace")
    counts: list[Any] = []
    for _round in range(2):
        for _number in range(SHOWN * 2):
            awaited(pending(make_user(), "12"))
        with reads(5):
            counts.append(len(proposals(SuspenseItem.objects.select_related("event").get())))
    assert counts == [SHOWN, SHOWN]
    assert item.state == SuspenseItem.State.OPEN


def test_the_newest_of_equals_comes_first(make_user: UserFactory) -> None:
    older, newer = pending(make_user(), "12"), pending(make_user(), "12")
    assert [payment for payment, _why in proposed(arrived("12"))] == [newer, older]


def test_a_payment_of_zero_is_not_proposed(user: User) -> None:
    attempt = awaited(pending(user, "5"), "RF1")
    attempt.payment.book_by_hand(by="user:1", reason="seen", amount="17")
    pending(user, "5", "-5")
    assert proposed(SuspenseItem.objects.get()) == []
