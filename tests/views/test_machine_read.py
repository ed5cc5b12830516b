"""What a machine reads is written for a machine, however a site writes numbers for people."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest
from django.conf.locale.en import formats as english  # type: ignore[import-untyped]
from django.test import Client
from django.urls import reverse
from django.utils import formats
from pytest_django import Settings

from payments_ui.core.attempts import arrivals
from payments_ui.core.models import LineItem, SuspenseItem
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.dom import Node, parse
from tests.fakes import CARDS, TRANSFER
from tests.shopping import Shopper, step, url

#: What people read, or hear.
FOR_PEOPLE = {"alt", "aria-label", "content", "data-pui-busy", "placeholder", "title"}
#: What is another one each time.
RANDOM = {"csrfmiddlewaretoken", "pui-token"}


@pytest.fixture
def grouped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Write any number of more than one digit with separators: 1,7,9,5."""
    monkeypatch.setattr(english, "NUMBER_GROUPING", 1)
    settings.USE_THOUSAND_SEPARATOR = True
    formats.reset_format_cache()
    yield
    monkeypatch.undo()
    formats.reset_format_cache()


def read_by_machines(content: bytes) -> list[tuple[str, str, str]]:
    """Return the attributes that hold a separator between two digits."""
    return [
        (node.tag, name, value)
        for node in parse(content)
        for name, value in node.attrs.items()
        if name not in FOR_PEOPLE and not is_random(node) and has_separator(value)
    ]


def is_random(node: Node) -> bool:
    return node.attrs.get("name") in RANDOM


def has_separator(value: str) -> bool:
    parts = value.split(",")
    ends = pairwise(parts)
    return any(left[-1:].isdigit() and right[:1].isdigit() for left, right in ends)


@pytest.mark.usefixtures("grouped")
def test_no_step_of_a_widget_groups_digits_for_machines(
    any_shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    settings.PAYMENTS_UI |= {"MOOCHERS": [CARDS, TRANSFER], "LIVE": True, "LIVE_INTERVAL": 1800}
    shopper = any_shopper
    shopper.owe(*["1795.50"] * 30)
    shown = [
        shopper.get(url("charges")),
        shopper.get(url("charges"), select="1", page="2"),
    ]
    payment = shopper.begin("1234.00")
    shown += [shopper.get(url("payment", payment))]
    shown += [shopper.pay(payment, "transfer"), shopper.get(url("charges"))]
    shown += [shopper.get(url("payment", payment))]
    shown += [shopper.post(url("attempt_cancellation", payment))]
    shopper.post(url("attempt_cancellation", payment), confirmed="1")
    shown += [shopper.pay(payment), shopper.get(url("payment", payment))]
    shown += [shopper.get(url("receipt", payment)), shopper.get(url("payments"))]
    assert step(shown[-3]) == "charged"
    assert "3,1 items to pay" in parse(shown[4].content).text or any_shopper.js
    for response in shown:
        assert read_by_machines(response.content) == []


@pytest.mark.usefixtures("grouped")
def test_neither_does_the_admin(admin_client: Client, make_user: UserFactory) -> None:
    for number in range(12):
        arrivals.book_arrival(
            moocher="transfer",
            psp_reference=f"r{number}",
            amount=Decimal(5),
            currency="CHF",
            event_id=f"e{number}",
        )
    item, user = SuspenseItem.objects.order_by("pk")[11], make_user(pk=1795)
    data = {"action": "close", "_selected_action": [item.pk]}
    asked = admin_client.post(reverse("admin:payments_core_suspenseitem_changelist"), data)
    (kept,) = parse(asked.content).all("input", name="_selected_action")
    assert kept.attrs["value"] == str(item.pk)
    LineItem.objects.record(user=user, title="Use", amount="1")
    page = admin_client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
    assert "manage.py anonymize_user 1795" in parse(page.content).text
