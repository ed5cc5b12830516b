"""How the demo pays at Stripe: at the stand-in on this machine, or at Stripe itself.

Test keys in the environment switch to Stripe. The page "Pay with Stripe" of the demo says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments_ui.testing.psp.stripe import face

SECRET_KEY = "HILLSHADE_STRIPE_SECRET_KEY"  # noqa: S105 - the name of a variable
PUBLISHABLE_KEY = "HILLSHADE_STRIPE_PUBLISHABLE_KEY"
WEBHOOK_SECRET = "HILLSHADE_STRIPE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


def options(environ: Mapping[str, str], *, stand_in_url: str) -> dict[str, Any]:
    """Return what ``StripeMoocher`` is told, where its Stripe is at this address or Stripe's own.

    Raises ``ValueError`` for keys that move real money: the demo signs anybody in.
    """
    if secret_key := environ.get(SECRET_KEY, ""):
        if "_test_" not in secret_key:
            raise ValueError(f"{SECRET_KEY} has to be a key of the test mode, like sk_test_...")
        return {
            "secret_key": secret_key,
            "publishable_key": environ.get(PUBLISHABLE_KEY, ""),
            "webhook_secret": environ.get(WEBHOOK_SECRET, ""),
        }
    return {
        "secret_key": face.SECRET_KEY,
        "publishable_key": face.PUBLISHABLE_KEY,
        "webhook_secret": face.WEBHOOK_SECRET,
        "api_base": f"{stand_in_url}/stripe",
        "script_url": f"{stand_in_url}/stripe/endive/stripe.js",
    }
