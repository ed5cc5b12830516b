"""What the tests pay with besides the demo's payment methods."""

from __future__ import annotations

import os

from payments_ui.moochers.mollie import MollieMoocher

#: Leads to Mollie's page, which the offline card company plays, too.
mollie = MollieMoocher(
    title="Mollie",
    description="iDEAL, TWINT and more, on the page of Mollie.",
    api_key="test_" + os.environ["E2E_API_KEY"].replace("-", ""),
    endpoint=os.environ["HILLSHADE_SANDBOX_URL"],
    success_url="/dashboard/",
)
