"""What pages load for Stripe, and where its sources are known."""

from __future__ import annotations

import subprocess
import sys

from payments_ui.moochers.stripe import csp

from .conftest import new_moocher


def test_pages_load_our_script_and_stripes_own_where_the_site_says_so() -> None:
    assert new_moocher().scripts == ("payments_ui/payments_ui.stripe.js",)
    assert new_moocher().psp_scripts == ()
    assert new_moocher(load_script="everywhere").psp_scripts == (csp.SCRIPT,)
    page = new_moocher(page="checkout", load_script="everywhere")
    assert (page.scripts, page.psp_scripts) == ((), ())


def test_sources_are_known_where_settings_are_read() -> None:
    script = "from payments_ui.moochers import stripe; print(*stripe.csp_sources()); stripe.nothing"
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.stdout.split() == ["script-src", "connect-src", "frame-src"]
    assert "has no nothing" in done.stderr
