"""Other people's payments: nobody but the owner sees, changes or learns anything."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from django.utils import timezone

from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.mails.states import MailKind
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
from payments_ui.testing.psp import SandboxPSP
from tests.fixtures import MakeShopper
from tests.reliability.frame import Trial, scenario
from tests.saving import saved
from tests.shopping import IN_PLACE, Shopper

from . import doors

#: Nobody else reads these.
TITLE, AMOUNT = "Chart of the owner's island", "4711.13"
STRANGERS = ("anonymous", "other", "staff")
ONLY_READ = ("GET", "POST")


def test_every_url_is_written_down() -> None:
    assert set(doors.routes()) == set(doors.OWNER) | set(doors.ADMIN)


def browsers(make_shopper: MakeShopper) -> dict[str, Client]:
    return {
        "anonymous": Client(),
        "other": make_shopper().client,
        "staff": make_shopper(is_staff=True).client,
    }


MODELS = (
    *(Arrival, Attempt, Customer, Dispute, Event, JournalEntry, LineItem, Payment, PaymentMethod),
    *(Mail, MailStop, Recovery, Refund, Run, SuspenseItem),
)


def owed(owner: Shopper) -> tuple[Payment, dict[str, object]]:
    """A payment that waits at its PSP, and a row of each admin page about its owner's money."""
    arrivals.book_arrival(
        moocher="bank",
        psp_reference=TITLE,
        amount=Decimal(AMOUNT),
        currency="CHF",
        event_id="a line",
    )
    paid = owner.begin(AMOUNT, title=TITLE)
    declined = paid.start_attempt(moocher="cards", unattended=True)
    declined.record(Declined(code=DeclineCode.INSUFFICIENT_FUNDS))
    owner.pay(paid)
    Mail.objects.claim(MailKind.PAYMENT_FAILED, paid.pk, owner.user)
    MailStop.objects.set(owner.user, MailKind.RECEIPT, wanted=False)
    charge = paid.settled_attempt()
    Payment.objects.get(pk=paid.pk).refund(reason=TITLE)
    report = DisputeReport(
        psp_reference=TITLE,
        charge_reference=str(charge.psp_reference),
        state=DisputeState.NEEDS_RESPONSE,
        amount=Decimal(AMOUNT),
        currency="CHF",
        opened_at=timezone.now(),
    )
    charge.record_dispute(report)
    owner.begin(AMOUNT, title=TITLE).book_by_hand(by="user:1", reason=TITLE)
    payment = owner.begin(AMOUNT, title=TITLE)
    owner.pay(payment)
    saved(owner.user)
    Run.objects.create(note=TITLE)
    return payment, {m._meta.model_name or "": m._base_manager.all()[0].pk for m in MODELS}


def row_of(route: str, rows: dict[str, object]) -> object:
    return rows[route.split("/")[2]] if route in doors.ADMIN else ""


def answered(response: Any) -> int | str:
    location = response.headers.get("Location", "")
    if response.status_code == 302 and location.startswith(("/login/?", "/admin/login/?")):
        return doors.SIGN_IN
    return int(response.status_code)


@scenario(
    37,
    "Other people's ids",
    provoked="every URL of the URLconf, as a visitor, another user, staff without permissions, "
    "with every method, plain and in place",
    promised="404, 403 or the login only; no data of the owner in body or headers",
)
def test_strangers_are_answered_nothing(
    trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP
) -> None:
    psp.plan.add("approve")
    psp.plan.add("processing")
    owner = make_shopper(username="the-owner", email="owner@private.example")
    payment, rows = owed(owner)
    strangers = browsers(make_shopper)
    # No digits only: an id in an address may have any four.
    kept = saved(owner.user, last_four="XQ67")
    secret = (TITLE, AMOUNT, "4,711.13", "the-owner", "owner@private.example", "XQ67")
    before = books()
    methods = doors.METHODS if trial.full else ONLY_READ
    headers = ({}, IN_PLACE) if trial.full else ({},)
    routes = [*doors.OWNER, *doors.ADMIN]
    for route, role, method, extra in product(routes, STRANGERS, methods, headers):
        trial.tried()
        path = doors.path_of(route, payment.pk, row=row_of(route, rows), method=kept.pk)
        response: Any = strangers[role].generic(method, path, headers=extra)
        told = f"{role} {method} {path} {extra}"
        wanted = doors.expected(route, role, method)
        if not extra or wanted != doors.SIGN_IN:
            got = answered(response)
            trial.check(got == wanted or extra, f"{told}: {got}, not {wanted}")
        said = response.content.decode() + str(response.headers)
        trial.check(not any(text in said for text in secret), f"{told} tells of the owner")
    trial.check(before == books(), "a stranger changed a payment or a payment method")


