"""Saving, charging and removing a card at the fake PSP's Stripe, for processes to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.test import override_settings

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.failpoints import at, kill
from payments_ui.testing.moochers import listed

from . import jobs, site

#: URL, secret and publishable key, secret of webhooks.
Keys = tuple[str, str, str, str]
Job = Callable[[int, str], None]


@contextmanager
def _at(keys: Keys, ahead: float) -> Iterator[None]:
    url, secret_key, publishable_key, webhook_secret = keys
    moocher = StripeMoocher(
        secret_key=secret_key,
        publishable_key=publishable_key,
        webhook_secret=webhook_secret,
        api_base=url,
        timeout=(5, 30),
    )
    with (
        site.at(url.removesuffix("/stripe"), ahead),
        override_settings(PAYMENTS_UI={"MOOCHERS": listed(moocher)}),
    ):
        yield


def run(keys: Keys, ahead: float, job: Job, user_pk: int, token: str) -> None:
    """Run a job to its end, so many seconds later than now."""
    with _at(keys, ahead):
        job(user_pk, token)


def run_until(point: Point, keys: Keys, job: Job, user_pk: int, token: str) -> None:
    """Run a job in a process that dies when the failpoint is hit."""
    with at(point, kill()):
        run(keys, 0, job, user_pk, token)


def reconcile(keys: Keys, ahead: float) -> None:
    """The cron job."""
    with _at(keys, ahead):
        jobs.reconcile(keys[0])


def pay_and_save(user_pk: int, token: str) -> None:
    """Pay what is owed by a new card, and save it."""
    browser = site.Browser(user_pk)
    payment = browser.proceed()
    if payment is not None:
        boxes = {"save_method": "on", "consent_version": wording().version}
        data = {**FormToken.fields(payment), **boxes, "confirmation_token": token}
        browser.post("moocher", data, pk=payment.pk, identifier="stripe")


def save(user_pk: int, token: str) -> None:
    """Save a card without a payment."""
    data = {"consent_version": wording().version, "confirmation_token": token}
    site.Browser(user_pk).post("method_setup", data, identifier="stripe")


def remove(user_pk: int, token: str) -> None:
    """Remove all that is saved."""
    for method in PaymentMethod.objects.active().filter(user=user_pk):
        method.remove(by=f"user:{user_pk}")
