"""Mails to customers: in their language, once, with a link that mends it, and not unwanted."""

from __future__ import annotations

import datetime as dt
from smtplib import SMTPRecipientsRefused
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from pytest_django import Settings

from payments_ui.conf import MAILS
from payments_ui.core import clock
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
)
from payments_ui.core.mails.model import MailQuerySet
from payments_ui.core.mails.states import MailKind, MailState
from payments_ui.core.models import (
    Attempt,
    JournalEntry,
    Mail,
    MailStart,
    MailStop,
    Payment,
    PaymentMethod,
    Recovery,
)
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.flows.charge_payers import NightResult, Options, charge_payers
from payments_ui.flows.mails import texts
from payments_ui.flows.mails.due import MailsResult, begin, send_due
from payments_ui.flows.mails.send import address_of, send
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, charged, pending, record, started, together
from tests.fakes import TRANSFER, LaggingReplica
from tests.saving import SAVING, saved, saving

pytestmark = pytest.mark.django_db
NO_MONEY = Declined(code=DeclineCode.INSUFFICIENT_FUNDS)
NIGHTLY = "payments_ui.core.billing.schedules.nightly"
NOTICES = "payments_ui.core.billing.notices"


def german(user: User) -> str | None:
    return "de" if user.username == "hans" else None


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> dict[str, Any]:
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING, TRANSFER],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": NIGHTLY,
        "PAYEE": "Rechenwerk AG",
        "PAYEE_ADDRESS": "Limmatstrasse 1\n8005 Zürich",
    }
    settings.PAYMENTS_UI = given
    # Long ago, so that what tests date back is news.
    with clock.moved(-dt.timedelta(days=60)):
        begin()
    return given


@pytest.fixture
def payer(user: User) -> User:
    """Return somebody who owes five francs, and agreed to be charged."""
    saved(user, unattended="Charge me.")
    record(user, "5")
    return user


def night(day: int = 0) -> NightResult:
    with clock.moved(dt.timedelta(days=day, minutes=1)):
        return charge_payers(options=Options())


def sent(kind: MailKind | None = None) -> mail.EmailMultiAlternatives:
    """Return the one mail that was sent."""
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    if kind is not None:
        assert Mail.objects.get().kind == kind
    return message


def html(message: mail.EmailMultiAlternatives) -> str:
    (alternative,) = message.alternatives
    return str(alternative[0])


def test_a_receipt_is_sent_once(payer: User) -> None:
    night()
    assert send_due().sent == {"receipt": 1}
    assert send_due() == MailsResult()
    message = sent(MailKind.RECEIPT)
    assert message.to == [payer.email]
    assert message.subject == "Receipt for CHF\u00a05.00, Rechenwerk AG".replace("\u00a0", " ")
    payment_url = f"https://shop.example/payments/{Attempt.objects.get().payment_id}/receipt/"
    for body in (message.body, html(message)):
        assert "Use 0" in body
        assert "Visa ending 4242" in body
        assert payment_url in body
        assert "8005 Zürich" in body
    assert "Number:" in message.body


def test_what_a_customer_paid_in_the_widget_has_a_receipt_too(user: User) -> None:
    charged(user, "5")
    assert send_due().sent == {"receipt": 1}
    assert "charged to" not in sent().body


def test_a_failed_payment_says_when_it_is_tried_again_and_how_to_mend_it(payer: User) -> None:
    saving.outcomes.append(NO_MONEY)
    night()
    assert send_due().sent == {"payment_failed": 1}
    message = sent(MailKind.PAYMENT_FAILED)
    assert "We could not charge CHF\u00a05.00 to Visa ending 4242 on" in message.body
    assert "We try again on" in message.body
    assert "not enough money" in message.body
    assert "https://shop.example/links/" in message.body


def test_each_failure_is_told_and_the_last_says_that_it_is_the_last(
    payer: User, site: dict[str, Any]
) -> None:
    site["RETRY_AFTER_DAYS"] = (1,)
    site["RETRY_HOURS"] = (0, 24)
    saving.outcomes.extend([NO_MONEY, NO_MONEY])
    night()
    send_due()
    night(1)
    send_due()
    assert [("We do not try again" in str(one.body)) for one in mail.outbox] == [False, True]


