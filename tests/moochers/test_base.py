from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.utils import translation

from payments_ui.core.attempts.outcomes import Pending
from payments_ui.core.models import Attempt, LineItem, Payment, Refund
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import AttemptUrls, Moocher, webhook_body
from tests.dom import parse

URLS = AttemptUrls("http://testserver/back", "http://testserver/webhook")


def test_options_are_attributes_and_unknown_ones_an_error() -> None:
    moocher = Moocher(identifier="x", title="X", live=True, account="acct", model=Payment)
    assert (moocher.identifier, moocher.live, moocher.account) == ("x", True, "acct")
    assert moocher.model is Payment
    with pytest.raises(TypeError, match="sucess_url"):
        Moocher(identifier="x", sucess_url="/")


def test_it_works_with_our_payments_only() -> None:
    with pytest.raises(TypeError, match="works with"):
        Moocher(identifier="x", model=LineItem)


@pytest.mark.parametrize(
    ("currency", "amount", "sentence"),
    [
        ("CHF", "5.00", None),
        ("CHF", "0.50", None),
        ("CHF", "0.49", "Available from CHF\xa00.50."),
        ("EUR", "0.01", None),
        ("JPY", "500", "Not available for JPY."),
    ],
)
def test_it_says_what_it_cannot_take(currency: str, amount: str, sentence: str | None) -> None:
    moocher = Moocher(
        identifier="x",
        currencies=frozenset({"CHF", "EUR"}),
        minimum={"CHF": Decimal("0.50")},
    )
    payment = Payment(amount=Decimal(amount), currency=currency)
    assert moocher.refuse(payment) == sentence
    with translation.override("de"):
        assert (moocher.refuse(payment) is None) is (sentence is None)


def test_its_form_is_plain_and_says_how_much(user: User, rf: RequestFactory) -> None:
    LineItem.objects.record(user=user, title="x", amount="5.00")
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    moocher = Moocher(identifier="x", title="X")
    form = parse(moocher.payment_form(rf.get("/"), payment)).one("form")
    assert form.attrs["method"] == "post"
    assert form.attrs["action"] == f"/payments/{payment.pk}/moochers/x/"
    assert form.one("button").text == "Pay CHF 5.00"


def test_hooks_that_are_left_out_promise_nothing(rf: RequestFactory) -> None:
    moocher, attempt = Moocher(identifier="x"), Attempt(psp_reference="ref")
    with pytest.raises(NotImplementedError):
        moocher.charge(attempt, data={}, urls=URLS)
    with pytest.raises(NotImplementedError):
        moocher.ask(attempt)
    assert not moocher.can_refund
    with pytest.raises(NotImplementedError):
        moocher.refund(Refund())
    with pytest.raises(NotImplementedError):
        moocher.ask_refund(Refund())
    assert moocher.cancel(attempt) == Pending(psp_reference="ref")
    assert moocher.instructions(rf.get("/"), attempt) == ""
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(rf.post("/"))


@pytest.mark.parametrize("length", ["many", "-", "1.5"])
def test_a_webhook_whose_length_is_no_number_is_refused(rf: RequestFactory, length: str) -> None:
    request = rf.post("/", "{}", content_type="application/json", CONTENT_LENGTH=length)
    with pytest.raises(WebhookSignatureError):
        webhook_body(request)


def test_a_moocher_has_nothing_to_complain_of_unless_it_says_so() -> None:
    moocher = Moocher(identifier="x")
    assert [*moocher.check(), *moocher.check_deployed()] == []
