from django.template import engines
from jinja2 import Environment, pass_context


@pass_context
def payments_ui(context, tag, **parameters):
    """The tag of that name, for the request that Django puts into each template's context."""
    names = " ".join(f"{name}={name}" for name in parameters)
    source = f"{{% load payments_ui %}}{{% {tag} {names} %}}"
    return engines["django"].from_string(source).render(parameters, context["request"])


def environment(**options):
    jinja = Environment(**options)  # noqa: S701 - Django's engine asks for autoescape
    jinja.globals["payments_ui"] = payments_ui
    return jinja