def test_a_payment_without_a_card_is_told_without_one(user: User) -> None:
    started(pending(user, "5"), unattended=True).record(NO_MONEY)
    assert "We could not charge CHF\u00a05.00 on" in Recovery.objects.get().sentences[0]


@pytest.mark.parametrize(
    "outcome",
    [
        Declined(code=DeclineCode.AUTHENTICATION_REQUIRED),
        ActionRequired(url="https://bank.example/", psp_reference="3ds"),
    ],
    ids=["declined", "open"],
)
def test_a_step_that_the_bank_wants_is_asked_for(payer: User, outcome: Any) -> None:
    saving.outcomes.append(outcome)
    night()
    assert send_due().sent == {"confirmation": 1}
    message = sent(MailKind.CONFIRMATION)
    assert "Your bank wants you to confirm" in message.body
    assert "https://shop.example/links/" in html(message)


def test_the_details_of_a_transfer_are_sent(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="transfer", manual=True)
    attempt.record(Pending(psp_reference="00 00000"))
    send_due()
    body = sent(MailKind.TRANSFER_DETAILS).body
    assert f"/payments/{attempt.payment_id}/" in body


def test_they_have_account_and_reference(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="transfer", manual=True)
    names = [name for name, _value in texts.transfer_details(attempt).rows]
    assert names == ["Amount", "Account (IBAN)", "Reference for your transfer", "Payable to"]
    attempt.psp_reference = "changed"
    assert not texts.transfer_details(attempt).rows
    attempt.moocher = "gone"
    assert not texts.transfer_details(attempt).rows


def test_a_mail_of_a_transfer_in_parts_says_what_is_missing_and_what_arrived(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="transfer", manual=True)
    attempt.payment.book_by_hand(by="user:1", reason="seen", amount="2")
    text = texts.transfer_details(attempt.as_stored())
    assert "CHF\u00a03.00" in text.subject
    assert dict(text.rows)["Amount"] == "CHF\u00a03.00"
    attempt.write_off(by="user:1", reason="not worth it")
    text = texts.receipt(attempt.as_stored())
    assert text.paragraphs[0].startswith("You paid CHF\u00a02.00 on")
    assert text.paragraphs[1] == "CHF\u00a03.00 is waived: you do not owe it any more."


def test_a_refund_is_told(user: User) -> None:
    payment = charged(user, "5")
    send_due()
    mail.outbox.clear()
    refund = payment.settled_attempt().request_refund(reason="Sorry.")
    from payments_ui.core.attempts.outcomes import Succeeded

    refund.record(Succeeded(psp_reference="re_1", amount=refund.amount, currency="CHF"))
    assert send_due().sent == {"refund_sent": 1}
    assert "sent back CHF" in mail.outbox[0].body.replace("We have sent", "sent")


@pytest.mark.parametrize(
    ("month", "year", "day"), [(7, 2099, "2099-06-20"), (1, 2099, "2098-12-2")]
)
def test_a_card_that_expires_next_month_is_told_once(
    user: User, month: int, year: int, day: str
) -> None:
    saved(user, unattended="Charge me.")
    bare(PaymentMethod).update(expires_month=month, expires_year=year)
    when = dt.datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=dt.UTC) - timezone.now()
    with clock.moved(when):
        assert send_due().sent == {"card_expires": 1}
        assert send_due().due == 0
    assert sent(MailKind.CARD_EXPIRES).subject == "Visa ending 4242 expires next month"


def test_mails_are_in_the_language_of_who_gets_them(
    make_user: UserFactory, site: dict[str, Any], settings: Settings
) -> None:
    site["LANGUAGE_OF"] = f"{__name__}.german"
    for name in ("hans", "ann"):
        saved(make_user(username=name), unattended="Charge me.")
    bare(PaymentMethod).update(expires_month=7, expires_year=2099)
    with clock.moved(dt.datetime(2099, 6, 3, tzinfo=dt.UTC) - timezone.now()):
        send_due()
    languages = {one.to[0]: 'lang="de"' in html(one) for one in mail.outbox}  # type: ignore[arg-type]
    assert languages == {"hans@example.com": True, "ann@example.com": False}


