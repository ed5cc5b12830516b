"""System checks of the interface: what a site has to provide, each with the fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Tags, run_checks
from django.test import modify_settings, override_settings

from payments_ui.checks import host, templates
from payments_ui.checks import moochers as moocher_checks
from payments_ui.checks.templates import accepted
from payments_ui.core.on_demand import TAG
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.sandbox import SandboxMoocher
from tests.core.support import record
from tests.saving import SAVING

ours = Moocher(identifier="ours", title="Ours")
euros = Moocher(identifier="euros", title="Euros", currencies=frozenset({"EUR"}))
dollars = Moocher(identifier="dollars", title="Dollars", currencies=frozenset({"USD"}))
twin = Moocher(identifier="ours", title="The same name")
nothing = object()
sandbox = SandboxMoocher(psp_url="http://127.0.0.1:9", api_key="key", webhook_secret="secret")


class Leaving(Moocher):
    """Posts its form to a PSP."""

    form_action_origins = ("https://psp.example",)


leaving = Leaving(identifier="leaving", title="Leave")


class SessionMiddleware:
    """Not Django's."""


def all_found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return what the checks say, by number."""
    messages = run_checks(tags=[TAG], include_deployment_checks=deploy)
    assert all(message.hint for message in messages)
    return {str(message.id).removeprefix("payments_ui."): message for message in messages}


def found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return the same of a site that may list no moocher, as most here."""
    told = all_found(deploy=deploy)
    told.pop("W031", None)
    return told


def listed(*names: str) -> dict[str, Any]:
    return {"MOOCHERS": [f"{__name__}.{name}" for name in names]}


def test_the_site_under_test_is_in_order() -> None:
    assert found() == {}


# The site


def test_pages_with_a_widget_are_kept_out_of_caches() -> None:
    assert "W028" not in found(deploy=True)
    with modify_settings(MIDDLEWARE={"remove": ["payments_ui.middleware.PrivatePagesMiddleware"]}):
        assert "W028" in found(deploy=True)


@pytest.mark.parametrize(
    ("app", "number"), [("payments_ui.core", "E010"), ("crispy_forms", "E011")]
)
def test_an_app_that_is_missing_is_told(app: str, number: str) -> None:
    with modify_settings(INSTALLED_APPS={"remove": [app]}):
        message = found()[number]
    assert message.hint == f'Add "{app}" to INSTALLED_APPS.'


@pytest.mark.parametrize("path", host._MIDDLEWARE)
def test_middleware_that_is_missing_is_told(path: str) -> None:
    with modify_settings(MIDDLEWARE={"remove": [path]}):
        message = found()["E012"]
    assert path in message.msg


def test_a_subclass_will_do_and_what_does_not_import_is_djangos_to_tell(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.sessions.middleware import SessionMiddleware as Djangos

    wanted = "django.contrib.sessions.middleware.SessionMiddleware"
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != wanted]
    settings.MIDDLEWARE += [
        f"{__name__}.SessionMiddleware",
        "no.such.Middleware",
        f"{__name__}.found",
    ]
    assert "E012" in found()
    monkeypatch.setattr(f"{__name__}.SessionMiddleware", type("Own", (Djangos,), {}))
    assert "E012" not in found()


def test_templates_without_the_request_are_told(settings: Any) -> None:
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "OPTIONS": {"context_processors": []}}]
    assert "context_processors.request" in str(found()["E013"].hint)


@override_settings(ROOT_URLCONF="tests.urls_core_only")
def test_urls_that_are_not_included_are_told() -> None:
    assert 'include("payments_ui.urls")' in str(found()["E014"].hint)


@override_settings(PAYMENTS_UI={"BASE_TEMPLATE": "no/such.html"})
def test_a_base_template_that_does_not_exist_is_told() -> None:
    assert "no/such.html" in found()["E015"].msg


@pytest.mark.parametrize(
    ("classes", "hint"),
    [
        ("bootstrap", "Did you mean 'bootstrap5'?"),
        ({"buton": "btn"}, "Did you mean 'button'?"),
    ],
)
def test_an_unknown_preset_or_slot_is_told(classes: Any, hint: str) -> None:
    with override_settings(PAYMENTS_UI={"CLASSES": classes}):
        assert found()["E016"].hint == hint


@pytest.mark.parametrize("classes", ["tailwind", {"button": "btn"}, {}])
def test_known_presets_and_slots_are_fine(classes: Any) -> None:
    with override_settings(PAYMENTS_UI={"CLASSES": classes}):
        assert found() == {}


# Moochers


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["no_such_moocher"], "does not import"),
        (["nothing"], "is not a moocher instance"),
        (["ours", "twin"], "two moochers named 'ours'"),
    ],
)
def test_a_moocher_that_cannot_be_listed_is_told(names: list[str], told: str) -> None:
    with override_settings(PAYMENTS_UI=listed(*names)):
        assert told in found()["E020"].msg


