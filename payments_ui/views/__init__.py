"""One view for each thing with a URL; three renderings: page, fragment, redirect."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import cached_property


class OnDemand:
    """The view of this name, as in ``charges.uses``, imported when the first request comes.

    Whatever is asked of it before it is called, such as ``csrf_exempt``, is the view's own.
    """

    def __init__(self, name: str) -> None:
        module, self.__name__ = name.split(".")
        self.__module__, self.__qualname__ = f"{__name__}.{module}", self.__name__

    @cached_property
    def view(self) -> Callable[..., HttpResponseBase]:
        """The function itself."""
        found: Callable[..., HttpResponseBase] = getattr(
            import_module(self.__module__), self.__name__
        )
        return found

    def __call__(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Answer the request."""
        return self.view(request, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # Django asks whether there is a class behind it when URLs are made, Python and others for
        # dunders: neither is a reason to load a function's module.
        if name == "view_class" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.view, name)