def test_please_pay_is_sent_once_for_each_payment(user: User, site: dict[str, Any]) -> None:
    site["PROCESSORS"] = ["payments_ui.flows.processors.PleasePay"]
    record(user, "6")
    assert [night().asked, night().asked] == [1, 0]
    message = sent(MailKind.PLEASE_PAY)
    assert message.subject.startswith("Please pay CHF")
    assert "https://shop.example/links/" in message.body


def test_who_paid_a_part_that_waits_for_a_review_is_not_asked(
    user: User, site: dict[str, Any]
) -> None:
    site["PROCESSORS"] = ["payments_ui.flows.processors.PleasePay"]
    transfer = started(pending(user, "5"), moocher="transfer", manual=True, live=True)
    transfer.payment.book_by_hand(by="user:1", reason="seen", amount="2")
    transfer.record(Cancelled())
    night()
    assert not mail.outbox
    # Once somebody has decided, what is still owed is asked for.
    transfer.suspense_items.get().credit(by="user:1", reason="keeps it")
    night(1)
    assert "Please pay" in sent(MailKind.PLEASE_PAY).subject


def test_who_has_no_address_is_not_asked(make_user: UserFactory, site: dict[str, Any]) -> None:
    site["PROCESSORS"] = ["payments_ui.flows.processors.PleasePay"]
    record(make_user(email=""), "6")
    assert night().due == 0
    charged(make_user(email=""), "5")
    assert send_due().sent == {}


def test_who_was_told_of_a_decline_is_not_asked_as_well(payer: User, site: dict[str, Any]) -> None:
    site["PROCESSORS"] = [
        f"payments_ui.flows.processors.{name}" for name in ("SavedMethod", "PleasePay")
    ]
    saving.outcomes.append(NO_MONEY)
    assert night().declined == 1
    assert not mail.outbox


def test_a_notice_comes_a_day_before_each_try(payer: User, site: dict[str, Any]) -> None:
    site |= {"CHARGE_NOTICE": f"{NOTICES}.a_day", "RETRY_HOURS": (0, 24)}
    assert (night().asked, night().skipped) == (1, 1)
    assert "We will charge CHF\u00a05.00 to Visa ending 4242, not before" in sent().body
    saving.outcomes.append(NO_MONEY)
    assert night(2).declined == 1
    assert night(6).asked == 1
    assert night(8).charged == 1
    assert Mail.objects.filter(kind=MailKind.NOTICE).count() == 2


def test_a_card_that_is_renewed_again_and_again_has_one_before_each_try(payer: User) -> None:
    for renewals, day in enumerate((0, 10, 20)):
        bare(PaymentMethod).update(country="IN", renewals=renewals)
        assert (night(day).asked, Attempt.objects.count()) == (1, renewals)
        saving.outcomes.append(NO_MONEY)
        assert night(day + 2).declined == 1
    assert Mail.objects.filter(kind=MailKind.NOTICE).count() == 3


@pytest.mark.parametrize(("country", "asked"), [("IN", 1), ("CH", 0)])
def test_by_default_cards_of_india_have_a_notice(payer: User, country: str, asked: int) -> None:
    bare(PaymentMethod).update(country=country)
    assert (night().asked, Attempt.objects.count()) == (asked, 1 - asked)


def test_a_site_may_have_none(payer: User, site: dict[str, Any]) -> None:
    site["CHARGE_NOTICE"] = f"{NOTICES}.none"
    bare(PaymentMethod).update(country="IN")
    assert night().charged == 1


@pytest.fixture(params=[MailState.UNKNOWN, MailState.CLAIMED])
def notice_in_doubt(request: pytest.FixtureRequest, payer: User, site: dict[str, Any]) -> None:
    """Have the notice before a charge end so that nobody knows whether it was sent."""
    site["CHARGE_NOTICE"] = f"{NOTICES}.a_day"
    with mock.patch.object(EmailBackend, "send_messages", side_effect=OSError("lost")):
        night()
    if request.param == MailState.CLAIMED:
        # As where the process was killed while it sent.
        bare(Mail).update(state=MailState.CLAIMED)
    mail.outbox.clear()


