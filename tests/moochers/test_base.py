from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.utils import translation

from payments_ui.core.attempts.outcomes import Pending
from payments_ui.core.models import Attempt, LineItem, Payment, PaymentMethod, Refund
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


def test_where_nothing_has_to_be_copied_a_mail_says_no_details() -> None:
    assert not Moocher(identifier="x").details(Attempt())


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


def test_its_setup_form_is_plain_and_names_no_amount(rf: RequestFactory) -> None:
    shown = Moocher(identifier="x", title="X").setup_form(rf.get("/"), "/methods/new/")
    form = parse(shown).one("form")
    assert (form.attrs["method"], form.attrs["action"]) == ("post", "/methods/new/")
    assert form.one("button", type="submit").text == "Save this payment method"


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


def test_a_psp_that_tells_nothing_else_has_no_more_to_tell() -> None:
    moocher = Moocher(identifier="x")
    assert moocher.report_refund("re_1") is None
    assert moocher.report_dispute("du_1") is None
    assert list(moocher.news(Attempt())) == []


def test_who_saves_payment_methods_writes_how(rf: RequestFactory) -> None:
    moocher, method = Moocher(identifier="x"), PaymentMethod()
    assert not moocher.can_save
    assert moocher.setup_instructions(rf.get("/"), method) == ""
    hooks: list[Callable[[], object]] = [
        lambda: moocher.create_customer(User(), key="k"),
        lambda: moocher.delete_customer("cus_1"),
        lambda: moocher.save(method, data={}, urls=URLS),
        lambda: moocher.ask_saved(method),
        lambda: moocher.describe(method),
        lambda: moocher.forget(method),
    ]
    for hook in hooks:
        with pytest.raises(NotImplementedError):
            hook()


@pytest.mark.parametrize("length", ["many", "-", "1.5"])
def test_a_webhook_whose_length_is_no_number_is_refused(rf: RequestFactory, length: str) -> None:
    request = rf.post("/", "{}", content_type="application/json", CONTENT_LENGTH=length)
    with pytest.raises(WebhookSignatureError):
        webhook_body(request)


def test_a_moocher_has_nothing_to_complain_of_unless_it_says_so() -> None:
    moocher = Moocher(identifier="x")
    assert [*moocher.check(), *moocher.check_deployed()] == []
