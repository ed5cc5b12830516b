"""Links in mails: one payment, signed out, for some days; and mails that nobody wants any more."""

from __future__ import annotations

import time
import uuid
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.mails.states import MailKind
from payments_ui.core.models import JournalEntry, LineItem, MailStop, Payment, PaymentMethod
from payments_ui.flows.mails import texts
from payments_ui.flows.tokens import LinkToken, StopToken
from payments_ui.testing.psp import SandboxPSP
from payments_ui.views import access
from tests.conftest import UserFactory
from tests.core.support import pending, record
from tests.saving import SAVING, saved
from tests.shopping import IN_PLACE, Shopper, dom, step, stored, url

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def guest(user: User) -> Shopper:
    """Return who has the mail, and no account here: another browser, nobody signed in."""
    return Shopper(user, Client())


def path(payment: Payment) -> str:
    return urlsplit(texts.link(payment)).path


def open_link(guest: Shopper, payment: Payment) -> None:
    assert guest.get(path(payment)).status_code == 302


def test_who_has_the_link_pays_without_signing_in(guest: Shopper, psp: SandboxPSP) -> None:
    payment = pending(guest.user, "5")
    response = guest.get(path(payment))
    assert (response.status_code, response["Location"]) == (302, url("payment", payment))
    assert step(guest.get(url("payment", payment))) == "payment"
    assert guest.pay(payment).status_code == 303
    assert stored(payment).state == Payment.State.CHARGED
    assert step(guest.get(url("payment", payment))) == "charged"
    assert guest.get(url("receipt", payment)).status_code == 200
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.ATTEMPT_STARTED)
    assert entry.actor == "link"


def test_in_place_and_with_a_bank_step_too(guest: Shopper, psp: SandboxPSP) -> None:
    guest.js = True
    payment = pending(guest.user, "5")
    open_link(guest, payment)
    psp.plan.add("3ds")
    answer = guest.pay(payment)
    assert (answer.status_code, "HX-Redirect" in answer) == (204, True)
    attempt = payment.attempts.get()
    guest.js = False
    back = reverse("payments_ui:return", kwargs={"pk": payment.pk, "identifier": "cards"})
    token = signing.dumps([attempt.pk.hex, ""], salt="payments_ui.return")
    # Led back to the payment itself, and not to a page that asks for signing in.
    answer = guest.get(back, attempt=token)
    assert (answer.status_code, answer["Location"]) == (303, url("payment", payment))
    assert guest.post(url("attempt_cancellation", payment)).status_code in (200, 303, 409)


def test_it_shows_that_one_payment_and_nothing_else(
    guest: Shopper, settings: Settings, psp: SandboxPSP
) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "MOOCHERS": [SAVING]}
    saved(guest.user)
    payment, other = pending(guest.user, "5"), pending(guest.user, "6")
    record(guest.user, "7")
    open_link(guest, payment)
    response = guest.get(url("payment", payment))
    page = response.content.decode()
    assert "CHF\xa05.00" in page
    # No new items, no way back to a list, no card that this payment has nothing to do with.
    assert "CHF\xa07.00" not in page
    assert "Back to your items" not in page
    assert "Cancel this payment" not in page
    assert "ending 4242" not in page
    for name in ("charges", "payments", "methods", "selection"):
        assert guest.get(url(name)).status_code == 302
    assert guest.get(url("payment", other)).status_code == 302
    assert guest.get(url("receipt", other)).status_code == 302
    for name in ("cancellation", "lineitems"):
        assert guest.post(url(name, payment)).status_code == 302
    assert stored(payment).state == Payment.State.PENDING
    assert LineItem.objects.unbound().count() == 1


def test_it_offers_the_card_that_was_tried_and_saves_none(
    guest: Shopper, settings: Settings, psp: SandboxPSP
) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "MOOCHERS": [SAVING]}
    method = saved(guest.user, unattended="Charge me.")
    payment = pending(guest.user, "5")
    attempt = payment.start_attempt(moocher="saving", payment_method=method, unattended=True)
    attempt.record(Declined(code=DeclineCode.AUTHENTICATION_REQUIRED))
    open_link(guest, payment)
    page = guest.get(url("payment", payment)).content.decode()
    assert "4242" in page
    assert "save_method" not in page
    form = guest.form(payment, "saving")
    guest.post(url("moocher", payment, "saving"), {**form, "save_method": "on"})
    assert stored(payment).state == Payment.State.CHARGED
    assert list(PaymentMethod.objects.all()) == [method]