@pytest.mark.usefixtures("notice_in_doubt")
def test_a_notice_in_doubt_holds_up_no_charge_longer_than_one_that_was_sent() -> None:
    with clock.moved(dt.timedelta(hours=23)):
        assert charge_payers(options=Options()).due == 1
    assert not Attempt.objects.exists()
    assert night(1).charged == 1
    assert not mail.outbox
    started_entry = JournalEntry.objects.get(verb=JournalEntry.Verb.ATTEMPT_STARTED)
    assert started_entry.reason == "The notice before it may not have been sent"


@pytest.mark.usefixtures("notice_in_doubt")
def test_one_that_a_law_wants_is_sent_again_until_it_is_known_to_be_sent() -> None:
    bare(PaymentMethod).update(country="IN")
    with clock.moved(dt.timedelta(hours=23)):
        charge_payers(options=Options())
    assert not mail.outbox
    assert night(1).asked == 1
    assert "We will charge" in sent(MailKind.NOTICE).body
    with clock.moved(dt.timedelta(days=1, hours=23)):
        charge_payers(options=Options())
    assert not Attempt.objects.exists()
    assert night(3).charged == 1
    assert JournalEntry.objects.get(verb=JournalEntry.Verb.ATTEMPT_STARTED).reason == ""


def test_who_cannot_be_told_is_charged_unless_a_law_wants_it(
    payer: User, make_user: UserFactory, site: dict[str, Any]
) -> None:
    site["CHARGE_NOTICE"] = f"{NOTICES}.a_day"
    payer.email = ""
    payer.save()
    by_law = make_user(email="")
    saved(by_law, unattended="Charge me.", country="IN")
    record(by_law, "6")
    nights = [night(day) for day in (0, 0, 1, 2)]
    assert [found.charged for found in nights] == [1, 0, 0, 0]
    assert [found.asked for found in nights] == [0, 0, 0, 0], "Nobody was asked anything"
    assert Attempt.objects.get().payment.user == payer
    # A clerk reads why, in the admin's list of mails and in the journal.
    told = Mail.objects.get()
    assert (told.user, told.state, told.tries) == (by_law, MailState.GIVEN_UP, 3)
    assert "No address" in told.problem
    by_law.email = "asha@example.com"
    by_law.save()
    night(3)
    assert Mail.objects.get().state == MailState.SENT
    assert night(5).charged == 1


def test_a_site_that_sends_no_notices_charges_without_unless_a_law_wants_them(
    payer: User, site: dict[str, Any]
) -> None:
    site |= {"CHARGE_NOTICE": f"{NOTICES}.a_day", "MAILS": ["receipt"]}
    assert night().charged == 1
    record(payer, "7")
    bare(PaymentMethod).update(country="IN")
    assert [night(day).charged for day in (2, 4)] == [0, 0]


def test_who_has_paid_meanwhile_is_not_told_that_it_failed(payer: User) -> None:
    saving.outcomes.append(NO_MONEY)
    night()
    payment = Attempt.objects.get().payment

    def pay(_backend: object) -> None:
        attempt = started(payment)
        attempt.record(attempt.exact_outcome(psp_reference="by-hand"))

    # They pay in the widget while the mail server is reached.
    with mock.patch.object(EmailBackend, "open", pay, create=True):
        result = send_due()
    assert (result.sent.get("payment_failed"), result.not_sent) == (None, 0)
    dropped = Mail.objects.get(kind=MailKind.PAYMENT_FAILED)
    assert dropped.state == MailState.DROPPED
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.MAIL_DROPPED)
    assert entry.detail["kind"] == "payment_failed"
    mail.outbox.clear()
    assert send_due().sent in ({}, {"receipt": 1})
    assert not [message for message in mail.outbox if "could not" in message.subject]


@pytest.mark.parametrize("is_needed", [lambda: True, lambda: False, lambda: 1 / 0])
def test_the_mail_server_is_left_whatever_comes_of_a_mail(user: User, is_needed: Any) -> None:
    begin()
    with mock.patch.object(EmailBackend, "close", autospec=True) as close:
        sent = send(
            MailKind.RECEIPT,
            "about",
            user,
            lambda: texts.receipt(charged(user, "5").attempts.get()),
            is_needed=is_needed,
        )
    assert sent is not None
    assert close.call_count == 1