def test_a_module_of_moochers_that_raises_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_moochers.py").write_text("import os\nkey = os.environ['NO_SUCH_KEY']\n")
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(PAYMENTS_UI={"MOOCHERS": ["broken_moochers.bank"]}):
        assert "NO_SUCH_KEY" in found()["E020"].msg


@override_settings(PAYMENTS_UI={"MOOCHERS": "tests.test_checks.ours"})
def test_a_wrong_list_of_moochers_is_told_once() -> None:
    assert set(found()) == {"E003"}


@override_settings(PAYMENTS_UI=listed("ours"))
def test_a_moocher_that_can_be_listed_is_fine() -> None:
    assert found() == {}


def test_the_sandbox_is_told_where_debug_is_off(settings: Any) -> None:
    settings.PAYMENTS_UI = listed("sandbox")
    assert "ALLOW_SANDBOX" in str(found(deploy=True)["E021"].hint)
    assert "ALLOW_SANDBOX" in str(found()["W021"].hint)
    settings.PAYMENTS_UI = listed("sandbox") | {"ALLOW_SANDBOX": True}
    assert found(deploy=True) == {}
    settings.PAYMENTS_UI, settings.DEBUG = listed("sandbox"), True
    assert found(deploy=True) == {}


@pytest.mark.parametrize("names", [("sandbox",), ("sandbox", "leaving")])
def test_no_moocher_of_shared_settings_stops_a_test_run(
    settings: Any, names: tuple[str, ...]
) -> None:
    """``manage.py test`` switches DEBUG off, then runs the checks: an error ends it."""
    settings.PAYMENTS_UI = listed(*names)
    assert not settings.DEBUG
    assert [message for message in found().values() if message.is_serious()] == []


def test_a_moocher_that_cannot_be_loaded_is_told_once(settings: Any) -> None:
    settings.PAYMENTS_UI = listed("nothing")
    assert set(found(deploy=True)) == {"E020"}


@pytest.mark.parametrize(
    ("policy", "is_told"),
    [
        ({"SECURE_CSP": {"form-action": ["'self'"]}}, True),
        ({"SECURE_CSP": {"form-action": "'self'"}}, True),
        ({"SECURE_CSP": {"form-action": ()}}, True),
        ({"SECURE_CSP": {"form-action": ["'self'", "https://psp.example"]}}, False),
        ({"SECURE_CSP": {"form-action": ["https:"]}}, False),
        ({"SECURE_CSP": {"default-src": ["'self'"]}}, False),
        ({"SECURE_CSP": None}, False),
        ({"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"form-action": ["'self'"]}}}, True),
        ({"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"form-action": ["*"]}}}, False),
    ],
)
def test_a_policy_that_blocks_the_psps_form_is_told(
    settings: Any, policy: dict[str, Any], is_told: bool
) -> None:
    settings.PAYMENTS_UI = listed("leaving", "ours")
    for name, value in policy.items():
        setattr(settings, name, value)
    assert set(found()) == ({"W025"} if is_told else set())


@override_settings(PAYMENTS_UI={})
def test_a_site_at_which_nobody_can_pay_is_told() -> None:
    assert "MOOCHERS" in str(all_found()["W031"].hint)


@pytest.mark.parametrize(
    ("names", "is_told"),
    [
        (("euros",), True),
        (("euros", "dollars"), True),
        (("euros", "ours"), False),
        (("nothing",), False),
    ],
)
def test_a_currency_that_no_moocher_takes_is_told(names: tuple[str, ...], is_told: bool) -> None:
    with override_settings(PAYMENTS_UI=listed(*names) | {"CURRENCY": "CHF"}):
        assert ("W032" in all_found()) == is_told
    with override_settings(PAYMENTS_UI=listed(*names) | {"CURRENCY": "EUR"}):
        assert "W032" not in all_found()


@override_settings(PAYMENTS_UI=listed("euros") | {"CURRENCY": "chf"})
def test_what_is_no_currency_is_told_once() -> None:
    assert set(all_found()) == {"E004"}


@pytest.mark.django_db
def test_what_is_charged_in_a_currency_that_no_moocher_takes_is_told(user: User) -> None:
    record(user, "1", currency="USD")
    record(user, "1", currency="EUR")
    with override_settings(PAYMENTS_UI=listed("euros") | {"CURRENCY": "EUR"}):
        messages = run_checks(tags=[Tags.database], databases=["default"])
        (message,) = [each for each in messages if each.id == "payments_ui.W032"]
        assert "'USD'" in message.msg
        assert "EUR" in str(message.hint)
        unasked = run_checks(tags=[Tags.database], databases=[])
        assert not [each for each in unasked if "W032" in str(each.id)]
        with modify_settings(INSTALLED_APPS={"remove": ["payments_ui.core"]}):
            assert moocher_checks.check_charged_currencies(databases=["default"]) == []


# Templates


@pytest.mark.parametrize("path", ["shop.payer", f"{__name__}.OURS", "tests.test_checks", "nothing"])
def test_a_payer_that_is_no_function_is_told(path: str, settings: Any) -> None:
    settings.PAYMENTS_UI = {"PAYER": path}
    assert path in found()["E018"].msg
    settings.PAYMENTS_UI = {"PAYER": f"{__name__}.listed"}
    assert found() == {}


@pytest.fixture
def page(tmp_path: Path, settings: Any) -> Any:
    """Return a function that writes a template of the site's and runs the checks."""
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path]}]

    def write(source: str, name: str = "page.html") -> dict[str, CheckMessage]:
        (tmp_path / name).write_text(source)
        return found()

    return write


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("pending_charges titel='x'", "Did you mean 'title'?"),
        ("pending_charges Limit=5", "Did you mean 'limit'?"),
        ("charges_badge selectable=True", "Known names: "),
        ("pay_button 'CHF'", "Known names: "),
        ("payments_ui_assets htm=4", "Did you mean 'htmx'?"),
        ("payment_history limits=2 as history", "Did you mean 'limit'?"),
    ],
)
def test_a_parameter_that_a_tag_does_not_take_is_told_with_its_place(
    page: Any, tag: str, told: str
) -> None:
    message = page(f"{{% load i18n payments_ui %}}\n<p>{{% {tag} %}}</p>")["E030"]
    assert str(message.hint).startswith(told)
    assert "page.html, line 2" in message.msg


