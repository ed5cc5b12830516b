"""The currencies of ISO 4217 and the decimals of each: its list one, published 2026-01-01.

https://www.six-group.com/en/products-services/financial-information/data-standards.html

Left out is what is no money: funds (``CHW``, ``CLF``, …), metals, bonds and units of account
(``XAU``, ``XBA``, ``XDR``, ``XAD``, …), and the codes for testing and for "no currency" (``XTS``,
``XXX``).

The table is the kit's own, so that an upgrade of a dependency moves no amount. A code that stands
here stays, with its decimals: amounts in it are in the books, and the triggers of the database are
made of this table. A currency that ISO adds is added here; the tests say which one is missing.
Where ISO changes the decimals of a currency, a migration has to say what becomes of the amounts
stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_BY_DECIMALS = {
    0: """
        BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF
    """,
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
        CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
        GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL
        MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN
        PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
        SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
    """,
    3: """
        BHD IQD JOD KWD LYD OMR TND
    """,
}

#: How many decimals each currency has, in the order of the codes.
DECIMALS: Mapping[str, int] = MappingProxyType(
    dict(sorted((code, n) for n, codes in _BY_DECIMALS.items() for code in codes.split()))
)