def test_nor_is_asked_to_pay(user: User, site: dict[str, Any]) -> None:
    site["PROCESSORS"] = ["payments_ui.flows.processors.PleasePay"]
    record(user, "5")

    def pay(_backend: object) -> None:
        attempt = started(Payment.objects.get())
        attempt.record(attempt.exact_outcome(psp_reference="by-hand"))

    with mock.patch.object(EmailBackend, "open", pay, create=True):
        night()
    assert not mail.outbox
    assert Mail.objects.get().state == MailState.DROPPED


def test_nobody_gets_a_receipt_of_what_they_paid_before_the_site_sent_any(payer: User) -> None:
    MailStart.objects.all().delete()
    night()
    record(payer, "7")
    # The first command begins with what happens from now on.
    assert send_due(dry_run=True).due == 0
    assert send_due().due == 0
    assert night(1).charged == 1
    # What is written down of an old payment today makes it no new one.
    bare(Attempt).update(updated_at=timezone.now())
    assert send_due().sent == {"receipt": 1}
    assert Mail.objects.get().about == str(Attempt.objects.latest("ended_at").payment_id)


def test_a_kind_that_was_left_out_begins_anew(payer: User, site: dict[str, Any]) -> None:
    site["MAILS"] = ["refund_sent"]
    night()
    assert send_due().due == 0
    del site["MAILS"]
    assert send_due().due == 0
    assert str(MailStart.objects.get(kind="receipt")).startswith("receipt ")


def test_a_site_chooses_its_mails(payer: User, site: dict[str, Any]) -> None:
    site["MAILS"] = ["refund_sent"]
    night()
    assert send_due().due == 0
    assert send(MailKind.RECEIPT, 1, payer, mock.Mock()) is None
    assert set(MAILS) == set(MailKind.values)


def test_a_dry_run_sends_nothing(payer: User) -> None:
    night()
    assert (send_due(dry_run=True).due, len(mail.outbox)) == (1, 0)


def test_what_is_declined_is_not_sent_and_what_may_be_says_how(payer: User) -> None:
    night()
    MailStop.objects.set(payer, MailKind.RECEIPT, wanted=False)
    assert send_due().sent == {}
    MailStop.objects.set(payer, MailKind.RECEIPT, wanted=True)
    send_due()
    message = sent()
    assert message.extra_headers["List-Unsubscribe"].startswith("<https://shop.example/mails/")
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "/mails/" in html(message)


def test_one_click_is_offered_by_https_only(payer: User, site: dict[str, Any]) -> None:
    site["BASE_URL"] = "http://localhost:8000"
    night()
    send_due()
    headers = sent().extra_headers
    assert "List-Unsubscribe" in headers
    assert "List-Unsubscribe-Post" not in headers


def test_what_must_be_sent_offers_no_way_out(payer: User) -> None:
    saving.outcomes.append(NO_MONEY)
    night()
    send_due()
    assert not {name for name in sent().extra_headers if name.startswith("List-")}


def test_where_no_server_is_reached_it_is_sent_later(payer: User, mail_is_down: None) -> None:
    night()
    result = send_due()
    assert (result.not_sent, result.is_clean, Mail.objects.get().state) == (
        1,
        False,
        MailState.NOT_SENT,
    )
    assert "1 mails were not sent" in result.problems
    assert Mail.objects.get().problem


def test_and_then_it_is(payer: User) -> None:
    night()
    with mock.patch.object(EmailBackend, "open", side_effect=OSError("no server"), create=True):
        assert send_due().not_sent == 1
    with clock.moved(dt.timedelta(hours=1)):
        assert send_due().sent == {"receipt": 1}


def test_what_the_server_had_is_not_sent_again(payer: User) -> None:
    night()
    with mock.patch.object(EmailBackend, "send_messages", side_effect=OSError("lost")):
        send_due()
    assert Mail.objects.get().state == MailState.UNKNOWN
    assert send_due().due == 0


