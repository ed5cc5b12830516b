"""How customers pay on a server."""

from __future__ import annotations

from payments_ui.moochers.banktransfer import Account, BankTransferMoocher, Creditor

#: The account numbers are the examples of the standards' own papers.
transfer = BankTransferMoocher(
    creditor=Creditor(
        name="Hillshade GmbH",
        street="Schattenhalb",
        house_number="7",
        postal_code="3860",
        town="Meiringen",
    ),
    accounts={
        "CHF": Account("CH44 3199 9123 0008 8901 2"),
        "EUR": Account("DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX"),
    },
)
