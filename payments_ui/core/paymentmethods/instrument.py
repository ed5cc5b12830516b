"""What is known of a saved card or account, and of the user's consent. No card data."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from payments_ui.core.db.json_safe import text

#: Of a card's number; accounts may end in letters.
_FOUR = re.compile(r"[0-9A-Za-z]{1,4}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A card or account that a PSP keeps for one of its customers, as the PSP tells it.

    ``kind`` and ``brand`` are the PSP's words ("card", "visa"). ``fingerprint`` is the same for
    the same card, however often it is saved; empty where the PSP has none. ``authentication`` is
    the PSP's word for the result of 3-D Secure.
    """

    customer_id: str
    method_id: str
    kind: str = "card"
    brand: str = ""
    last_four: str = ""
    expires_year: int | None = None
    expires_month: int | None = None
    #: Of the issuer, ISO 3166 alpha-2.
    country: str = ""
    fingerprint: str = ""
    #: The PSP's name of the mandate, where it has one.
    mandate_id: str = ""
    authentication: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """What a ``PaymentMethod`` keeps of it beside the ids, as far as it makes sense."""
        year, month = self.expires_year, self.expires_month
        is_date = year is not None and month in range(1, 13) and year in range(2000, 10_000)
        return {
            "kind": text(self.kind),
            "brand": text(self.brand),
            "last_four": self.last_four if _FOUR.fullmatch(self.last_four) else "",
            "expires_year": year if is_date else None,
            "expires_month": month if is_date else None,
            "country": self.country if _COUNTRY.fullmatch(self.country) else "",
            "fingerprint": text(self.fingerprint),
            "mandate_id": text(self.mandate_id),
            "authentication": text(self.authentication),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the user agreed to when a payment method was saved: the mandate's evidence.

    ``text`` is the wording as it was shown, ``version`` names it. ``unattended_text`` is the
    separate sentence for charging without the user; empty where they did not agree to that.
    """

    text: str
    version: str
    unattended_text: str = ""
    given_at: dt.datetime
    ip_address: str = ""
