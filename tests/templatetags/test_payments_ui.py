"""The tags: a mistake names its fix where DEBUG is on, and no host's page ever breaks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import django
import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.template import Context, RequestContext, Template
from django.test import override_settings
from pytest_django import Settings

from payments_ui.components.widget import WidgetError
from payments_ui.core import queries
from tests.components.conftest import Owe, RenderTag, RequestOf
from tests.counting import reads
from tests.dom import Node, parse
from tests.fakes import cards, francs

WIDGETS = ("pending_charges", "pay_button", "charges_badge", "payment_history")


class HostWithoutUrls:
    """A URLconf that forgot the kit's."""

    urlpatterns: ClassVar[list[object]] = []


def render(source: str, **context: Any) -> str:
    return Template(f"{{% load payments_ui %}}{source}").render(Context(context))


@pytest.mark.parametrize("tag", WIDGETS)
def test_visitors_see_nothing(tag: str, page: RenderTag) -> None:
    assert page(f"{{% {tag} %}}", of=AnonymousUser()).children == []


@pytest.mark.parametrize("tag", ["pending_charges", "pay_button", "payment_history"])
def test_visitors_can_be_told_something(tag: str, page: RenderTag) -> None:
    shown = page(f'{{% {tag} anonymous="Sign in & see." %}}', of=AnonymousUser())
    assert shown.text == "Sign in & see."
    assert shown.with_attr("data-pui") == []


@pytest.mark.parametrize("tag", WIDGETS)
def test_a_request_without_a_user_is_a_visitors(tag: str, request_of: RequestOf) -> None:
    request = request_of()
    del request.user
    assert render(f"{{% {tag} %}}", request=request) == ""


def test_visitors_cost_no_query(page: RenderTag) -> None:
    with reads(0):
        page("{% pending_charges %}{% charges_badge %}", of=AnonymousUser())


@pytest.mark.parametrize("tag", WIDGETS)
def test_without_a_request_the_fix_is_named_in_debug(tag: str, settings: Settings) -> None:
    settings.DEBUG = True
    with pytest.raises(WidgetError, match=r"context_processors\.request") as error:
        render(f"{{% {tag} %}}")
    assert f"{{% {tag} %}}" in str(error.value)


@pytest.mark.parametrize("tag", WIDGETS)
def test_without_a_request_a_page_in_production_works(
    tag: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert render(f"before {{% {tag} %}} after") == "before  after"
    assert "context_processors.request" in caplog.text


def test_the_request_is_found_without_its_context_processor(
    user: User, request_of: RequestOf
) -> None:
    context = RequestContext(request_of(user), {"request": None})
    assert "pui-1" in Template("{% load payments_ui %}{% pending_charges %}").render(context)


def test_an_unknown_parameter_names_the_nearest_known_one(
    page: RenderTag, settings: Settings
) -> None:
    settings.DEBUG = True
    with pytest.raises(WidgetError, match="did you mean heading"):
        page("{% pending_charges headin=3 %}")


def test_an_unknown_parameter_is_ignored_in_production(
    page: RenderTag, owe: Owe, caplog: pytest.LogCaptureFixture
) -> None:
    owe("12")
    assert "CHF 12.00" in page("{% pending_charges headin=3 %}").text
    assert "did you mean heading" in caplog.text


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every read fail."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the database is on fire")

    monkeypatch.setattr(queries, "owed_and_groups", fail)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("debug", [False, True])
