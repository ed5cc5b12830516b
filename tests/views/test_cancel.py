from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import LineItem, Payment
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import CARDS, TRANSFER, cards, finish
from tests.shopping import Shopper, attempt_of, dom, step, stored, url


def under_way(shopper: Shopper, psp: SandboxPSP, plan: str = "3ds") -> Payment:
    psp.plan.add(plan)
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    return payment


def test_giving_up_returns_the_charges_to_the_list(
    any_shopper: Shopper, psp: SandboxPSP, django_capture_on_commit_callbacks: Any
) -> None:
    payment = any_shopper.begin("5.00")
    with django_capture_on_commit_callbacks(execute=True):
        response = any_shopper.post(url("cancellation", payment))
    assert not Payment.all_objects.exists()
    assert LineItem.objects.unbound().count() == 1
    assert not psp.calls
    if any_shopper.js:
        assert response["HX-Trigger"] == "payments:changed"
    shown = any_shopper.after(response)
    assert step(shown) == "charges"
    assert "Nothing was charged" in dom(shown).text


@pytest.mark.parametrize("plan", ["3ds", "processing", "lost_request"])
def test_giving_up_asks_the_psp_first(any_shopper: Shopper, psp: SandboxPSP, plan: str) -> None:
    payment = under_way(any_shopper, psp, plan)
    any_shopper.post(url("cancellation", payment))
    assert psp.calls["cancel"] == 1
    gave_up = plan != "processing"
    assert (stored(payment).cancelled_at is not None) is gave_up
    assert LineItem.objects.unbound().count() == int(gave_up)


