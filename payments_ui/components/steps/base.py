"""What a step is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest
from mooch.base import BaseMoocher

from payments_ui.components.base import Page
from payments_ui.components.reading import Reading
from payments_ui.components.saved_methods import SavedMethod
from payments_ui.components.selection import LineItemSelection
from payments_ui.components.widget import Widget
from payments_ui.core.models import LineItem, Payment
from payments_ui.core.queries import Group

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass(slots=True, kw_only=True)
class Situation:
    """Who looks at which widget, and what they asked for.

    ``moocher`` is the chosen payment option and ``form_html`` its form, adopted by the kit;
    ``saved`` is what the user has saved, where it charges that.
    ``form`` is a ``LineItemSelection`` with errors. ``page`` and ``currency`` are what a link
    in the list asks for.
    """

    request: HttpRequest
    widget: Widget
    reading: Reading
    page: int = 1
    currency: str = ""
    form: LineItemSelection | None = None
    moocher: BaseMoocher | None = None
    saved: SavedMethod | None = None
    form_html: str = ""

    @property
    def user(self) -> AbstractBaseUser:
        """Whose charges these are."""
        return self.reading.user


class Step(ABC):
    """What the widget shows at one point of the way. Three queries at most, whatever the size."""

    #: Names its template, and the step in the markup (``data-pui-step``).
    name: ClassVar[str]
    #: The template, or ``(template, partial)``, of the news alone; empty where none come.
    news_template: ClassVar[tuple[str, str]] = ("", "")

    def __init__(self, situation: Situation) -> None:
        self.situation = situation

    @property
    def template_name(self) -> str:
        """The template of the body."""
        return f"payments_ui/components/pending_charges/{self.name}.html"

    @abstractmethod
    def get_context_data(self) -> dict[str, Any]:
        """What the template is given."""

    def get_news(self) -> dict[str, Any] | None:
        """What ``news_template`` is given: what happened since; ``None`` where no news come."""
        return None

    @property
    def body_shows(self) -> str:
        """The step, and what else news cannot tell without showing the body anew."""
        return self.name

    @property
    def seen(self) -> str:
        """What a refresher reports back, so that an unchanged step is answered with 204."""
        return self.name

    def get_page(self, currency: str, payment: Payment | None = None) -> Page[Group | LineItem]:
        """The page of line items that was asked for: unbound, or those of ``payment``."""
        widget, number, reading = self.situation.widget, self.situation.page, self.situation.reading
        read: Any = reading.groups if widget.group else reading.items
        rows = read(currency, *slice_of(number, widget.limit), payment)
        return Page.of(rows, number, widget.limit)


def slice_of(page: int, limit: int) -> tuple[int, int]:
    """How many rows to read for a page of so many, and how many before them to pass by."""
    return limit + 1, (page - 1) * limit


class PaymentStep(Step):
    """A step of one payment."""

    def __init__(self, situation: Situation, payment: Payment) -> None:
        super().__init__(situation)
        self.payment = payment
