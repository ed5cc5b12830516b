"""What a moocher's own redirect says about a payment that its view did not charge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse, HttpResponseRedirect
from django.test import Client
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core.models import Attempt, Payment
from payments_ui.mooch.middleware import wrapper_of
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import ADMINS, pending
from tests.fakes import CARDS
from tests.mooch import site as host
from tests.shopping import Shopper, attempt_of, dom, step, stored, url

CHARGE, RETURN = "/customers/customers_charge/", "/customers/customers_return/"
Answer = Callable[[Payment], HttpResponse]


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> None:
    settings.ROOT_URLCONF = "tests.mooch.site"
    settings.PAYMENTS_UI = {"MOOCHERS": ["tests.mooch.site.customers", CARDS]}
    settings.MIDDLEWARE = host.middleware(settings.MIDDLEWARE)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return how to say what the moocher's views do."""

    def set_answer(answer: str | Answer, **attributes: Any) -> None:
        location = answer if isinstance(answer, str) else ""
        view = (lambda _payment: HttpResponseRedirect(location)) if location else answer
        monkeypatch.setattr(host.customers, "answer", view, raising=False)
        for name, value in attributes.items():
            monkeypatch.setattr(wrapper_of(host.customers), name, value)

    return set_answer


def submit(shopper: Shopper, payment: Payment) -> Any:
    return shopper.post(CHARGE, {"id": payment.pk.hex})


def charge(payment: Payment) -> HttpResponse:
    payment.payment_service_provider = "customers"
    payment.charged_at = timezone.now()
    payment.save()
    return HttpResponseRedirect("/thanks/")


def test_a_redirect_to_the_failure_page_is_a_decline_the_customer_may_act_on(
    any_shopper: Shopper, answers: Any
) -> None:
    answers("/sorry/")
    payment = any_shopper.begin("5.00")
    response = submit(any_shopper, payment)
    if not any_shopper.js:
        response = any_shopper.get(response["Location"])
    assert "The payment was declined" in dom(response).text
    assert step(response) == "payment"
    assert attempt_of(payment).state == "failed"
    answers(charge)
    submit(any_shopper, payment)
    assert stored(payment).state == "charged"


def test_after_a_decline_another_option_and_giving_up_are_open(
    shopper: Shopper, answers: Any
) -> None:
    answers("/sorry/")
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    shopper.pay(payment, "cards")
    assert stored(payment).state == "charged"
    other = shopper.begin("7.00")
    submit(shopper, other)
    stored(other).cancel_pending()
    assert stored(other).state == "cancelled"


@pytest.mark.parametrize(
    ("location", "failure", "success", "state"),
    [
        ("/sorry/?reason=card", "/sorry/", "/thanks/", "failed"),
        ("http://testserver/sorry/", "/sorry/", "/thanks/", "failed"),
        ("/sorry/", reverse_lazy("sorry"), "/thanks/", "failed"),
        ("/sorry/", "sorry", "/thanks/", "failed"),
        ("https://app.example/no", "https://app.example/no", "https://app.example/yes", "failed"),
        ("/pay/?fail=1", "/pay/?fail=1", "/pay/?ok=1", "failed"),
        ("/pay/", "/pay/", "/pay/?ok=1", "failed"),
        ("/pay/?ok=1", "/pay/?fail=1", "/pay/?ok=1", "processing"),
        ("/thanks/", "/sorry/", "/thanks/", "processing"),
        ("/", "/", "/", "unknown"),
        ("/elsewhere/", "/sorry/", "/thanks/", "unknown"),
        ("?", "/sorry/", "no such view", "unknown"),
    ],
)
def test_the_redirect_is_compared_with_both_pages(
    shopper: Shopper, answers: Any, location: str, failure: Any, success: str, state: str
) -> None:
    answers(location, failure_url=failure, success_url=success)
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    assert attempt_of(payment).state == state


def test_a_page_of_its_own_leaves_it_unknown(shopper: Shopper, answers: Any) -> None:
    answers(lambda _payment: HttpResponse("Please correct the errors"))
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    assert attempt_of(payment).state == "unknown"


def test_what_cannot_be_known_is_told_and_a_person_decides(
    shopper: Shopper,
    answers: Any,
    settings: Settings,
    mailoutbox: list[Any],
    admin_client: Client,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.ADMINS = ADMINS
    answers("/", failure_url="/", success_url="/")
    payment = shopper.begin("5.00")
    with django_capture_on_commit_callbacks(execute=True):
        submit(shopper, payment)
    assert step(shopper.get(url("payment", payment))) == "unknown"
    assert attempt_of(payment).reference in mailoutbox[-1].body
    decision = {"action": "mark_not_charged", "_selected_action": attempt_of(payment).pk}
    attempts = reverse("admin:payments_core_attempt_changelist")
    admin_client.post(attempts, decision | {"reason": "not in the PSP's list"})
    assert stored(payment).state == "pending"
    answers(charge)
    submit(shopper, payment)
    assert stored(payment).state == "charged"


def test_a_saved_charge_counts_whatever_page_it_leads_to(shopper: Shopper, answers: Any) -> None:
    def charge_and_fail(payment: Payment) -> HttpResponse:
        charge(payment)
        return HttpResponseRedirect("/sorry/")

    answers(charge_and_fail)
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    assert stored(payment).state == "charged"


def test_a_redirect_to_the_psp_sends_the_customer_there(any_shopper: Shopper, answers: Any) -> None:
    answers("https://psp.example/pay/1")
    payment = any_shopper.begin("5.00")
    response = submit(any_shopper, payment)
    assert attempt_of(payment).state == "requires_action"
    assert attempt_of(payment).action_url == "https://psp.example/pay/1"
    if any_shopper.js:
        assert response["HX-Redirect"] == "https://psp.example/pay/1"


def test_coming_back_from_the_psp_with_a_failure_is_a_decline(
    shopper: Shopper, answers: Any
) -> None:
    answers("https://psp.example/pay/1")
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    answers("/sorry/")
    assert shopper.get(RETURN, id=payment.pk.hex)["Location"] == "/sorry/"
    assert attempt_of(payment).state == "failed"
    assert stored(payment).state == "pending"


def test_coming_back_from_the_psp_with_a_charge_settles_the_attempt(
    shopper: Shopper, answers: Any
) -> None:
    answers("https://psp.example/pay/1")
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    answers(charge)
    shopper.get(RETURN, id=payment.pk.hex)
    assert stored(payment).state == "charged"
    assert Attempt.objects.get().state == "settled"


def test_another_customers_failure_declines_nothing(make_shopper: Any, answers: Any) -> None:
    answers("https://psp.example/pay/1")
    shopper = make_shopper()
    payment = shopper.begin("5.00")
    submit(shopper, payment)
    answers("/sorry/")
    make_shopper().get(RETURN, id=payment.pk.hex)
    assert attempt_of(payment).state == "requires_action"


def test_of_two_payments_at_the_psp_a_failure_says_of_neither(
    shopper: Shopper, answers: Any
) -> None:
    answers("https://psp.example/pay/1")
    payments = [pending(shopper.user, "5"), pending(shopper.user, "7")]
    for payment in payments:
        submit(shopper, payment)
    answers("/sorry/")
    shopper.get(RETURN, id=payments[0].pk.hex)
    assert {attempt_of(payment).state for payment in payments} == {"requires_action"}
