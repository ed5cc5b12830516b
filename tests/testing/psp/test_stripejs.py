"""The stand-in for Stripe.js: what a browser is given. e2e drives it; tsc checks its types."""

from __future__ import annotations

import re
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from payments_ui.testing.psp import SandboxPSP


def get(psp: SandboxPSP, name: str) -> tuple[str, str]:
    with urlopen(f"{psp.url}/stripe/endive/{name}") as response:  # noqa: S310 - our own server
        return response.headers["Content-Type"], response.read().decode()


def test_script_is_where_stripes_own_is(psp: SandboxPSP) -> None:
    content_type, text = get(psp, "stripe.js")
    assert content_type == "text/javascript; charset=utf-8"
    assert "window.Stripe" in text


def test_frame_has_all_that_it_links(psp: SandboxPSP) -> None:
    content_type, text = get(psp, "payment.html")
    assert content_type == "text/html; charset=utf-8"
    linked = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(linked) == 2
    for name in linked:
        assert get(psp, name)[1]


@pytest.mark.parametrize("name", ["nothing.js", "..%2fserver.py", "STRIPE.JS"])
def test_nothing_else_is_there(psp: SandboxPSP, name: str) -> None:
    with pytest.raises(HTTPError, match="404"):
        get(psp, name)