def test_a_template_of_the_sites_goes_before_ours(
    payer: User, tmp_path: Any, settings: Any
) -> None:
    folder = tmp_path / "payments_ui" / "mails"
    folder.mkdir(parents=True)
    (folder / "receipt.txt").write_text("Merci {{ user.username }}: {{ payment.number }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    night()
    send_due()
    assert sent().body.startswith(f"Merci {payer.username}")


@pytest.mark.django_db(transaction=True)
def test_of_many_commands_at_once_one_sends(payer: User) -> None:
    night()
    results = together(4, lambda _number: send_due())
    assert sum(result.sent.get("receipt", 0) for result in results) == 1
    assert len(mail.outbox) == 1


def test_commands_at_once_share_the_mails(user: User) -> None:
    for _ in range(60):
        charged(user, "5")
    known, tried = texts.receipt, mock.Mock(wraps=MailQuerySet.claim)

    def slowly(attempt: Attempt) -> texts.Text:
        # While this command writes its first mail, another one sends all others.
        if tried.call_count == 1:
            assert send_due().sent == {"receipt": 59}
            tried.reset_mock()
        return known(attempt)

    with (
        mock.patch.object(MailQuerySet, "claim", lambda *args, **kw: tried(*args, **kw)),
        mock.patch.object(texts, "receipt", slowly),
    ):
        assert send_due().sent == {"receipt": 1}
    # It does not try each of theirs in vain: it looks again after a few.
    assert tried.call_count < 25
    assert len(mail.outbox) == 60


def test_what_waits_for_its_next_try_is_not_tried_in_vain(payer: User) -> None:
    night()
    with mock.patch.object(EmailBackend, "open", side_effect=OSError("away"), create=True):
        assert send_due().not_sent == 1
    with mock.patch.object(MailQuerySet, "claim") as claim:
        send_due()
    claim.assert_not_called()
    with clock.moved(dt.timedelta(hours=1)):
        assert send_due().sent == {"receipt": 1}


def test_a_mail_that_cannot_be_written_stops_no_other(make_user: UserFactory, payer: User) -> None:
    charged(make_user(), "5")
    night()
    with mock.patch.object(texts, "receipt", side_effect=RuntimeError("odd")):
        assert send_due().not_sent == 2


def test_an_error_of_one_is_counted(payer: User) -> None:
    night()
    with mock.patch.object(Mail.objects.__class__, "claim", side_effect=RuntimeError("odd")):
        assert send_due().errors == 1


@pytest.mark.parametrize("when", ["open", "send_messages"])
def test_an_address_that_a_server_refused_is_written_down_nowhere(payer: User, when: str) -> None:
    night()
    refused = SMTPRecipientsRefused({payer.email: (550, b"No such user here")})
    with mock.patch.object(EmailBackend, when, side_effect=refused, create=True):
        send_due()
    written = Mail.objects.get().problem, JournalEntry.objects.latest("id").reason
    for text in written:
        assert payer.email not in text
        assert "No such user here" in text


def test_who_has_left_meanwhile_gets_no_mail(make_user: UserFactory, payer: User) -> None:
    night()
    charged(make_user(), "5")
    known = texts.receipt

    def leave(attempt: Attempt) -> texts.Text:
        # While the first of the page is sent, the others leave.
        for user in User.objects.exclude(pk=attempt.payment.user_id):
            if user.is_active:
                anonymize_user(user)
        return known(attempt)

    with mock.patch.object(texts, "receipt", leave):
        send_due()
    assert len(mail.outbox) == 1


def test_no_replica_says_where_a_mail_goes(payer: User, settings: Settings) -> None:
    charged(payer, "5")
    stale = User.objects.get(pk=payer.pk)
    User.objects.update(email="moved@example.com")
    settings.DATABASE_ROUTERS = [LaggingReplica()]
    text = texts.Text(subject="Receipt", paragraphs=["Thank you."])
    assert send(MailKind.RECEIPT, "1", stale, lambda: text)
    assert mail.outbox[0].to == ["moved@example.com"]


def test_nor_where_each_user_has_to_have_an_address_of_their_own(user: User) -> None:
    user.email = "anonymized-1f@anonymized.invalid"
    assert address_of(user) == ""
