"""What customers, hosts, clerks and PSPs write is text, wherever it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.core import mail
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import journal
from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.models import (
    Arrival,
    Attempt,
    Customer,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Mail,
    MailStop,
    Payment,
    PaymentMethod,
    Recovery,
    Refund,
    Run,
    SuspenseItem,
)
from tests.core.support import saved
from tests.dom import Node, parse
from tests.fixtures import MakeShopper
from tests.reliability.frame import Trial, scenario
from tests.shopping import Shopper, dom, url

from . import doors
from .loud import LOUD, loud
from .texts import PAYLOADS

URLS = ("action", "formaction", "href", "src", "hx-get", "hx-post")
ANSWERS = ("refuse", "raise", "action", "wait", "decline", "taken")
SAID = "¤"
NEWEST: dict[type[Any], str] = {
    Arrival: "pk",
    Attempt: "started_at",
    Customer: "pk",
    Dispute: "opened_at",
    Event: "received_at",
    JournalEntry: "pk",
    LineItem: "pk",
    Mail: "pk",
    MailStop: "pk",
    Payment: "created_at",
    PaymentMethod: "created_at",
    Recovery: "started_at",
    Refund: "requested_at",
    Run: "started_at",
    SuspenseItem: "opened_at",
}
_VOLATILE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\?.*|[0-9]+")


def harmless(text: str) -> str:
    """As long as the text, and without a character that means anything."""
    return re.sub("[^A-Za-z]", "x", text)


def shape(page: Node, text: str) -> list[tuple[Any, ...]]:
    """What a browser makes of the markup; where the text is shown, it is the same sign."""
    return [
        (
            node.tag,
            tuple(sorted(node.attrs)),
            node.attrs.get("class", "").replace(text, SAID),
            node.attrs.get("type", ""),
            node.attrs.get("name", "").replace(text, SAID),
            *(_VOLATILE.sub("", node.attrs.get(one, "")).replace(text, SAID) for one in URLS),
        )
        for node in page
    ]


def shown(page: Node, text: str) -> int:
    """How often the text is read, or stands in a field."""
    values = [value for node in page for value in node.attrs.values()]
    # Evidence is shown as JSON.
    read = (one.replace('\\"', '"') for one in (page.text, *values))
    return sum(one.count(" ".join(text.split())) for one in read)


def journey(shopper: Shopper, text: str, *, full: bool) -> Iterator[tuple[str, Node]]:
    """Every step and page a customer can get to see, with this text in every field."""
    loud.say(text)
    for shopper.js in (True, False) if full else (True,):
        loud.answers = "taken"
        shopper.owe("5.00", title=text, key=f"{shopper.js}{text}"[:40])
        yield "list", dom(shopper.get(url("charges")))
        yield "select", dom(shopper.get(url("charges"), select="1"))
        payment = shopper.begin()
        for answer in ANSWERS if full else ANSWERS[-2:]:
            loud.answers = answer
            yield from steps(shopper, payment, answer, text)
        Payment.objects.get(pk=payment.pk).refund("1.00", reason=text)
        stored = Payment.objects.get(pk=payment.pk)
        stored.settled_attempt().record_dispute(disputed(f"{shopper.js}{text}", text))
        yield "receipt", dom(shopper.get(url("receipt", payment)))
        yield "history", dom(shopper.get(url("payments")))
        yield "signed out", dom(Client().get(url("payment", payment), {"next": text}))
    yield "tags", tags(shopper, text)


def disputed(psp_reference: str, text: str) -> DisputeReport:
    return DisputeReport(
        psp_reference=psp_reference,
        charge_reference=text,
        state=DisputeState.NEEDS_RESPONSE,
        amount=Decimal("1.00"),
        currency="CHF",
        reason=text,
        opened_at=timezone.now(),
        evidence={"said": text},
    )


def steps(shopper: Shopper, payment: Payment, answer: str, text: str) -> Iterator[tuple[str, Node]]:
    """The payment's step before and after paying, with the form filled in wrong and right."""
    yield f"{answer}: form", dom(shopper.get(url("payment", payment), moocher="loud"))
    if answer == "refuse":
        return
    form = {**shopper.form(payment, "loud"), "note": text}
    yield f"{answer}: invalid", dom(shopper.post(pay_url(payment), {**form, "name": ""}))
    yield f"{answer}: paid", dom(shopper.post(pay_url(payment), {**form, "name": text}))
    yield f"{answer}: state", dom(shopper.get(url("payment", payment), failed=text, back=text))
    for opened in Attempt.objects.open().filter(payment=payment):
        opened.record(Declined(code=DeclineCode.GENERIC))


def pay_url(payment: Payment) -> str:
    return url("moocher", payment, "loud")


