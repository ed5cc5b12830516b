from __future__ import annotations

import pytest

from payments_ui.testing.psp.http import is_loopback_host, loopback_url


@pytest.mark.parametrize(
    "host", ["localhost", "t1.localhost", "a.b.localhost", "127.0.0.1", "127.8.9.10", "::1"]
)
def test_this_machine_is_known(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::2]/",
        "http://localhost.example.com/",
        "http://notlocalhost/",
        "http://web:8000/",
        "http://2130706433/",
        "http://127.0.0.1@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "//127.0.0.1/",
        "/back",
        "",
        "javascript:alert(1)",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://[127.0.0.1/",
        "http://127.0.0.1/\r\nSet-Cookie: a=b",
        "http://127.0.0.1/ü",
        "http://127.0.0.1/" + "a" * 2000,
        b"http://127.0.0.1/",
        None,
    ],
)
def test_everything_elsewhere_is_refused(url: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loopback_url(url)
