"""The sentences by which a user agrees that a payment method is saved, each with its version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _

from payments_ui.conf import settings


@dataclass(frozen=True, slots=True)
class Wording:
    """What is shown beside the two boxes, both unticked, in the language of the page.

    ``save``: for payments that the user makes. ``unattended``: for charging without the user, a
    consent of its own, or empty. ``version`` names this very wording.
    """

    save: str
    unattended: str

    @property
    def version(self) -> str:
        """Sixteen characters that change with every word."""
        return hashlib.sha256(f"{self.save}\n{self.unattended}".encode()).hexdigest()[:16]


def wording() -> Wording:
    """The sentences in the language that is active now, with the payee's name.

    ``unattended`` is empty where the site does not ask, by ``ASK_UNATTENDED``.
    """
    payee = {"payee": settings.PAYEE}
    if settings.PAYEE:
        save = _("Save this payment method for my next payments to %(payee)s.") % payee
        unattended = _(
            "%(payee)s may charge to it what I owe later, without me being present. I can take "
            "this back at any time by removing the payment method."
        )
    else:
        save = _("Save this payment method for my next payments here.")
        unattended = _(
            "What I owe later may be charged to it without me being present. I can take this "
            "back at any time by removing the payment method."
        )
    return Wording(save, unattended % payee if settings.ASK_UNATTENDED else "")