def books() -> list[Any]:
    """What strangers must not change."""
    managers: list[Any] = [Payment.all_objects, Attempt.objects, PaymentMethod.objects]
    return [list(manager.values()) for manager in managers]


@scenario(
    37,
    "Other people's ids: foreign or missing",
    provoked="every URL with an id, somebody else's and nobody's, for every stranger and method",
    promised="the same status, headers and body, so that an id tells nothing",
)
def test_a_foreign_id_and_a_missing_one_are_the_same(
    trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP
) -> None:
    psp.plan.add("approve")
    psp.plan.add("processing")
    owner = make_shopper()
    payment, rows = owed(owner)
    saved_method = saved(owner.user)
    missing: dict[str, object] = {
        name: uuid4() if isinstance(row, UUID) else 10**6 for name, row in rows.items()
    }
    methods = doors.METHODS if trial.full else ONLY_READ
    routes = [route for route in (*doors.OWNER, *doors.ADMIN) if "pk" in route or "_id" in route]
    strangers = browsers(make_shopper)
    for route, role, method in product(routes, STRANGERS, methods):
        trial.tried()
        answers = set()
        ids = (payment.pk, saved_method.pk, rows), (uuid4(), uuid4(), missing)
        for pk, method_pk, found in ids:
            row = row_of(route, found)
            path = doors.path_of(route, pk, row=row, method=method_pk)
            response = strangers[role].generic(method, path)
            headers = {**response.headers, "Expires": ""}
            said = f"{response.status_code} {headers} {response.content.decode()}"
            for id_ in (pk, method_pk):
                said = said.replace(str(id_), "ID")
            answers.add(said.replace(f"/{row}/", "/ID/"))
        trial.check(len(answers) == 1, f"{role} {method} {route} differs: {answers}")


@scenario(
    37,
    "Own ids: what the owner may do",
    provoked="every URL and method as the owner of a pending payment, and the admin as a clerk",
    promised="exactly what the table of URLs says, and nothing is charged by it",
)
def test_the_owner_may_do_what_the_table_says(
    trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP
) -> None:
    owner = make_shopper()
    methods = doors.METHODS if trial.full else ONLY_READ
    for route, method in product(doors.OWNER, methods):
        trial.tried()
        pending = Payment.objects.filter(user=owner.user).pending().first()
        payment = pending or owner.begin(AMOUNT)
        kept = saved(owner.user).pk if route.startswith("methods/") else ""
        path = doors.path_of(route, payment.pk, method=kept)
        got = owner.client.generic(method, path).status_code
        wanted = doors.expected(route, "owner", method)
        trial.check(got == wanted, f"owner {method} {route}: {got}, not {wanted}")
    trial.check(not psp.calls, "a PSP was asked")


@scenario(
    37,
    "The admin's pages for a clerk",
    provoked="every admin page as somebody with every permission",
    promised="reading is allowed; adding and deleting money is not",
)
def test_a_clerk_reads_what_the_table_says(
    trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP
) -> None:
    psp.plan.add("approve")
    psp.plan.add("processing")
    payment, rows = owed(make_shopper())
    clerk = make_shopper(is_staff=True, is_superuser=True)
    for route, wanted in doors.ADMIN.items():
        trial.tried()
        got = clerk.get(doors.path_of(route, payment.pk, row=row_of(route, rows))).status_code
        trial.check(got == wanted, f"{route}: {got}, not {wanted}")
