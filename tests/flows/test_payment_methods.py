"""Saved payment methods at a PSP: saved along, charged again, asked about, removed for good."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import signals
from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.models import Attempt, Customer, Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.core.processing import Result, StopProcessingError
from payments_ui.exceptions import (
    FormExpiredError,
    MoocherError,
    PaymentMethodGoneError,
    TooManyAttemptsError,
)
from payments_ui.flows import pay as paying
from payments_ui.flows import payment_methods, psp_call
from payments_ui.flows.charge_unattended import Charging, saved_methods
from payments_ui.flows.posted import FormInvalidError
from payments_ui.flows.psp_call import PSPUnavailableError
from payments_ui.flows.reconcile import reconcile
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.base import Notice
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, pending, saving
from tests.moochers.stripe.conftest import asking, moocher_at, taken

pytestmark = pytest.mark.django_db
State = PaymentMethod.State
SITE = "http://localhost:9"
Post = Callable[..., HttpRequest]


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key="the-key", webhook_secret="the-secret") as psp:
        psp.stripe.listen("http://127.0.0.1:9/")
        yield psp


@pytest.fixture
def moocher(psp: SandboxPSP, settings: Settings) -> StripeMoocher:
    """Return the only moocher of the site, at the fake PSP's Stripe."""
    moocher = moocher_at(psp)
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher)}
    settings.ALLOWED_HOSTS = ["localhost"]
    return moocher


def post(user: User | AnonymousUser, **data: str) -> HttpRequest:
    """Return a request of this user's browser."""
    request = RequestFactory(headers={"host": "localhost:9"}).post("/", data)
    request.user = user
    return request


def ticked(*, unattended: bool = False) -> dict[str, str]:
    """Return what the boxes of a form post."""
    boxes = {"save_method": "on", "consent_version": wording().version}
    return boxes | ({"allow_unattended": "on"} if unattended else {})


def pay(payment: Payment, moocher: StripeMoocher, **data: str) -> Attempt:
    data = FormToken.fields(payment) | data
    return paying.pay(post(payment.user, **data), payment, moocher, data)


def save_along(
    psp: SandboxPSP,
    moocher: StripeMoocher,
    user: User,
    *,
    card: str = "pm_card_visa",
    unattended: bool = False,
) -> PaymentMethod:
    """Pay 5.00 by a new card and save it."""
    token = psp.stripe.confirmation_token(card)
    boxes = ticked(unattended=unattended)
    attempt = pay(pending(user, "5"), moocher, confirmation_token=token, **boxes)
    return attempt.new_payment_methods.get()


def at_stripe(psp: SandboxPSP, method: PaymentMethod) -> str | None:
    """Return the customer to whom the card belongs at the PSP."""
    found = asking(psp).v1.payment_methods.retrieve(str(method.method_id))
    return str(found.customer) if found.customer else None


def notice(**facts: Any) -> Notice:
    return Notice(**{"event_id": "evt_1", **facts})


def approved(psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod) -> PaymentMethod:
    """Let its user confirm to their bank that they pay; return it as it is stored then."""
    assert method.attempt is not None
    psp.bank.decide(psp.ledger.charges.newest()[0].page_token, "approve")
    psp_call.ask(method.attempt, moocher)
    return method.as_stored()


# Saved with a payment


