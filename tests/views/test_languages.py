"""Every step in a language that does not exist: what is not bracketed was never translated."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.utils.translation.trans_real import DjangoTranslation
from pytest_django import Settings

from payments_ui.core.models import Payment
from payments_ui.moochers.banktransfer import Account, BankTransferMoocher, Creditor
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.dom import Node, parse
from tests.fakes import BROKEN, CARDS, FRANCS, charge_of
from tests.shopping import Shopper, attempt_of, dom, url

#: Attributes that people read or hear.
SPOKEN = ("aria-label", "alt", "title", "placeholder")
SAID_LATER = ("data-expired", "data-failed", "data-offline", "data-pui-busy")
BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
#: What customers, hosts and banks wrote, and what has no language.
DATA = {"Use", "Card", "Francs", "Broken", "CHF", "EUR"}
#: Labels of the test's own moocher, and of the host's login.
DATA |= {"Name", "on", "the", "card", "Note", "user", "example", "com"}
DATA |= {"Rechenwerk", "AG", "Zürich", "CH", "Hillshade", "GmbH"}

transfer = BankTransferMoocher(
    creditor=Creditor(name="Rechenwerk AG", postal_code="8005", town="Zürich"),
    accounts={"CHF": Account("CH44 3199 9123 0008 8901 2")},
)
test_card = SandboxMoocher(psp_url="http://127.0.0.1:9", api_key="k", webhook_secret="s")
test_page = SandboxMoocher(
    psp_url="http://127.0.0.1:9", api_key="k", webhook_secret="s", kind="redirect"
)
OTHERS = listed(transfer, test_card, test_page)

Visit = Callable[[Shopper, SandboxPSP], Any]


@pytest.fixture(autouse=True)
def nobodys_language(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Bracket whatever is translated."""

    def gettext(self: object, text: str) -> str:
        # Behind its context, where it has one.
        return f"⟦{text.rpartition(chr(4))[2]}⟧"

    def ngettext(self: object, one: str, many: str, number: int) -> str:
        return f"⟦{one if number == 1 else many}⟧"

    monkeypatch.setattr(DjangoTranslation, "gettext", gettext)
    monkeypatch.setattr(DjangoTranslation, "ngettext", ngettext)
    settings.PAYMENTS_UI = {
        "MOOCHERS": [CARDS, FRANCS, BROKEN, *OTHERS],
        "ALLOW_SANDBOX": True,
        "PAYEE": "Hillshade GmbH",
    }


def words(page: Node) -> set[str]:
    """Return the words that no translator has seen."""
    shown = [text(page)]
    for node in page:
        shown += [node.attrs.get(name, "") for name in (*SPOKEN, *SAID_LATER)]
    said = " ".join(shown)
    while BRACKETED.search(said):
        said = BRACKETED.sub(" ", said)
    return set(re.findall(r"[^\W\d_]+", said)) - DATA


def text(node: Node) -> str:
    """Return the text without amounts, references, names and times, which have their elements."""
    inside = (text(child) if isinstance(child, Node) else child for child in node.children)
    return "" if node.tag in ("bdi", "time") else "".join(inside)


def begun(shopper: Shopper) -> Payment:
    return shopper.begin("5.00", "7.00")


def charges_listed(shopper: Shopper, psp: SandboxPSP) -> Any:
    begun(shopper)
    shopper.owe("1.00")
    shopper.owe("1.00", currency="EUR")
    return shopper.get(url("charges"))


def nothing_owed(shopper: Shopper, psp: SandboxPSP) -> Any:
    return shopper.get(url("charges"))


