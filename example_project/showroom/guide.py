"""The guided tour: use the service, check the charges, pay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments_ui.core.models import LineItem, Payment


@dataclass(frozen=True)
class Step:
    """One step: what to do, on which page, and whether it is done or the current step."""

    label: str | Promise
    url: str
    done: bool
    is_current: bool


@dataclass(frozen=True)
class Guide:
    """How far the visitor is."""

    used: bool
    looked: bool
    paid: bool

    @classmethod
    def of(cls, request: HttpRequest) -> Guide:
        """Read from the books what happened since the tour started."""
        since = parse_datetime(request.session.get("guide_since", "")) or timezone.now()
        mine = {"user": request.user}
        return cls(
            used=LineItem.objects.filter(created_at__gte=since, **mine).exists(),
            looked="guide_looked" in request.session,
            paid=Payment.objects.filter(charged_at__gte=since, **mine).exists(),
        )

    @property
    def finished(self) -> bool:
        return self.used and self.paid

    @property
    def steps(self) -> Iterator[Step]:
        """Yield the steps; the first that is open is the current step."""
        work, charges = reverse("atelier:new_sheet"), reverse("atelier:dashboard")
        done = (self.used, self.used and (self.looked or self.paid), self.used and self.paid)
        at = done.index(False) if False in done else -1
        labels = (_("Render a sheet"), _("Check your items"), _("Pay them"))
        for number, (label, url) in enumerate(zip(labels, (work, charges, charges), strict=True)):
            yield Step(label, url, done[number], number == at)


def begin(request: HttpRequest) -> None:
    """Restart the tour for the user who is signed in now."""
    request.session["guide_since"] = timezone.now().isoformat()
    request.session.pop("guide_looked", None)


def looked(request: HttpRequest) -> None:
    """Remember that the visitor saw the charges after using the service."""
    if "guide_looked" not in request.session and Guide.of(request).used:
        request.session["guide_looked"] = True
