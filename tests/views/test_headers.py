from __future__ import annotations

from payments_ui.core.models import Payment
from tests.shopping import Shopper, url


def test_in_place_everything_is_200_or_204(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    js_shopper.owe("1.00")
    statuses = {
        js_shopper.get(url("charges")).status_code,
        js_shopper.get(url("heartbeat")).status_code,
        js_shopper.get(url("payment", payment)).status_code,
        js_shopper.post(url("payments")).status_code,
        js_shopper.post(url("lineitems", payment)).status_code,
        # Gone by now, as it was renewed.
        js_shopper.post(url("cancellation", payment)).status_code,
        js_shopper.post(url("moocher", payment, "cards")).status_code,
        js_shopper.post(url("attempt_cancellation", Payment.objects.get())).status_code,
    }
    assert statuses <= {200, 204}
