"""What reads statements is an extra, and its absence says so."""

from __future__ import annotations

import runpy
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from payments_ui.moochers.banktransfer.statements import libraries


@pytest.mark.parametrize("library", ["mt940", "defusedxml.common"])
def test_a_missing_library_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImproperlyConfigured, match=r"django-payments-ui\[qr,statements\]"):
        runpy.run_path(libraries.__file__)
