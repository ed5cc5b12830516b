"""The languages of Mollie's page.

https://docs.mollie.com/reference/create-payment, "locale"
"""

from __future__ import annotations

_ALL = (
    *("ca_ES", "cs_CZ", "da_DK", "de_DE", "de_AT", "de_CH", "de_LU", "en_US", "en_GB", "en_BE"),
    *("en_NL", "es_ES", "fi_FI", "fr_FR", "fr_BE", "fr_LU", "hu_HU", "is_IS", "it_IT", "lt_LT"),
    *("lv_LV", "nb_NO", "nl_NL", "nl_BE", "pl_PL", "pt_PT", "sk_SK", "sv_SE"),
)


def locale(language: str | None) -> str:
    """Return Mollie's locale for one of Django's languages; empty where it has none."""
    wanted = (language or "").replace("-", "_").lower()
    exact = [each for each in _ALL if each.lower() == wanted]
    close = [each for each in _ALL if each.startswith(f"{wanted.split('_')[0]}_")]
    return next(iter(exact + close), "")