def tags(shopper: Shopper, text: str) -> Node:
    """A host's page with every tag."""
    request = RequestFactory().get("/", {"w": text, "page": text})
    request.user = shopper.user
    source = (
        "{% load payments_ui %}{% pending_charges title=t anonymous=t %}{% pay_button title=t %}"
        "{% charges_badge title=t %}{% payment_history title=t %}{% payment_methods title=t %}"
    )
    return parse(Template(source).render(RequestContext(request, {"t": text})))


def office(
    clerk: Shopper, shopper: Shopper, text: str, *, full: bool
) -> Iterator[tuple[str, Node]]:
    """Every page of the admin about what has this text in every field."""
    with journal.acting(text, text):
        payment = shopper.begin("7.00", title=text)
    arrivals.book_arrival(
        moocher="bank", psp_reference=text, amount=payment.amount, currency="CHF", event_id=text
    )
    told: dict[str, Any] = {"reference": text, "payer": text, "reason": text}
    shopper.begin("3.00", title=text).book_by_hand(by=text, **told)
    tonight(shopper, text)
    number = PaymentMethod.objects.count()
    saved(shopper.user, method_id=f"{text}{number}", brand=text, kind=text, fingerprint=text)
    post = {"action": "cancel_pending", "_selected_action": [payment.pk]}
    page = f"/admin/payments_core/payment/?id={payment.pk}"
    yield "reason", dom(clerk.post(page, post))
    yield "done", dom(clerk.client.post(page, {**post, "reason": text}, follow=True))
    newest = {
        model._meta.model_name or "": model._base_manager.latest(moment)
        for model, moment in NEWEST.items()
    }
    for route, status in doors.ADMIN.items():
        row: Any = newest[route.split("/")[2]]
        if status == 200 and (full or route.endswith("change/")):
            path = doors.path_of(route, "", row=row.pk)
            # Lists grow: of each, the newest row, and the field that one searches with.
            yield route, dom(clerk.get(path, id=row.pk))
            for form in dom(clerk.get(path, q=text)).all("form", id="changelist-search"):
                yield f"{route}?q", form


def tonight(shopper: Shopper, text: str) -> None:
    """What charging at night leaves behind: a run, a failed payment, a mail."""
    now = timezone.now()
    Run.objects.create(state=Run.State.DONE, note=text, ended_at=now)
    Recovery.objects.create(
        payment=shopper.begin("2.00", title=text),
        card=text[:64],
        state=Recovery.State.GIVEN_UP,
        tries=1,
        failed_at=now,
        failure_code=DeclineCode.GENERIC,
        why=text,
        started_at=now,
    )
    claimed = Mail.objects.claim(Mail.Kind.RECEIPT, text[:100], shopper.user)
    assert claimed is not None
    claimed.record(Mail.State.NOT_SENT, text)
    MailStop.objects.set(shopper.user, Mail.Kind.RECEIPT, wanted=False)


@scenario(
    38,
    "Text attacks",
    provoked="30 texts of markup and scripts in every field of text (titles, keys, names, e-mail, "
    "payee, moochers, PSP's answers and errors, reasons, references), in every step, page, tag, "
    "admin page and mail",
    promised="the parsed DOM is that of harmless text; mails are plain text",
    databases=("sqlite",),
)
def test_texts_are_text_everywhere(
    trial: Trial, make_shopper: MakeShopper, settings: Settings
) -> None:
    clerk = make_shopper(is_staff=True, is_superuser=True)
    payloads = PAYLOADS if trial.full else PAYLOADS[3:4]
    for number, payload in enumerate(payloads):
        pages: list[list[tuple[str, Node]]] = []
        for text in (payload, harmless(payload)):
            payee = {"PAYEE": text, "PAYEE_ADDRESS": f"{text}\n{text}"}
            settings.PAYMENTS_UI = {"MOOCHERS": [LOUD], "ATTEMPTS_PER_HOUR": 1000, **payee}
            names = {"username": f"{text}{number}", "first_name": text, "last_name": text}
            shopper = make_shopper(email=text, **names)
            pages.append(
                [
                    *journey(shopper, text, full=trial.full),
                    *office(clerk, shopper, text, full=trial.full),
                ]
            )
        for (name, hostile), (_, plain) in zip(*pages, strict=True):
            trial.tried()
            compare(trial, f"{name}, {payload}", (hostile, payload), (plain, harmless(payload)))
    trial.check(mail.outbox, "no mail was sent")
    plain_mails = all(not getattr(one, "alternatives", []) for one in mail.outbox)
    trial.check(plain_mails, "a mail has markup")


def compare(trial: Trial, name: str, hostile: tuple[Node, str], plain: tuple[Node, str]) -> None:
    is_same = shape(*hostile) == shape(*plain)
    trial.check(is_same, f"{name}: another DOM")
    trial.check(shown(*hostile) == shown(*plain), f"{name}: not shown as it was written")
    for node in hostile[0]:
        led = [node.attrs.get(one, "").strip().lower() for one in URLS]
        scripts = [one for one in led if one.startswith(("javascript:", "data:", "vbscript:"))]
        trial.check(not scripts, f"{name}: leads to {scripts}")
