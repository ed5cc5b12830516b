"""The components that have a tag, by name: the kit's and those of the site's own apps."""

from __future__ import annotations

from django.template import engines

from .base import Component

_components: dict[str, type[Component]] = {}


def add(component_class: type[Component]) -> None:
    """Make a component known. Raises ``ValueError`` where another class has its name."""
    name = component_class.name
    known = _components.setdefault(name, component_class)
    if (known.__module__, known.__qualname__) != (
        component_class.__module__,
        component_class.__qualname__,
    ):
        raise ValueError(f"Two components are named {name!r}: {known} and {component_class}.")


def find(name: str) -> type[Component] | None:
    """The component of this name, or ``None``."""
    # Making the template engines imports every app's tag libraries, which add the components.
    engines.all()
    return _components.get(name)
