"""The price list. Amounts are exact; a payment rounds its sum once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

PER_TILE = Decimal("0.0004")  # CHF


class Terrain(models.TextChoices):
    """What the renderer can imagine."""

    ALPINE = "alpine", _("Alpine")
    ROLLING = "rolling", _("Rolling hills")
    ISLANDS = "islands", _("Islands")
    CANYON = "canyon", _("Canyon")


class Size(models.TextChoices):
    """Paper sizes, each with its number of tiles."""

    A4 = "a4", "A4"
    A3 = "a3", "A3"
    A2 = "a2", "A2"

    @property
    def columns(self) -> int:
        return {"a4": 48, "a3": 68, "a2": 96}[self.value]

    @property
    def rows(self) -> int:
        return {"a4": 68, "a3": 96, "a2": 136}[self.value]

    @property
    def tiles(self) -> int:
        return self.columns * self.rows

    @property
    def price(self) -> Decimal:
        """What rendering one sheet costs, in CHF with four decimals."""
        return self.tiles * PER_TILE


@dataclass(frozen=True)
class Postage:
    """A print on heavy paper, rolled, with postage."""

    amount: Decimal
    currency: str


class Destination(models.TextChoices):
    """Where we post prints to."""

    SWITZERLAND = "ch", _("Switzerland")
    EUROPE = "eu", _("European Union")

    @property
    def price(self) -> Postage:
        amounts = {"ch": Postage(Decimal(24), "CHF"), "eu": Postage(Decimal(29), "EUR")}
        return amounts[self.value]
