"""Believable data: two customers, a clerk, some weeks of use, and an old payment each."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from atelier import services
from atelier.models import Print, Sheet
from payments_ui.core import triggers
from payments_ui.core.models import LineItem, Payment
from showroom.people import PASSWORD, PEOPLE, Person
from showroom.team import TEAM

#: Customer, name, terrain, size, seed, days ago, where a print was posted to.
PAST = (
    ("ada", "Piz Nirgends", "alpine", "a3", 2026, 64, "ch"),
    ("ada", "Lago Perduto", "islands", "a4", 412, 61, None),
    ("ada", "Col des Absents", "canyon", "a4", 7, 58, None),
    ("ben", "Mont Absent", "alpine", "a2", 99, 52, None),
)
RECENT = (
    ("ada", "Nebelberg", "rolling", "a2", 33, 12, None),
    ("ada", "Isole Mancanti", "islands", "a3", 58, 9, "eu"),
    ("ada", "Val Nada", "canyon", "a3", 1291, 5, None),
    ("ada", "Schattenhorn", "alpine", "a4", 7531, 2, None),
    ("team", "Alpe Comune", "alpine", "a2", 77, 4, None),
    ("team", "Isola di Tutti", "islands", "a3", 15, 3, None),
    ("ben", "Dent du Rien", "alpine", "a3", 650, 6, None),
    ("ben", "Collina Vuota", "rolling", "a4", 19, 1, None),
)


def load() -> bool:
    """Fill an empty database; return whether it was empty."""
    if get_user_model().objects.exists():
        return False
    with transaction.atomic():
        people = {person.username: add_person(person) for person in (*PEOPLE, TEAM)}
        for sheet in PAST:
            use(people, *sheet)
        for name in ("ada", "ben"):
            pay(people[name], days_ago=50)
        for sheet in RECENT:
            use(people, *sheet)
    return True


def add_person(person: Person) -> User:
    """Add a person who joined some months ago."""
    user: User = get_user_model().objects.create_user(
        username=person.username,
        email=f"{person.username}@example.com",
        # Customers are signed in without one, and a hash takes a third of a second.
        password=PASSWORD if person.is_staff else None,
        first_name=person.first_name,
        last_name=person.last_name,
        is_staff=person.is_staff,
        is_superuser=person.is_staff,
        date_joined=joined(),
    )
    return user


def joined() -> datetime:
    """Some months ago, on the day of the month that tomorrow is: then the next bill is due."""
    tomorrow = timezone.now() + timedelta(days=1)
    earlier = tomorrow.replace(day=min(tomorrow.day, 28)) - timedelta(days=90)
    return earlier.replace(day=min(tomorrow.day, 28))


def use(
    people: dict[str, User],
    username: str,
    name: str,
    terrain: str,
    size: str,
    seed: int,
    days: int,
    destination: str | None,
) -> None:
    """Render a sheet some days ago, and order a print of it where a destination is given."""
    sheet = services.render_sheet(
        owner=people[username], token=uuid.uuid4(), name=name, terrain=terrain, size=size, seed=seed
    )
    Sheet.objects.filter(pk=sheet.pk).update(created_at=ago(days))
    backdate_charge(f"sheet-{sheet.token}", days)
    if destination:
        order = services.order_print(sheet=sheet, token=uuid.uuid4(), destination=destination)
        Print.objects.filter(pk=order.pk).update(created_at=ago(days - 1))
        backdate_charge(f"print-{order.token}", days - 1)


def pay(user: User, *, days_ago: int) -> None:
    """Pay all charges of a user by a transfer that the clerk booked some days ago."""
    payment = Payment.objects.create_pending(
        user=user, email=user.email, created_at=ago(days_ago + 2)
    )
    if payment is None:
        raise RuntimeError(f"{user} has nothing to pay")
    payment.book_by_hand(by="clara", reason="Transfer of the demo's past")
    # The books record the present time, and a trigger keeps it; the demo needs a past.
    past = {"charged_at": ago(days_ago)}
    with triggers.disabled(events=["UPDATE"]):
        QuerySet(Payment).filter(pk=payment.pk).update(**past)


def backdate_charge(key: str, days: int) -> None:
    """Set back when a use was made and recorded."""
    LineItem.objects.filter(key=key).update(created_at=ago(days), used_at=ago(days))


def ago(days: int) -> datetime:
    """Return the time of day now, some days ago."""
    return timezone.now() - timedelta(days=days)
