"""From a template tag to a component, in a way that never breaks the host's page."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.db import connections, router, transaction
from django.http import HttpRequest
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from payments_ui.core.models import Payment

from .base import Component
from .base import render as render_template
from .widget import Widget, WidgetError, complain

logger = logging.getLogger("payments_ui")


def render(
    context: Context, tag: str, component_class: type[Component], params: dict[str, Any]
) -> SafeString:
    """The component that a tag stands for.

    Where it fails it is logged, and the page shows a quiet way to try again. Mistakes of
    the template's author raise ``WidgetError`` where ``DEBUG`` is on.
    """
    request = None
    try:
        request = request_of(context, tag)
        return _render(request, component_class, params)
    except WidgetError as error:
        complain(error)
    except NoReverseMatch as error:
        logger.exception("{%% %s %%} failed", tag)
        complain(WidgetError(_URLS.format(tag, error)))
    except Exception:
        # The host's page is worth more than our widget.
        logger.exception("{%% %s %%} failed", tag)
    return _quiet(request, component_class) if request else SafeString("")


_NO_REQUEST = (
    "{{% {} %}} finds no request in the template's context: add "
    "'django.template.context_processors.request' to the context_processors of TEMPLATES, "
    "and render the template with its request"
)
_URLS = (
    "{{% {} %}} cannot make a URL ({}): add path('payments/', include('payments_ui.urls')) "
    "to the URLconf"
)


def request_of(context: Context, tag: str) -> HttpRequest:
    """The request in a template's context. Raises ``WidgetError`` if there is none."""
    request = context.get("request") or getattr(context, "request", None)
    if not isinstance(request, HttpRequest):
        raise WidgetError(_NO_REQUEST.format(tag))
    return request


def _render(
    request: HttpRequest, component_class: type[Component], params: dict[str, Any]
) -> SafeString:
    widget = Widget.for_tag(request, component_class.accepts, kind=component_class.kind, **params)
    with _own_savepoint():
        return component_class(request, widget).render()


def _own_savepoint() -> AbstractContextManager[Any]:
    # In a request that is one transaction, a failing query of ours must not end the host's.
    alias = router.db_for_read(Payment)
    if settings.DATABASES[alias].get("ATOMIC_REQUESTS") and connections[alias].in_atomic_block:
        return transaction.atomic(using=alias)
    return nullcontext()


def _quiet(request: HttpRequest, component_class: type[Component]) -> SafeString:
    try:
        context = {
            "component": component_class,
            "widget": Widget.for_tag(request, frozenset()),
            "retry_url": reverse(component_class.url_name),
        }
        return render_template(request, "payments_ui/components/quiet.html", "", context)
    except Exception:  # e.g. no URLs either
        logger.exception("The quiet retry of a widget failed, too")
        return SafeString("")
