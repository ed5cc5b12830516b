"""Customers of Stripe, of django-user-payments' optional app."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models, transaction

from payments_ui.core.db.keyset import batches
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.core.models import Customer

from . import lineitems, source
from .job import ITEMS, Job
from .report import Kind, Report
from .source import SourceCustomer


def parts(job: Job) -> Iterator[Report]:
    """Copy those of the old table, if there is one, and report batch by batch."""
    if not source.has_customers(job.source):
        return
    rows: models.QuerySet[SourceCustomer] = models.QuerySet(SourceCustomer, using=job.source)
    for page in batches(rows, "id", size=ITEMS):
        yield _copy(job, page)


@retrying
@second_look
def _copy(job: Job, page: Sequence[SourceCustomer]) -> Report:
    report = job.report()
    stored: models.QuerySet[Customer] = models.QuerySet(Customer, using=job.target)
    with transaction.atomic(using=job.target):
        users = lineitems.existing_users(page, job.target)
        of_stripe = stored.filter(psp="stripe", account=job.stripe_account)
        named = of_stripe.filter(customer_id__in=[row.customer_id for row in page])
        known = {(each.user_id, each.customer_id, each.live) for each in named}
        taken = {(customer_id, live) for _user, customer_id, live in known}
        current = of_stripe.filter(removed_at=None, user__in=users)
        served = set(current.values_list("user_id", "live"))
        fresh = []
        for row in page:
            user_id, live = lineitems.user_key(row.user), _is_live(row)
            if (user_id, row.customer_id, live) in known:
                report.add(Kind.CUSTOMER_KNOWN, row.customer_id)
            elif user_id not in users:
                report.add(Kind.NO_USERS_CUSTOMER, row.customer_id)
            elif (row.customer_id, live) in taken or (user_id, live) in served:
                report.add(Kind.OTHER_CUSTOMER, row.customer_id)
            else:
                report.add(Kind.CUSTOMER, row.customer_id)
                fresh.append(_customer(job, row, user_id, live=live))
        if job.commit:
            stored.bulk_create(fresh)
    return report


def _customer(job: Job, row: SourceCustomer, user_id: Any, *, live: bool) -> Customer:
    return Customer(
        user_id=user_id,
        psp="stripe",
        account=job.stripe_account,
        live=live,
        customer_id=row.customer_id,
        # The same in every run: a second guard against importing it twice.
        idempotency_key=f"stripe_customers:{row.pk}",
        created_at=row.created_at,
    )


def _is_live(row: SourceCustomer) -> bool:
    """Whether real money was charged, as Stripe's own answer says; true where there is none."""
    try:
        return json.loads(row.customer_data).get("livemode") is not False
    except (ValueError, AttributeError, RecursionError):
        return True
