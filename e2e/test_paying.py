"""The main journey, on each build of htmx and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.charges import DECLINED, PAID, REVIEW, TRANSFER, WALLET, CLASSIC, Charges
from e2e.conftest import BUILDS, Visit
from e2e.stage import Person
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.parametrize("build", BUILDS)


def test_pay_by_card_declined_then_approved(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    taken = psp.ledger.totals()
    charges = Charges(visit(owing, htmx=build)).at("To pay: CHF 36.00")
    expect(charges.root.get_by_role("cell", name="CHF 24.00")).to_be_visible()
    charges.begin()
    expect(charges.root.get_by_text("You pay Hillshade GmbH.")).to_be_visible()
    charges.pay_by_card(DECLINED)
    expect(charges.problem).to_contain_text("Nothing was charged.")
    assert owing.states == ["pending"]
    charges.pay_by_card().at(PAID)
    expect(charges.root.get_by_role("cell", name="CHF 36.00")).to_be_visible()
    assert owing.states == ["charged"]
    assert [attempt["state"] for attempt in owing.payments[0]["attempts"]] == ["failed", "settled"]