@pytest.mark.parametrize(
    "source",
    [
        "{% load payments_ui %}{% pending_charges title=_('Owed') limit=5 live=True %}",
        "{% load pending_charges from payments_ui %}{% pending_charges id='a b' as it %}",
        "{% load payments_ui %}{% payments_ui_assets htmx=4 %}{% pay_button %}",
        "{% load other %}payments_ui {% pending_charges titel='x' %}",
        "{% pending_charges titel='x' %}",
    ],
)
def test_templates_that_are_right_or_not_ours_are_fine(page: Any, source: str) -> None:
    assert page(source) == {}


@pytest.mark.parametrize("htmx", ["2", "4", "True"])
def test_htmx_that_no_installed_app_has_is_told(page: Any, settings: Any, htmx: str) -> None:
    settings.PAYMENTS_UI = {"BASE_TEMPLATE": "page.html"}
    source = f"{{% load payments_ui %}}{{% payments_ui_assets htmx={htmx} %}}"
    assert page(source) == {}
    with modify_settings(INSTALLED_APPS={"remove": ["django_htmx"]}):
        message = page(source)["E017"]
    assert "django_htmx/htmx-" in message.msg
    assert str(message.hint).startswith('Add "django_htmx" to INSTALLED_APPS')


def test_the_kits_own_base_template_needs_htmx_too() -> None:
    with modify_settings(INSTALLED_APPS={"remove": ["django_htmx"]}):
        assert "htmx-2" in found()["E017"].msg


def test_a_site_that_brings_its_own_htmx_needs_no_other(page: Any, settings: Any) -> None:
    settings.PAYMENTS_UI = {"BASE_TEMPLATE": "page.html"}
    with modify_settings(INSTALLED_APPS={"remove": ["django_htmx"]}):
        assert page("{% load payments_ui %}{% payments_ui_assets %}") == {}


def test_a_site_whose_finders_see_no_apps_is_told(settings: Any) -> None:
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    assert "AppDirectoriesFinder" in str(found()["E017"].hint)


def test_our_own_templates_are_not_the_sites(settings: Any) -> None:
    (engine,) = settings.TEMPLATES
    folder = Path(host.__file__).parents[1] / "templates"
    settings.TEMPLATES = [{**engine, "DIRS": [folder]}]
    assert not [path for path in templates._files() if path.is_relative_to(folder)]


def test_other_files_are_left_alone(page: Any) -> None:
    assert page("{% load payments_ui %}{% pay_button x=1 %}", name="notes.md") == {}


def test_every_tag_of_the_library_is_known() -> None:
    from payments_ui.templatetags.payments_ui import register

    assert set(accepted()["payments_ui"]) == set(register.tags) - {"amount", "pui_class"}


@pytest.mark.parametrize(
    ("given", "is_told"),
    [
        ({"MAILS": ["receipt"]}, True),
        ({"MAILS": ["receipt"], "CHARGE_NOTICE": "shop.billing.notice"}, True),
        ({"MAILS": ["receipt", "notice"]}, False),
        ({"MAILS": ["receipt"], "CHARGE_NOTICE": "payments_ui.core.billing.notices.none"}, False),
        ({"MAILS": ["receipt"], "MOOCHERS": ["tests.test_checks.ours"]}, False),
        ({"MAILS": ["receipt"], "MOOCHERS": ["nowhere.at.all"]}, False),
        ({"MAILS": "receipt"}, False),
        ({}, False),
    ],
)
def test_a_notice_that_a_law_wants_and_the_site_does_not_send_is_told(
    given: dict[str, Any], is_told: bool
) -> None:
    with override_settings(PAYMENTS_UI={"MOOCHERS": [SAVING], **given}):
        assert ("W034" in all_found()) == is_told
