"""What costs money: each use is stored and charged in one transaction."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from atelier.models import Print, Sheet
from atelier.prices import PER_TILE, Destination, Size
from atelier.terrain import render
from payments_ui.core.models import LineItem


def render_sheet(
    *, owner: User, token: uuid.UUID, name: str, terrain: str, size: str, seed: int
) -> Sheet:
    """Render a sheet and charge for its tiles, once for each token."""
    paper = Size(size)
    svg = render(seed=seed, terrain=terrain, columns=paper.columns, rows=paper.rows)
    facts = {"name": name, "terrain": terrain, "size": size, "seed": seed, "svg": svg}
    with transaction.atomic():
        sheet, _created = Sheet.objects.get_or_create(owner=owner, token=token, defaults=facts)
        LineItem.objects.record(
            user=owner,
            title=_("Contour sheet, %(size)s") % {"size": paper.label},
            quantity=paper.tiles,
            unit=_("tiles"),
            unit_price=PER_TILE,
            key=f"sheet-{token}",
        )
    return sheet


def order_print(*, sheet: Sheet, token: uuid.UUID, destination: str) -> Print:
    """Order a print and charge for paper and postage, once for each token."""
    place = Destination(destination)
    with transaction.atomic():
        order, _created = Print.objects.get_or_create(
            sheet=sheet, token=token, defaults={"destination": place}
        )
        LineItem.objects.record(
            user=sheet.owner,
            title=_("Print and postage, %(place)s") % {"place": place.label},
            amount=place.price.amount,
            currency=place.price.currency,
            key=f"print-{token}",
        )
    return order
