"""The step that a customer takes at a PSP without leaving the page."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import Attempt, PaymentMethod
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.registry import moochers

from . import psp_call

logger = logging.getLogger("payments_ui")


def fetch(subject: Attempt | PaymentMethod) -> Mapping[str, str]:
    """What the PSP's script needs in its owner's browser to take the step; kept nowhere.

    Raises ``MoocherError`` where no step is to be taken, or the PSP does not answer.
    """
    psp_call.forbid_transaction()
    moocher = moochers().get(subject.moocher)
    if moocher is None:
        raise MoocherError(f"{subject.moocher} is not listed any more")
    try:
        step = moocher.browser_step(subject)
    except MoocherError:
        raise
    except Exception as error:
        # Not the answer itself: it may hold what only the owner's browser may have.
        logger.exception("%s: the PSP was asked for the customer's step", subject)
        raise MoocherError("The PSP was asked for the customer's step") from error
    # The next look asks what came of it, however soon the customer has taken it.
    unguarded(subject).update(asked_at=None)
    return step
