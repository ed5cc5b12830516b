"""Where PSPs report. The one place without CSRF protection: the signature protects it."""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments_ui.exceptions import WebhookSignatureError
from payments_ui.flows import webhook as webhook_flow
from payments_ui.moochers.registry import moochers

from . import access

logger = logging.getLogger("payments_ui")

#: Bytes of a webhook's body.
MOST = 256 * 1024


@csrf_exempt
@access.for_anybody
@require_POST
def webhook(request: HttpRequest, identifier: str) -> HttpResponse:
    """200 when it is booked, 400 for a signature that does not hold, 503 to send it again."""
    chosen = moochers().get(identifier)
    if chosen is None:
        raise Http404
    if not _is_of_good_size(request):
        return HttpResponse(status=413)
    try:
        webhook_flow.report(request, chosen)
    except WebhookSignatureError as error:
        logger.warning("Webhook for %s refused: %s", identifier, error)
        return HttpResponse(status=400)
    except webhook_flow.PSPUnavailableError as error:
        logger.warning("Webhook for %s is to be sent again: %s", identifier, error)
        return HttpResponse(status=503)
    return HttpResponse("OK", content_type="text/plain")


def _is_of_good_size(request: HttpRequest) -> bool:
    try:
        return len(request.body) <= MOST
    except RequestDataTooBig:
        return False
