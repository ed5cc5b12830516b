"""From a template tag to a component, in a way that never breaks the host's page."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from django.db import connections, router, transaction
from django.http import HttpRequest
from django.template import Context, Library
from django.urls import NoReverseMatch
from django.utils.safestring import SafeString

from payments_ui import http
from payments_ui.core.models import Payment

from . import registry
from .base import Component
from .base import render as render_template
from .widget import PageState, Widget, WidgetError, complain

logger = logging.getLogger("payments_ui")


def add(library: Library, component_class: type[Component]) -> None:
    """Add the component's tag to a library, ``{% pay_button %}`` for the name ``pay-button``."""
    tag = component_class.name.replace("-", "_")

    def widget(context: Context, **params: object) -> SafeString:
        return render(context, tag, component_class, params)

    widget.__doc__ = component_class.__doc__
    # By this the system checks find the parameters of a library's tags.
    widget.component_class = component_class  # type: ignore[attr-defined]
    library.simple_tag(widget, takes_context=True, name=tag)
    registry.add(component_class)


def render(
    context: Context, tag: str, component_class: type[Component], params: Mapping[str, object]
) -> SafeString:
    """The component that a tag stands for.

    Where it fails the failure is logged, and the page shows a quiet way to try again. Mistakes
    of the template's author raise ``WidgetError`` where ``DEBUG`` is on.
    """
    request = context.get("request") or getattr(context, "request", None)
    try:
        if not isinstance(request, HttpRequest):
            raise WidgetError(_NO_REQUEST.format(tag))
        http.mark_private(request)
        widget = component_class.widget_class.for_tag(
            request, component_class.accepts, params, component=component_class.name
        )
        with PageState.of(request).rendering(context), _own_savepoint():
            return component_class(request, widget).render()
    except WidgetError as error:
        complain(error)
    except NoReverseMatch as error:
        logger.exception("{%% %s %%} failed", tag)
        complain(WidgetError(_URLS.format(tag, error)))
    except Exception:
        # The host's page is worth more than our widget.
        logger.exception("{%% %s %%} failed", tag)
    return _unavailable(request, component_class)


_NO_REQUEST = (
    "{{% {} %}} finds no request in the template's context: add "
    "'django.template.context_processors.request' to the context_processors of TEMPLATES, "
    "and render the template with its request"
)
_URLS = (
    "{{% {} %}} cannot make a URL ({}): add path('payments/', include('payments_ui.urls')) "
    "to the URLconf"
)


def _own_savepoint() -> AbstractContextManager[object]:
    # In a request that is one transaction, a failing query of ours must not end the host's.
    alias = router.db_for_write(Payment)
    if settings.DATABASES[alias].get("ATOMIC_REQUESTS") and connections[alias].in_atomic_block:
        return transaction.atomic(using=alias)
    return nullcontext()


def _unavailable(request: object, component_class: type[Component]) -> SafeString:
    if not isinstance(request, HttpRequest):
        return SafeString("")
    try:
        context = {
            "component": component_class,
            "widget": Widget.for_tag(request, (), {}),
            "retry_url": component_class.get_url(),
        }
        return render_template(request, "payments_ui/components/unavailable.html", "", context)
    except Exception:  # e.g. no URLs either
        logger.exception("The link to load a widget again failed, too")
        return SafeString("")
