"""Who gets the money, and on which account. Mistakes are found when the site starts."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from .libraries import ValidationError, bic, iban

#: Where a SEPA transfer finds the bank by the IBAN alone; from or to elsewhere in SEPA the
#: BIC is asked for (EPC069-12: the BIC is mandatory outside of the EEA).
EEA = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"}
    | {"IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}
)
#: Bank numbers (IID) of QR-IBANs: Swiss Implementation Guidelines QR-bill 2.3, "QR-IBAN".
QR_IIDS = range(30000, 32000)
#: Digits of a QR reference that may belong to the bank, so that enough remain for us.
LONGEST_PREFIX = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Creditor:
    """The holder of the accounts, as the bank knows it.

    Swiss accounts need the address in these parts: since 22 November 2025 a QR-bill takes
    no other. ``country`` is the ISO 3166 code of two letters.
    """

    name: str
    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    town: str = ""
    country: str = "CH"

    @property
    def address(self) -> list[str]:
        """The lines below the name, without empty ones."""
        street = f"{self.street} {self.house_number}".strip()
        town = f"{self.postal_code} {self.town}".strip()
        return [line for line in (street, f"{self.country}-{town}" if town else "") if line]


@dataclass(frozen=True, slots=True)
class Account:
    """One account. Raises ``ImproperlyConfigured`` for an IBAN or BIC with a typing error.

    ``bic`` is needed for euros outside of the European Economic Area. ``reference_prefix``
    are the digits with which some Swiss banks want every QR reference to begin.
    """

    iban: str
    bic: str = ""
    reference_prefix: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "iban", self._valid("IBAN", self.iban))
        object.__setattr__(self, "bic", self.bic and self._valid("BIC", self.bic))
        prefix = self.reference_prefix
        if prefix and not (
            self.is_qr_iban
            and prefix.isascii()
            and prefix.isdigit()
            and len(prefix) <= LONGEST_PREFIX
        ):
            raise ImproperlyConfigured(
                f"reference_prefix {prefix!r}: at most {LONGEST_PREFIX} digits, for QR-IBANs only"
            )

    @staticmethod
    def _valid(kind: str, value: str) -> str:
        try:
            return iban.validate(value) if kind == "IBAN" else bic.validate(value)
        except ValidationError as exc:
            raise ImproperlyConfigured(f"{value!r} is not a valid {kind}: {exc}") from exc

    @property
    def is_swiss(self) -> bool:
        """Whether banking apps expect a Swiss QR code for it: accounts in CH and LI."""
        return self.iban[:2] in {"CH", "LI"}

    @property
    def is_qr_iban(self) -> bool:
        """Whether the account takes transfers with a QR reference, and no others."""
        return self.is_swiss and self.iban[4:9].isdigit() and int(self.iban[4:9]) in QR_IIDS

    @property
    def needs_bic(self) -> bool:
        """Whether an EPC code must name the bank."""
        return self.iban[:2] not in EEA

    @property
    def formatted(self) -> str:
        """The IBAN in groups of four, as printed on paper."""
        return iban.format(self.iban)
