"""The libraries of the extra ``qr``, imported in one place.

A bank transfer without check digits loses money, so there is no half a moocher without
them: importing it says at once what to install.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

try:
    import segno
    from qrbill import QRBill
    from segno import helpers as segno_helpers
    from stdnum import bic, iban, iso11649
    from stdnum.ch import esr
    from stdnum.exceptions import ValidationError
    from stdnum.iso7064 import mod_97_10
except ModuleNotFoundError as missing:
    raise ImproperlyConfigured(
        f"Bank transfers need the library {missing.name}: pip install 'django-payments-ui[qr]'"
    ) from missing

__all__ = [
    "QRBill",
    "ValidationError",
    "bic",
    "esr",
    "iban",
    "iso11649",
    "mod_97_10",
    "segno",
    "segno_helpers",
]