def test_a_ticked_box_saves_what_was_charged(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    assert (method.state, method.label) == (State.ACTIVE, "Visa ending 4242")
    assert (method.consent_text, method.unattended_text) == (wording().save, "")
    assert method.consent_ip == "127.0.0.1"
    assert at_stripe(psp, method) == method.customer_id
    assert taken(psp) == 500


def test_an_unticked_box_saves_nothing(psp: SandboxPSP, moocher: StripeMoocher, user: User) -> None:
    token = psp.stripe.confirmation_token("pm_card_visa")
    data = {"allow_unattended": "on", "consent_version": wording().version}
    attempt = pay(pending(user, "5"), moocher, confirmation_token=token, **data)
    assert attempt.state == Attempt.State.SETTLED
    assert not PaymentMethod.objects.exists()
    assert not Customer.objects.exists()


def test_the_second_box_is_a_consent_of_its_own(
    psp: SandboxPSP, moocher: StripeMoocher, user: User, settings: Settings
) -> None:
    settings.PAYMENTS_UI |= {"PAYEE": "Tiles Ltd"}
    method = save_along(psp, moocher, user, unattended=True)
    assert "Tiles Ltd" in method.consent_text
    assert "Tiles Ltd may charge" in method.unattended_text


def test_a_form_with_an_older_wording_pays_nothing(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    boxes = ticked() | {"consent_version": "older"}
    with pytest.raises(FormExpiredError):
        pay(pending(user, "5"), moocher, **boxes)
    assert not Attempt.objects.exists()


def test_a_decline_saves_nothing(psp: SandboxPSP, moocher: StripeMoocher, user: User) -> None:
    method = save_along(psp, moocher, user, card="pm_card_visa_chargeDeclined")
    assert (method.state, method.method_id) == (State.FAILED, None)


def test_without_a_customer_nothing_is_charged(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    psp.plan.add("error_before", on="save")
    for _again in range(2):  # the PSP answers the same key as before
        with pytest.raises(MoocherError):
            save_along(psp, moocher, user)
    assert not Attempt.objects.exists()
    a_minute_ago = timezone.now() - dt.timedelta(seconds=61)
    bare(Customer).update(asked_at=a_minute_ago)
    assert save_along(psp, moocher, user).is_active
    assert Customer.objects.count() == 1


def test_an_address_that_is_none_is_left_out(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    request = post(user)
    request.META["REMOTE_ADDR"] = "proxy"
    consent = payment_methods.consent_of(request, moocher, ticked())
    assert consent is not None
    assert consent.ip_address == ""


# Saved without a payment


def begin(moocher: StripeMoocher, user: User, token: str = "", **boxes: str) -> PaymentMethod:
    data = {"consent_version": wording().version, "confirmation_token": token, **boxes}
    return payment_methods.begin_saving(post(user, **data), moocher, data)


def test_a_card_is_saved_without_a_payment(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    token = psp.stripe.confirmation_token("pm_card_visa")
    method = begin(moocher, user, token, allow_unattended="on")
    assert (method.state, method.label) == (State.ACTIVE, "Visa ending 4242")
    assert (method.consent_text, method.unattended_text) == (wording().save, wording().unattended)
    assert at_stripe(psp, method) == method.customer_id
    assert taken(psp) == 0


def test_a_bank_is_asked_first(psp: SandboxPSP, moocher: StripeMoocher, user: User) -> None:
    token = psp.stripe.confirmation_token("pm_card_threeDSecure2Required")
    method = begin(moocher, user, token)
    assert method.state == State.PENDING
    assert payment_methods.refresh(method).state == State.PENDING
    assert payment_methods.refresh(method.as_stored()).asked_at == method.as_stored().asked_at


def test_a_card_that_is_declined_is_not_saved(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    token = psp.stripe.confirmation_token("pm_card_visa_chargeDeclined")
    method = begin(moocher, user, token)
    assert (method.state, method.failure_code) == (State.FAILED, DeclineCode.GENERIC)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"consent_version": "older"}, FormExpiredError),
        ({"confirmation_token": "4242424242424242"}, FormInvalidError),
    ],
)
def test_what_a_form_lacks_is_said_before_anything_is_kept(
    moocher: StripeMoocher, user: User, data: dict[str, str], error: type[Exception]
) -> None:
    data = {"consent_version": wording().version, **data}
    with pytest.raises(error):
        payment_methods.begin_saving(post(user, **data), moocher, data)
    assert not Customer.objects.exists()


def test_a_moocher_that_saves_nothing_says_so(moocher: StripeMoocher, user: User) -> None:
    with mock.patch.object(moocher, "can_save", new=False), pytest.raises(MoocherError):
        begin(moocher, user)


def test_trying_cards_by_saving_them_is_slowed_down(
    psp: SandboxPSP, moocher: StripeMoocher, user: User, settings: Settings
) -> None:
    settings.PAYMENTS_UI |= {"ATTEMPTS_PER_HOUR": 2}
    for card in ("pm_card_visa", "pm_card_visa_chargeDeclined"):
        begin(moocher, user, psp.stripe.confirmation_token(card))
    with pytest.raises(TooManyAttemptsError):
        begin(moocher, user, psp.stripe.confirmation_token("pm_card_visa"))
    with pytest.raises(TooManyAttemptsError):
        pay(pending(user, "5"), moocher)


def test_an_answer_that_is_lost_is_asked_for(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    Customer.objects.for_user(user, **moocher.keeps_at)
    payment_methods.customer_of(user, moocher)
    psp.plan.add("lost_reply", on="save")
    method = begin(moocher, user, psp.stripe.confirmation_token("pm_card_visa"))
    assert method.state == State.PENDING
    later(method, minutes=2)
    assert reconcile().methods_saved == 1
    assert method.as_stored().label == "Visa ending 4242"


def later(method: PaymentMethod, **ago: float) -> None:
    """Let it have begun so long ago."""
    bare(PaymentMethod).filter(pk=method.pk).update(created_at=timezone.now() - dt.timedelta(**ago))


def test_what_nobody_finishes_within_a_day_is_called_off(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    token = psp.stripe.confirmation_token("pm_card_threeDSecure2Required")
    method = begin(moocher, user, token)
    later(method, hours=23)
    assert reconcile().methods_removed == 0
    later(method, hours=25)
    assert reconcile(everything=True).methods_removed == 1
    assert method.as_stored().state == State.REMOVED


def test_a_psp_that_says_nothing_is_left_alone_for_a_run(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    customer = payment_methods.customer_of(user, moocher)
    for _number in range(6):
        later(saving(user, customer=customer, moocher="stripe"), hours=1)
    psp.plan.add("error_before", on="any", times=20)
    assert reconcile().not_answering == ["stripe"]


def test_a_set_up_is_known_by_its_notice(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    token = psp.stripe.confirmation_token("pm_card_threeDSecure2Required")
    method = begin(moocher, user, token)
    for named in (notice(setup_reference=method.psp_reference), notice(setup_id=method.pk)):
        assert payment_methods.handle_notice(named, moocher)
    # Anybody may post what is not signed.
    with pytest.raises(PSPUnavailableError):
        payment_methods.handle_notice(notice(event_id="", setup_id=method.pk), moocher)
    psp.plan.add("error_before", on="fetch")
    with pytest.raises(PSPUnavailableError):
        payment_methods.handle_notice(notice(setup_id=method.pk), moocher)


# Charged again


def test_one_press_charges_what_is_saved(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    attempt = pay(pending(user, "7"), moocher, payment_method=str(method.pk))
    assert (attempt.state, attempt.payment_method) == (Attempt.State.SETTLED, method)
    assert taken(psp) == 1200
    assert PaymentMethod.objects.count() == 1


@pytest.mark.parametrize("named", ["nonsense", "00000000-0000-0000-0000-000000000000", ""])
def test_what_is_not_theirs_is_not_charged(
    psp: SandboxPSP, moocher: StripeMoocher, user: User, make_user: UserFactory, named: str
) -> None:
    theirs = save_along(psp, moocher, make_user())
    with pytest.raises(PaymentMethodGoneError):
        pay(pending(user, "7"), moocher, payment_method=named or str(theirs.pk))
    assert Attempt.objects.count() == 1


def test_what_the_psp_has_no_more_is_not_charged(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    asking(psp).v1.payment_methods.detach(str(method.method_id))
    payment = pending(user, "7")
    with pytest.raises(PaymentMethodGoneError):
        pay(payment, moocher, payment_method=str(method.pk))
    assert method.as_stored().state == State.REMOVED
    assert not payment.attempts.exists()


def test_nothing_is_charged_while_the_psp_does_not_say(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    psp.plan.add("error_before", on="fetch")
    payment = pending(user, "7")
    with pytest.raises(MoocherError):
        pay(payment, moocher, payment_method=str(method.pk))
    assert method.as_stored().is_active
    assert not payment.attempts.exists()


def test_a_card_that_is_renewed_says_so(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    psp.stripe.payment_methods.expire(str(method.method_id), year=2101, month=5)
    assert payment_methods.check(method, moocher).expires_year == 2101


def test_removed_in_another_tab_it_is_not_charged(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    payment = pending(user, "7")

    def removed_meanwhile(checked: PaymentMethod, moocher: StripeMoocher) -> PaymentMethod:
        method.remove()
        return checked

    with (
        mock.patch.object(payment_methods, "check", removed_meanwhile),
        pytest.raises(PaymentMethodGoneError),
    ):
        pay(payment, moocher, payment_method=str(method.pk))
    assert not payment.attempts.exists()


# Without the user


def charging(moocher: StripeMoocher) -> Charging:
    data_for = saved_methods(moocher)
    return Charging(moocher, base_url=SITE, data_for=data_for, per_second=None, pauses=())


def test_what_its_user_agreed_to_is_charged_without_them(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user, unattended=True)
    payment = pending(user, "7")
    assert charging(moocher)(payment) == Result.SUCCESS
    assert payment.attempts.get().payment_method == method
    assert taken(psp) == 1200


def test_what_its_user_did_not_agree_to_is_left_alone(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    save_along(psp, moocher, user)
    payment = pending(user, "7")
    assert charging(moocher)(payment) == Result.FAILURE
    assert not payment.attempts.exists()


def test_nor_where_a_site_chooses_what_to_charge(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    payment = pending(user, "7")
    processor = Charging(
        moocher, base_url=SITE, data_for=lambda _payment: {"payment_method": method}, pauses=()
    )
    assert processor(payment) == Result.FAILURE
    assert not payment.attempts.exists()


def test_what_was_removed_is_not_charged_without_them(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user, unattended=True)
    asking(psp).v1.payment_methods.detach(str(method.method_id))
    payment = pending(user, "7")
    assert charging(moocher)(payment) == Result.FAILURE
    assert not payment.attempts.exists()
    assert not method.as_stored().is_active


def test_a_run_ends_where_the_psp_does_not_say_what_it_keeps(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    save_along(psp, moocher, user, unattended=True)
    psp.plan.add("error_before", on="fetch", times=5)
    payment, processor = pending(user, "7"), charging(moocher)
    assert [processor(payment) for _again in range(4)] == [Result.TERMINATE] * 4
    with pytest.raises(StopProcessingError):
        processor(payment)
    assert not payment.attempts.exists()


def test_a_bank_that_wants_to_see_the_user_declines(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    card = "pm_card_authenticationRequired"
    method = save_along(psp, moocher, user, card=card, unattended=True)
    assert approved(psp, moocher, method).is_active
    payment = pending(user, "7")
    assert charging(moocher)(payment) == Result.FAILURE
    assert payment.attempts.get().failure_code == DeclineCode.AUTHENTICATION_REQUIRED
    assert method.as_stored().is_active


# Removed


def test_it_is_removed_at_the_psp_too(psp: SandboxPSP, moocher: StripeMoocher, user: User) -> None:
    method = save_along(psp, moocher, user).remove(by="user:1")
    assert method.state == State.REMOVED
    assert at_stripe(psp, method) is None


def test_the_reconciler_removes_what_could_not_be_removed_at_once(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    psp.plan.add("error_before", on="save")
    assert method.remove().state == State.REMOVING
    assert reconcile(dry_run=True).methods_removed == 0
    assert reconcile().methods_removed == 1
    assert at_stripe(psp, method) is None
    assert method.as_stored().state == State.REMOVED


def test_a_psp_that_does_not_answer_is_asked_again_later(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    psp.plan.add("error_before", on="save", times=2)
    method.remove()
    assert reconcile().methods_removed == 0
    assert reconcile().methods_removed == 0  # not yet again
    assert reconcile(everything=True).methods_removed == 1


def test_somebody_who_is_anonymized_leaves_nothing_at_the_psp(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    anonymize_user(user)
    stored = method.as_stored()
    assert (stored.state, stored.consent_ip, stored.last_four) == (State.REMOVING, "", "")
    assert stored.consent_text == wording().save
    result = reconcile()
    assert (result.methods_removed, result.customers_removed) == (1, 1)
    assert at_stripe(psp, method) is None
    assert asking(psp).v1.customers.retrieve(method.customer_id).deleted
    assert reconcile().customers_removed == 0


def test_a_customer_whom_the_psp_never_made_is_forgotten_without_it(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    Customer.objects.for_user(user, **moocher.keeps_at)
    PaymentMethod.objects.remove_all(user)
    assert reconcile(moocher="stripe").customers_removed == 1


def test_a_customer_who_is_made_after_their_user_has_left_is_forgotten_too(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    customer = Customer.objects.for_user(user, **moocher.keeps_at)
    made = moocher.create_customer(user, key=customer.idempotency_key)
    PaymentMethod.objects.remove_all(user)
    assert reconcile().customers_removed == 1
    customer.name(made)  # the answer comes last
    bare(Customer).update(asked_at=None)
    assert reconcile().customers_removed == 1
    assert asking(psp).v1.customers.retrieve(made).deleted


def test_what_was_saved_is_given_up_also_where_nothing_is_saved_any_more(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    moocher.can_save = False
    assert method.remove().state == State.REMOVED
    assert at_stripe(psp, method) is None
    PaymentMethod.objects.remove_all(user)
    assert reconcile().customers_removed == 1


def test_a_customer_is_asked_to_be_forgotten_by_one_of_several_at_once(
    psp: SandboxPSP, moocher: StripeMoocher, user: User, settings: Settings
) -> None:
    customer = save_along(psp, moocher, user).psp_customer
    PaymentMethod.objects.remove_all(user)
    moochers, settings.PAYMENTS_UI = settings.PAYMENTS_UI, {"MOOCHERS": []}
    assert not payment_methods.forget_customer(customer)
    settings.PAYMENTS_UI = moochers
    assert payment_methods.forget_customer(customer)
    assert not payment_methods.forget_customer(customer)


@pytest.mark.parametrize("forgotten", ["stripe", None])
def test_without_its_moocher_nothing_is_asked(
    psp: SandboxPSP,
    moocher: StripeMoocher,
    user: User,
    settings: Settings,
    forgotten: str | None,
) -> None:
    method = save_along(psp, moocher, user)
    waiting = saving(user, customer=method.psp_customer)
    bare(PaymentMethod).update(created_at=timezone.now() - dt.timedelta(hours=1))
    settings.PAYMENTS_UI = {"MOOCHERS": []}
    assert method.remove().state == State.REMOVING
    assert payment_methods.refresh(waiting) == waiting
    PaymentMethod.objects.remove_all(user)
    result = reconcile(moocher=forgotten)
    assert (result.methods_removed, result.customers_removed, result.errors) == (0, 0, 0)


def test_what_an_open_attempt_may_yet_save_is_waited_for(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user, card="pm_card_threeDSecure2Required")
    assert method.attempt is not None
    assert method.state == State.PENDING
    assert method.remove().state == State.REMOVING
    assert approved(psp, moocher, method).method_id is not None
    assert reconcile().methods_removed == 1
    assert at_stripe(psp, method.as_stored()) is None


# Notices


def test_a_notice_about_what_was_given_up_takes_it_out_of_use(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    asking(psp).v1.payment_methods.detach(str(method.method_id))
    named = notice(method_reference=method.method_id, customer_reference=method.customer_id)
    assert payment_methods.handle_notice(named, moocher)
    assert method.as_stored().state == State.REMOVED
    assert payment_methods.handle_notice(named, moocher)


def test_a_notice_about_a_customer_is_about_all_of_theirs(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    methods = [
        save_along(psp, moocher, user),
        save_along(psp, moocher, user, card="pm_card_mastercard"),
    ]
    asking(psp).v1.customers.delete(methods[0].customer_id)
    assert payment_methods.handle_notice(notice(customer_reference=methods[0].customer_id), moocher)
    assert {method.as_stored().state for method in methods} == {State.REMOVED}


def test_where_a_customer_was_deleted_at_the_psp_another_one_is_made(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    named = notice(customer_reference=method.customer_id)
    assert payment_methods.handle_notice(named, moocher)
    assert method.as_stored().is_active, "A customer who keeps something is not given up"
    asking(psp).v1.customers.delete(method.customer_id)
    assert payment_methods.handle_notice(named, moocher)
    again = save_along(psp, moocher, user)
    assert again.is_active
    assert again.customer_id != method.customer_id


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"method_reference": "pm_unknown"},
        {"setup_reference": "seti_unknown"},
        {"customer_reference": "cus_unknown"},
    ],
)
def test_a_notice_about_nothing_of_ours_asks_nobody(
    psp: SandboxPSP, moocher: StripeMoocher, user: User, facts: dict[str, str]
) -> None:
    with mock.patch.object(moocher, "describe") as describe:
        assert not payment_methods.handle_notice(notice(**facts), moocher)
    assert not describe.called


def test_a_notice_about_what_is_to_be_removed_removes_it(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    method = save_along(psp, moocher, user)
    psp.plan.add("error_before", on="save", times=2)
    method.remove()
    named = notice(method_reference=method.method_id)
    with pytest.raises(PSPUnavailableError):
        payment_methods.handle_notice(named, moocher)
    assert payment_methods.handle_notice(named, moocher)
    assert method.as_stored().state == State.REMOVED


@pytest.mark.parametrize("named", ["stripe", None])
def test_what_a_dead_process_did_not_tell_is_told(
    psp: SandboxPSP, moocher: StripeMoocher, user: User, named: str | None
) -> None:
    method = save_along(psp, moocher, user)
    told: list[PaymentMethod] = []

    def on_saved(payment_method: PaymentMethod, **kwargs: object) -> None:
        told.append(payment_method)

    an_hour_ago = timezone.now() - dt.timedelta(hours=1)
    bare(PaymentMethod).update(signal_due_at=an_hour_ago)
    signals.payment_method_saved.connect(on_saved)
    reconcile(moocher=named)
    signals.payment_method_saved.disconnect(on_saved)
    assert told == [method]
    assert method.as_stored().signal_due_at is None