@pytest.mark.parametrize("token", ["x", "", "a:b:c", "x" * 400])
def test_a_wrong_link_is_a_404(guest: Shopper, token: str) -> None:
    assert guest.get(f"/links/{token or '-'}/").status_code == 404


def test_a_link_of_another_purpose_is_a_404(guest: Shopper) -> None:
    payment = pending(guest.user, "5")
    for salt in ("payments_ui.return", "payments_ui.form", "payments_ui.mail_stop"):
        token = signing.dumps(payment.pk.hex, salt=salt)
        assert guest.get(f"/links/{token}/").status_code == 404
    token = signing.dumps("no uuid", salt="payments_ui.link")
    assert guest.get(f"/links/{token}/").status_code == 404


def test_a_link_to_another_payment_is_a_404(guest: Shopper) -> None:
    nobodys = Payment(id=uuid.uuid4())
    assert guest.get(f"/links/{LinkToken.make(nobodys)}/").status_code == 404


def test_a_link_expires_and_so_does_what_it_let_in(guest: Shopper) -> None:
    payment = pending(guest.user, "5")
    link = path(payment)
    open_link(guest, payment)
    later = time.time() + 7 * DAY + 1
    with mock.patch("payments_ui.views.access.time.time", return_value=later):
        assert guest.get(url("payment", payment)).status_code == 302
        assert guest.get(link).status_code == 404


def test_a_link_that_has_served_its_purpose_is_a_404(guest: Shopper, psp: SandboxPSP) -> None:
    payment = pending(guest.user, "5")
    link = path(payment)
    open_link(guest, payment)
    guest.pay(payment)
    assert guest.get(link).status_code == 404
    assert Shopper(guest.user, Client()).get(link).status_code == 404
    given_up = pending(guest.user, "6")
    link = path(given_up)
    given_up.cancel_pending()
    assert guest.get(link).status_code == 404


def test_what_was_given_up_is_not_shown_by_its_link(guest: Shopper) -> None:
    payment = pending(guest.user, "5")
    open_link(guest, payment)
    payment.cancel_pending()
    assert guest.get(url("payment", payment)).status_code == 302


def test_nothing_is_kept_and_no_site_hears_of_it(guest: Shopper) -> None:
    payment = pending(guest.user, "5")
    for response in (guest.get(path(payment)), guest.get("/links/x/")):
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
        assert response["X-Frame-Options"] == "DENY"
    assert guest.get(path(payment))["Referrer-Policy"] == "no-referrer"
    page = guest.get(url("payment", payment))
    assert "no-store" in page["Cache-Control"]
    # The token is in no address and in no markup of the page.
    assert LinkToken.make(payment)[:20] not in page.content.decode()
    inline = [node for node in dom(page).all("script") if "src" not in node.attrs]
    assert not inline


def test_who_is_signed_in_as_somebody_else_pays_it_too(
    make_user: UserFactory, guest: Shopper, psp: SandboxPSP
) -> None:
    friend = make_user()
    guest.client.force_login(friend)
    payment = pending(guest.user, "5")
    assert guest.get(url("payment", payment)).status_code == 404
    open_link(guest, payment)
    guest.pay(payment)
    assert stored(payment).state == Payment.State.CHARGED
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.ATTEMPT_STARTED)
    assert entry.actor == f"user:{friend.pk}"


def test_its_owner_sees_everything_as_usual(guest: Shopper) -> None:
    guest.client.force_login(guest.user)
    payment = pending(guest.user, "5")
    record(guest.user, "7")
    open_link(guest, payment)
    page = guest.get(url("payment", payment)).content.decode()
    assert "7.00" in page
    assert "Back to your items" in page


def test_a_browser_remembers_the_latest_links_only(guest: Shopper) -> None:
    payments = [pending(guest.user, "5") for _number in range(11)]
    for payment in payments:
        open_link(guest, payment)
    assert guest.get(url("payment", payments[0])).status_code == 302
    assert guest.get(url("payment", payments[-1])).status_code == 200


def test_in_place_a_stranger_is_told_to_sign_in(guest: Shopper) -> None:
    payment = pending(guest.user, "5")
    answer = guest.client.get(url("payment", payment), headers=IN_PLACE)
    assert step(answer) == "signed-out" or "Sign in" in answer.content.decode()


