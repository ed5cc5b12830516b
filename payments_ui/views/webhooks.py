"""Where PSPs report. The only view without CSRF protection: the signature protects it."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments_ui.exceptions import (
    WebhookNotConfiguredError,
    WebhookSignatureError,
    WebhookTooLongError,
)
from payments_ui.flows import webhook as webhook_flow
from payments_ui.flows.psp_call import PSPUnavailableError
from payments_ui.moochers.registry import moochers

from . import access

logger = logging.getLogger("payments_ui")


@csrf_exempt
@access.for_anybody
@require_POST
def webhook(request: HttpRequest, identifier: str) -> HttpResponse:
    """200 when it is booked, 400 or 413 where it is refused, 503 where the PSP should repeat it."""
    moocher = moochers().get(identifier)
    if moocher is None:
        raise Http404
    try:
        webhook_flow.handle(request, moocher)
    except WebhookSignatureError as error:
        logger.warning("A webhook for moocher %s was refused: %s", identifier, error)
        return HttpResponse(status=413 if isinstance(error, WebhookTooLongError) else 400)
    except WebhookNotConfiguredError as error:
        # The PSP repeats it for days: until then the site has its secret.
        logger.error("A webhook for moocher %s cannot be verified: %s", identifier, error)
        return HttpResponse(status=503)
    except PSPUnavailableError as error:
        logger.warning("A webhook for moocher %s is to be sent again: %s", identifier, error)
        return HttpResponse(status=503)
    return HttpResponse("OK", content_type="text/plain")