def test_a_psp_that_never_heard_of_it_may_still_get_the_request(
    any_shopper: Shopper, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = under_way(any_shopper, psp, "lost_request")
    never = Declined(code=DeclineCode.NEVER_HAPPENED)
    monkeypatch.setattr(cards, "cancel", lambda attempt: never)
    any_shopper.post(url("cancellation", payment))
    assert stored(payment).cancelled_at is None
    assert not LineItem.objects.unbound().exists()


def test_a_payment_the_psp_keeps_is_not_given_up(any_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = under_way(any_shopper, psp, "processing")
    response = any_shopper.post(url("cancellation", payment))
    assert response.status_code == (200 if any_shopper.js else 409)
    assert step(response) == "processing"
    assert "waiting for the answer" in dom(response).text
    assert stored(payment).cancelled_at is None


def test_money_that_was_taken_meanwhile_is_a_paid_payment(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = under_way(any_shopper, psp)
    finish(psp, attempt_of(payment))
    response = any_shopper.post(url("cancellation", payment))
    assert step(response) == "charged"
    assert "already paid" in dom(response).text
    assert stored(payment).state == "charged"


def test_a_psp_that_does_not_answer_keeps_the_payment(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = under_way(any_shopper, psp)
    psp.plan.outage(3600)
    response = any_shopper.post(url("attempt_cancellation", payment))
    assert step(response) == "unknown"
    assert stored(payment).state == "processing"


def test_another_way_to_pay_can_be_chosen(any_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = under_way(any_shopper, psp)
    response = any_shopper.post(url("attempt_cancellation", payment))
    shown = any_shopper.after(response)
    assert step(shown) == "payment"
    assert "Nothing was charged. Please choose how to pay." in dom(shown).text
    assert attempt_of(payment).state == "cancelled"
    any_shopper.pay(payment, "francs")
    assert stored(payment).state == "charged"


def test_the_step_that_waits_offers_another_way(any_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = under_way(any_shopper, psp)
    shown = dom(any_shopper.get(url("payment", payment)))
    fields = shown.form(url("attempt_cancellation", payment)).fields()
    any_shopper.post(url("attempt_cancellation", payment), fields)
    assert attempt_of(payment).state == "cancelled"


def test_calling_off_what_is_not_under_way_changes_nothing(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = any_shopper.begin("5.00")
    any_shopper.post(url("attempt_cancellation", payment))
    assert stored(payment).state == "pending"
    assert not psp.calls


@pytest.mark.parametrize("asked", [False, True], ids=["never asked", "kept as evidence"])
def test_a_payment_given_up_in_another_tab_is_gone(
    any_shopper: Shopper, psp: SandboxPSP, asked: bool
) -> None:
    payment = under_way(any_shopper, psp) if asked else any_shopper.begin("5.00")
    any_shopper.post(url("cancellation", payment))
    for response in (
        any_shopper.post(url("cancellation", payment)),
        any_shopper.get(url("payment", payment)),
        any_shopper.post(url("moocher", payment, "cards")),
    ):
        assert response.status_code == (200 if any_shopper.js else 410)
        assert step(response) == "charges"
        assert "This payment was cancelled" in dom(response).text
        if any_shopper.js:
            assert response["HX-Retarget"] == "#pui-0-body"


def test_a_moocher_that_is_no_longer_listed_cannot_call_off(
    any_shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    payment = under_way(any_shopper, psp)
    settings.PAYMENTS_UI = {}
    response = any_shopper.post(url("cancellation", payment))
    assert step(response) == "requires_action"
    assert stored(payment).state == "processing"


def test_a_payment_undone_shows_that_it_is_gone(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    stored(payment).undo(force=True, reason="a test")
    assert step(any_shopper.get(url("payment", payment))) == "gone"
    response = any_shopper.post(url("moocher", payment, "cards"))
    assert response.status_code == (200 if any_shopper.js else 410)
    assert step(response) == "gone"


# --- A transfer may be on its way though nobody has told us


WARNING = "If you have already transferred the money, do not pay again"


def part(response: Any, name: str) -> str:
    """Return the text of one part of the only widget."""
    (found,) = [n for n in dom(response) if n.attrs.get("id", "").endswith(f"-{name}")]
    return found.text


@pytest.fixture
def transferring(any_shopper: Shopper, settings: Settings) -> Payment:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, TRANSFER]}
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment, "transfer")
    return payment


@pytest.mark.parametrize("door", ["cancellation", "attempt_cancellation"])
def test_who_calls_a_transfer_off_is_asked_first_and_told_not_to_pay_again(
    any_shopper: Shopper, transferring: Payment, door: str
) -> None:
    way = url(door, transferring)
    shown = dom(any_shopper.get(url("payment", transferring)))
    assert shown.one("a", href=way)
    assert not shown.all("form", action=way)
    # Nor does a page call it off that was opened before.
    for question in (any_shopper.get(way), any_shopper.post(way)):
        assert step(question) == "cancellation"
        assert WARNING in part(question, "lead")
        assert attempt_of(transferring).is_open
    answer = any_shopper.post(way, dom(question).form(way).fields())
    assert attempt_of(transferring).state == "cancelled"
    told = any_shopper.after(answer)
    assert WARNING in part(told, "notice")
    assert "Nothing was charged" not in dom(told).text


def test_what_was_called_off_before_is_still_known_when_the_payment_is_cancelled(
    any_shopper: Shopper, transferring: Payment
) -> None:
    any_shopper.post(url("attempt_cancellation", transferring), confirmed="1")
    told = any_shopper.after(any_shopper.post(url("cancellation", transferring)))
    assert WARNING in part(told, "notice")
    assert WARNING in part(any_shopper.get(url("payment", transferring)), "notice")


def test_the_question_can_be_asked_of_any_payment(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("cancellation", payment)))
    assert "Its items go back to your list." in shown.text
    fields = shown.form(url("cancellation", payment)).fields()
    any_shopper.post(url("cancellation", payment), fields)
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("door", "shown"), [("cancellation", "charged"), ("attempt_cancellation", "charged")]
)
def test_nobody_is_asked_about_what_is_paid(any_shopper: Shopper, door: str, shown: str) -> None:
    payment = any_shopper.begin("5.00")
    assert step(any_shopper.get(url("attempt_cancellation", payment))) == "payment"
    any_shopper.pay(payment)
    assert step(any_shopper.get(url(door, payment))) == shown


def test_a_step_that_is_to_be_called_off_is_asked_about(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = under_way(any_shopper, psp)
    shown = dom(any_shopper.get(url("attempt_cancellation", payment)))
    assert "You choose again how to pay." in shown.text
    assert attempt_of(payment).is_open