def test_a_mail_is_declined_by_its_link_after_a_question(user: User) -> None:
    client = Client()
    where = f"/mails/{StopToken.make(user, MailKind.RECEIPT)}/"
    asked = client.get(where)
    assert "receipt" in asked.content.decode()
    # Stricter, and browsers would not say where a form was sent from, which Django wants to know.
    assert asked["Referrer-Policy"] == "same-origin"
    assert not MailStop.objects.exists()
    assert "You get no more mails" in client.post(where).content.decode()
    assert MailStop.objects.get().user == user
    client.post(where, {"wanted": ""})
    assert not MailStop.objects.exists()


def test_what_must_be_sent_cannot_be_declined(user: User) -> None:
    client = Client()
    for token in (
        StopToken.make(user, MailKind.NOTICE),
        StopToken.make(user, "nonsense"),
        StopToken.make(User(pk=user.pk + 1), MailKind.RECEIPT),
        signing.dumps(["no number", "receipt"], salt="payments_ui.mail_stop"),
        "x",
    ):
        assert client.post(f"/mails/{token}/").status_code == 404


def test_a_mail_program_declines_it_with_one_click(user: User) -> None:
    # As RFC 8058 has it: no cookie, no page of ours before, and no redirect after.
    program = Client(enforce_csrf_checks=True)
    where = f"/mails/{StopToken.make(user, MailKind.RECEIPT)}/"
    for _again in range(2):
        answer = program.post(
            where,
            "List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
            headers={"Origin": "https://mail.example"},
        )
        assert answer.status_code == 200
        assert not answer.cookies
    stop = MailStop.objects.get()
    assert (stop.user, stop.kind) == (user, MailKind.RECEIPT)


def test_only_its_token_is_believed(make_user: UserFactory) -> None:
    ann, bob = make_user(), make_user()
    client = Client()
    client.force_login(bob)
    where = f"/mails/{StopToken.make(ann, MailKind.RECEIPT)}/"
    assert client.post(f"{where}?kind=card_expires", {"user": bob.pk}).status_code == 200
    assert MailStop.objects.get().user == ann
    # A letter more or less, and it is nobody's.
    changed = where.replace(":", "x:", 1)
    assert client.post(changed).status_code == 404


def test_opening_a_link_late_does_not_prolong_it(guest: Shopper) -> None:
    payment = pending(guest.user, "5")
    link, now = path(payment), time.time()
    late = now + 6 * DAY
    with (
        mock.patch("payments_ui.views.access.time.time", return_value=late),
        mock.patch("django.core.signing.time.time", return_value=late),
    ):
        assert guest.get(link).status_code == 302
        assert guest.get(url("payment", payment)).status_code == 200
    with mock.patch("payments_ui.views.access.time.time", return_value=now + 7 * DAY + 1):
        assert guest.get(url("payment", payment)).status_code == 302


@pytest.mark.parametrize("name", ["attempt_cancellation", "moocher"])
def test_a_form_that_says_another_payer_shows_a_guest_no_list(
    guest: Shopper, make_user: UserFactory, psp: SandboxPSP, name: str
) -> None:
    payment = pending(guest.user, "5")
    record(guest.user, "7")
    open_link(guest, payment)
    where = url(name, payment, "cards") if name == "moocher" else url(name, payment)
    answer = guest.client.post(where, {"w-payer": "somebody else"})
    assert answer.status_code == 302
    guest.client.force_login(make_user())
    open_link(guest, payment)
    assert guest.client.post(where, {"w-payer": "somebody else"}).status_code == 404
    assert not payment.attempts.exists()


def test_nor_where_its_owner_gives_it_up_at_that_moment(guest: Shopper, psp: SandboxPSP) -> None:
    payment = pending(guest.user, "5")
    record(guest.user, "7")
    open_link(guest, payment)
    form = guest.form(payment)
    known = access.admit_guest

    def admit_then_cancel(request: HttpRequest, pk: uuid.UUID | None) -> bool:
        is_admitted = known(request, pk)
        payment.cancel_pending()
        return is_admitted

    with mock.patch.object(access, "admit_guest", admit_then_cancel):
        answer = guest.post(url("moocher", payment, "cards"), form)
    assert answer.status_code == 302
    assert not psp.calls


def test_a_guest_pays_with_no_card_that_this_payment_has_nothing_to_do_with(
    guest: Shopper, settings: Settings, psp: SandboxPSP
) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "MOOCHERS": [SAVING]}
    method = saved(guest.user)
    payment = pending(guest.user, "5")
    open_link(guest, payment)
    form = guest.form(payment, "saving")
    guest.post(url("moocher", payment, "saving"), {**form, "payment_method": str(method.pk)})
    assert stored(payment).state == Payment.State.PENDING
    assert not psp.calls