def credit(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.owe("-3.00")
    return shopper.get(url("charges"))


def too_little(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.owe("0.001")
    return shopper.get(url("charges"))


def selected_nothing(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.owe("5.00")
    return shopper.post(url("payments"), select="1", currency="CHF")


def long_list(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.owe(*["1.00"] * 45)
    return shopper.get(url("charges"), page="2")


def review(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = begun(shopper)
    shopper.owe("1.00")
    return shopper.get(url("payment", payment))


def settled_without_money(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.owe("3.00", "-3.00")
    return shopper.get(shopper.post(url("payments"))["Location"])


def form_with_errors(shopper: Shopper, psp: SandboxPSP) -> Any:
    return shopper.pay(begun(shopper), name="")


def expired_form(shopper: Shopper, psp: SandboxPSP) -> Any:
    return shopper.pay(begun(shopper), **{"pui-token": "old"})


def broken_form(shopper: Shopper, psp: SandboxPSP) -> Any:
    return shopper.get(url("payment", begun(shopper)), moocher="broken")


def other_form(identifier: str) -> Visit:
    def visit(shopper: Shopper, psp: SandboxPSP) -> Any:
        return shopper.get(url("payment", begun(shopper)), moocher=identifier)

    visit.__name__ = identifier
    return visit


def transfer_details(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = begun(shopper)
    shopper.pay(payment, "banktransfer")
    return shopper.get(url("payment", payment))


def after(plan: str, page: str = "payment") -> Visit:
    def visit(shopper: Shopper, psp: SandboxPSP) -> Any:
        psp.plan.add(plan)
        payment = begun(shopper)
        answer = shopper.pay(payment)
        if page != "payment":
            return shopper.get(url(page, payment))
        return shopper.follow(answer) if answer.status_code == 303 else answer

    visit.__name__ = f"{page} after {plan}"
    return visit


def under_way(shopper: Shopper, psp: SandboxPSP) -> Any:
    psp.plan.add("processing")
    shopper.pay(begun(shopper))
    return shopper.get(url("charges"))


def nothing_paid_yet(shopper: Shopper, psp: SandboxPSP) -> Any:
    return shopper.get(url("payments"))


def history(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.pay(begun(shopper))
    undone = begun(shopper)
    shopper.pay(undone)
    undone.refresh_from_db()
    undone.undo(force=True, reason="a test")
    return shopper.get(url("payments"))


def given_up(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = begun(shopper)
    shopper.post(url("cancellation", payment))
    return shopper.get(url("payment", payment))


def back_without_a_session(shopper: Shopper, psp: SandboxPSP) -> Any:
    psp.plan.add("insufficient_funds")
    payment = begun(shopper)
    shopper.pay(payment)
    return Client().get(charge_of(psp, attempt_of(payment)).return_url)


@pytest.mark.parametrize(
    "visit",
    [
        *(charges_listed, nothing_owed, credit, too_little, selected_nothing, long_list, under_way),
        *(review, settled_without_money, form_with_errors, expired_form, broken_form),
        *(other_form("banktransfer"), other_form("sandbox"), other_form("sandbox-page")),
        *(transfer_details, after("insufficient_funds"), after("3ds"), after("processing")),
        *(after("lost_reply"), after("approve"), after("approve", "receipt")),
        *(nothing_paid_yet, history, given_up, back_without_a_session),
    ],
    ids=lambda visit: visit.__name__.replace("_", " "),
)
def test_every_word_of_a_page_is_translated(
    visit: Visit, shopper: Shopper, psp: SandboxPSP
) -> None:
    page = dom(visit(shopper, psp))
    assert "⟦" in page.text
    assert words(page) == set()


def test_every_word_for_those_who_were_signed_out_is_translated(js_shopper: Shopper) -> None:
    js_shopper.client.logout()
    for path in (url("charges"), url("heartbeat")):
        page = dom(js_shopper.get(path))
        assert "⟦" in page.text
        assert words(page) == set()


def test_every_word_of_the_quiet_retry_is_translated(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("payments_ui.core.queries.owed_and_groups")
    request = RequestFactory().get("/")
    request.user = shopper.user
    template = Template("{% load payments_ui %}{% pending_charges live=True %}")
    page = parse(template.render(RequestContext(request, {})))
    assert "⟦" in page.text
    assert words(page) == set()
