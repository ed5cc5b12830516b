"""How customers pay in the demo: through the offline card company, without real money."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from mooch.banktransfer import BankTransferMoocher

from payments_ui.core.models import Payment
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.moochers.stripe import StripeMoocher

_company: dict[str, Any] = {
    "psp_url": settings.SANDBOX_URL,
    "api_key": settings.SANDBOX_API_KEY,
    "webhook_secret": settings.SANDBOX_WEBHOOK_SECRET,
    "success_url": "/dashboard/",
}

#: Pays in place.
card = SandboxMoocher(
    title=_("Card"), description=_("Test cards; no real money moves."), **_company
)
#: Pays in place, too: at Stripe's stand-in, or at Stripe.
stripe = StripeMoocher(
    title=_("Stripe"),
    description=_("The fields of Stripe, in this page. No real money moves."),
    success_url="/dashboard/",
    **settings.STRIPE,
)
#: Redirects to the company's page and back.
wallet = SandboxMoocher(
    kind="redirect",
    title=_("Wallet"),
    description=_("You will be redirected to finish paying."),
    **_company,
)
#: django-mooch's own, unmodified, as in "HILLSHADE_CLASSIC=1 make demo".
classic = BankTransferMoocher(
    model=Payment,
    identifier="classic",
    title=_("On account"),
    autocharge=True,
    success_url="/dashboard/",
)
