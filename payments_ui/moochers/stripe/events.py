"""What Stripe reports, by webhook or in its list of events: which of our rows it is about.

Of an event only the names of what it is about are read; the state of that is fetched. So it does
not matter in which version of the API it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers
from payments_ui.moochers.base import Notice

from . import objects
from .checkout import PAGE
from .client import Client

if TYPE_CHECKING:
    from stripe.params import EventListParams

#: What a webhook's endpoint at Stripe should send.
TYPES = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "mandate.updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "radar.early_fraud_warning.created",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.canceled",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
)
#: What is looked for where a webhook may have been lost, at most twenty at once. All else is
#: asked about on the reconciler's schedule anyway.
LISTED = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "customer.deleted",
    "mandate.updated",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "radar.early_fraud_warning.created",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
)
#: The only news of customers that matters; sites may be sent others, too.
DELETED = "customer.deleted"
#: Which fields of an event's object hold references, and of what.
_REFERENCES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "charge": {"psp_reference": ("payment_intent", "payment_intent")},
    "customer": {"customer_reference": ("id", "customer")},
    "dispute": {
        "dispute_reference": ("id", "dispute"),
        "psp_reference": ("payment_intent", "payment_intent"),
    },
    "mandate": {"method_reference": ("payment_method", "payment_method")},
    "payment_intent": {"psp_reference": ("id", "payment_intent")},
    "payment_method": {"method_reference": ("id", "payment_method")},
    "radar.early_fraud_warning": {"psp_reference": ("payment_intent", "payment_intent")},
    "refund": {
        "psp_reference": ("payment_intent", "payment_intent"),
        "refund_reference": ("id", "refund"),
    },
    "setup_intent": {"setup_reference": ("id", "setup_intent")},
}
#: Which row of ours the metadata names, and what ``Notice`` calls it.
_OURS = {
    "charge": ("attempt_id", objects.ATTEMPT),
    "checkout.session": ("attempt_id", objects.ATTEMPT),
    "payment_intent": ("attempt_id", objects.ATTEMPT),
    "refund": ("refund_id", objects.REFUND),
    "setup_intent": ("setup_id", objects.METHOD),
}


def notice_of(event: object, *, moocher: str, account: str, live: bool) -> Notice:
    """Read an event; one about anything else than the moocher of this identifier names nothing.

    Raises ``MoocherError`` for an event that makes no sense, or is of another account or mode.
    """
    found = objects.checked("event", event, live=live)
    # Connect's platforms get those of other accounts, too.
    if found.get("account") not in (None, account):
        raise MoocherError("The event is of another account")
    kind = objects.text(found, "type")[:100]
    subject = answers.part(answers.part(found, "data"), "object")
    # Another option of the site has an endpoint of its own, in the same account.
    asked_by = answers.part(subject, "metadata").get(objects.MOOCHER, moocher)
    about = _about(subject) if asked_by == moocher else {}
    if kind != DELETED:
        about.pop("customer_reference", None)
    return Notice(event_id=found["id"], kind=kind, **about)


def _about(subject: Mapping[str, Any]) -> dict[str, Any]:
    """What an event is about, by the names of ``Notice``."""
    kind = str(subject.get("object"))
    about: dict[str, Any] = {
        name: objects.reference(subject, field, of)
        for name, (field, of) in _REFERENCES.get(kind, {}).items()
    }
    if kind in _OURS:
        name, row = _OURS[kind]
        about[name] = objects.ours(subject, row)
    if kind == "checkout.session" and subject.get("mode") == "setup":
        return {
            "setup_reference": objects.reference(subject, "id", "checkout.session"),
            "setup_id": objects.ours(subject, objects.METHOD),
        }
    if kind == "radar.early_fraud_warning":
        about["warning"] = _warning(subject)
    if kind in ("payment_intent", "charge") and PAGE in answers.part(subject, "metadata"):
        # The attempt goes by the page's id until it has succeeded: no second charge.
        del about["psp_reference"]
    return about


def _warning(subject: Mapping[str, Any]) -> str:
    kind = objects.text(subject, "fraud_type")[:60]
    return _("Early fraud warning: %(kind)s") % {"kind": kind or "-"}


def listed(
    client: Client, since: datetime, *, moocher: str, account: str, live: bool
) -> list[Notice]:
    """The events of ``LISTED`` since then, oldest first."""
    query: EventListParams = {"types": [*LISTED], "created": {"gte": int(since.timestamp())}}
    found = client.pages(lambda stripe, page: stripe.v1.events.list({**query, **page}))
    whose = {"moocher": moocher, "account": account}
    return [notice_of(event, **whose, live=live) for event in found][::-1]
