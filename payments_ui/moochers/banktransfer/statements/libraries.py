"""The libraries of the extra ``statements``, imported in one place."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

try:
    import mt940
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring
except ModuleNotFoundError as missing:
    raise ImproperlyConfigured(
        f"Bank statements need the library {missing.name}:"
        " pip install 'django-payments-ui[qr,statements]'"
    ) from missing

__all__ = ["DefusedXmlException", "ParseError", "fromstring", "mt940"]