def test_a_widget_that_fails_leaves_a_quiet_way_to_try_again(
    debug: bool, page: RenderTag, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = debug
    shown = page("before {% pending_charges %} after")
    assert shown.text.startswith("before")
    assert shown.text.endswith("after")
    retry = shown.one("a")
    assert (retry.text, retry.attrs["href"]) == ("Try again", "/charges/")
    assert "the database is on fire" in caplog.text
    assert "the database is on fire" not in shown.text


@pytest.mark.usefixtures("broken")
def test_a_retry_swaps_the_body_it_stands_in(page: RenderTag) -> None:
    shown = page("{% pending_charges %}")
    (root,) = shown.with_attr("data-pui")
    assert len(root.with_attr("data-pui-body")) == 1
    assert shown.one("a").attrs["hx-target"] == "closest [data-pui-body]"
    assert root.attrs["hx-disinherit"] == "*"


@override_settings(ROOT_URLCONF=HostWithoutUrls)
def test_missing_urls_name_the_fix_in_debug(page: RenderTag, owe: Owe, settings: Settings) -> None:
    owe("12")
    settings.DEBUG = True
    with pytest.raises(WidgetError, match=r"include\('payments_ui\.urls'\)"):
        page("{% pending_charges %}")


@override_settings(ROOT_URLCONF=HostWithoutUrls)
def test_missing_urls_do_not_break_a_page_in_production(page: RenderTag, owe: Owe) -> None:
    owe("12")
    assert page("before {% charges_badge %}").text == "before"


@pytest.mark.parametrize("atomic", [False, True])
def test_a_request_that_is_one_transaction_survives_a_failing_query(
    atomic: bool, page: RenderTag, monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    def fail(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM there_is_no_such_table")

    monkeypatch.setattr(queries, "owed_and_groups", fail)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
    assert "Try again" in page("{% pending_charges %}").text
    if atomic:
        assert User.objects.filter(pk=user.pk).exists()


def assets(source: str = "{% payments_ui_assets %}", **context: Any) -> Node:
    return parse(render(source, **context))


def test_assets_are_one_sheet_and_two_deferred_scripts() -> None:
    shown = assets()
    assert shown.one("link").attrs["href"] == "/static/payments_ui/payments_ui.min.css"
    scripts = shown.all("script")
    assert [script.attrs["src"].rpartition("/")[2] for script in scripts] == [
        "payments_ui.js",
        "payments_ui.elements.js",
    ]
    assert all("defer" in script.attrs and not script.children for script in scripts)


def test_assets_bring_what_moochers_need_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = "payments_ui/payments_ui.stripe.js"
    for moocher in (cards, francs):
        monkeypatch.setattr(moocher, "scripts", (theirs,))
        monkeypatch.setattr(moocher, "psp_scripts", ("https://psp.example/a.js",))
    scripts = assets(csp_nonce="n0nce").all("script")
    assert [script.attrs["src"] for script in scripts[2:]] == [
        f"/static/{theirs}",
        "https://psp.example/a.js",
    ]
    assert ("defer" in scripts[2].attrs, "async" in scripts[3].attrs) == (True, True)
    assert {script.attrs["nonce"] for script in scripts} == {"n0nce"}


def test_wrong_moochers_leave_the_page_working(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": ["no.such.moocher"]}
    assert len(assets().all("script")) == 2
    assert "leaves out the scripts of MOOCHERS" in caplog.text


def test_hosts_choose_the_layered_sheet_or_none(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"CSS": "layer"}
    assert "payments_ui.layer.min.css" in assets().one("link").attrs["href"]
    settings.PAYMENTS_UI = {"CSS": False}
    assert assets().all("link") == []


@pytest.mark.parametrize(
    ("source", "script"), [("htmx=True", "htmx-2"), ("htmx=2", "htmx-2"), ("htmx=4", "htmx-4")]
)
def test_assets_bring_htmx_when_asked(source: str, script: str) -> None:
    (first, *_) = assets(f"{{% payments_ui_assets {source} %}}").all("script")
    assert script in first.attrs["src"]


def test_mistakes_in_assets_name_the_fix(settings: Settings) -> None:
    settings.DEBUG = True
    with pytest.raises(WidgetError, match="must be 2 or 4"):
        assets("{% payments_ui_assets htmx=3 %}")
    with pytest.raises(WidgetError, match="takes htmx only, not hmtx"):
        assets("{% payments_ui_assets hmtx=2 %}")
    settings.DEBUG = False
    assert len(assets("{% payments_ui_assets htmx=3 %}").all("script")) == 2


@pytest.fixture
def manifest(settings: Settings, tmp_path: Path) -> Callable[..., None]:
    """Return a function that makes the manifest storage know these files only."""

    def know(*names: str) -> None:
        files = {name: name.replace(".", ".0123456789ab.", 1) for name in names}
        hashes = {"version": "1.1", "hash": "", "paths": files}
        (tmp_path / "staticfiles.json").write_text(json.dumps(hashes))
        settings.STATIC_ROOT = tmp_path
        backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    return know


def test_htmx_that_was_not_collected_leaves_the_page_working(
    manifest: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    ours = ("payments_ui.min.css", "payments_ui.js", "payments_ui.elements.js")
    manifest(*(f"payments_ui/{name}" for name in ours))
    shown = assets("before {% payments_ui_assets htmx=2 %} after")
    assert (shown.text, len(shown.all("script"))) == ("before after", 2)
    assert "leaves out django_htmx/htmx-2.min.js" in caplog.text
    assert "collectstatic" in caplog.text


def test_our_own_files_that_were_not_collected_leave_the_page_working(
    manifest: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    manifest("payments_ui/payments_ui.js")
    shown = assets("before {% payments_ui_assets %} after")
    assert (shown.text, shown.all("link"), len(shown.all("script"))) == ("before after", [], 1)
    assert "leaves out payments_ui/payments_ui.min.css" in caplog.text


class LazyNonce:
    """False until it is used, as Django's."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "n0nce"


def test_assets_carry_the_nonce_of_the_context() -> None:
    shown = assets("{% payments_ui_assets htmx=2 %}", csp_nonce=LazyNonce())
    tags = shown.all("link") + shown.all("script")
    assert {tag.attrs["nonce"] for tag in tags} == {"n0nce"}


@pytest.mark.parametrize(
    ("source", "nonce", "is_told"),
    [("htmx=2", "n0nce", True), ("htmx=2", None, False), ("htmx=4", "n0nce", False)],
)
def test_htmx_2_writes_no_style_where_a_nonce_is_needed(
    source: str, nonce: str | None, is_told: bool
) -> None:
    shown = assets(f"{{% payments_ui_assets {source} %}}", csp_nonce=nonce)
    assert bool(shown.with_attr("data-pui-no-indicator-styles")) is is_told


def test_assets_carry_the_nonce_of_django_csp(request_of: RequestOf) -> None:
    request: Any = request_of()
    request.csp_nonce = LazyNonce()
    assert assets(request=request).one("link").attrs["nonce"] == "n0nce"


def test_without_a_policy_there_is_no_nonce(request_of: RequestOf) -> None:
    assert assets(request=request_of()).with_attr("nonce") == []


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django's own nonces came with 6.0")
def test_assets_carry_the_nonce_of_djangos_middleware(request_of: RequestOf) -> None:
    from django.utils.csp import LazyNonce as DjangosNonce

    request: Any = request_of()
    request._csp_nonce = DjangosNonce()
    assert assets(request=request).one("link").attrs["nonce"] == str(request._csp_nonce)


@pytest.mark.parametrize("asked", [False, True])
def test_roots_carry_the_nonce_for_htmx_4_when_asked(
    asked: bool, settings: Settings, user: User, request_of: RequestOf
) -> None:
    settings.PAYMENTS_UI |= {"HX_NONCE": asked}
    request: Any = request_of(user)
    request.csp_nonce = LazyNonce()
    root = parse(render("{% pending_charges %}", request=request)).one("section")
    assert root.attrs.get("hx-nonce:inherited") == ("n0nce" if asked else None)


def test_widgets_do_not_run_the_hosts_context_processors(
    owe: Owe, user: User, request_of: RequestOf, settings: Settings
) -> None:
    # They may ask the database, and the number of our queries is promised.
    owe("12")
    (engine,) = settings.TEMPLATES
    options = {**engine["OPTIONS"], "context_processors": [f"{__name__}.never"]}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    assert "CHF" in render("{% pending_charges %}", request=request_of(user))


def never(request: object) -> dict[str, object]:
    raise AssertionError("A widget ran the host's context processors")
