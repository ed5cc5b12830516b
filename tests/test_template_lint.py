"""The templates, scripts and Python that make markup: only what works in htmx 2, 4 and without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.template.loader import get_template

import payments_ui
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.models import Payment
from payments_ui.core.refunds.states import RefundState

PACKAGE = Path(payments_ui.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))
SCRIPTS = sorted((PACKAGE / "static").rglob("*.js"))
MODULES = sorted(PACKAGE.rglob("*.py"))
SHIELD = PACKAGE / "templates" / "payments_ui" / "components" / "shield.html"

ALLOWED = frozenset({"hx-get", "hx-post", "hx-target", "hx-swap", "hx-trigger", "hx-sync"})
ALLOWED_SWAPS = frozenset({"outerHTML", "innerHTML", "none"})
#: Attributes and headers that mean something else, or nothing, in one of the versions.
BANNED = (
    r"hx-on[:-]",
    r"hx-(vals|vars|params|select|select-oob|request|config|delete|put|patch|preserve|ext)\b",
    r"\bjs:",
    r"\bhx-disabled-elt\b",
    r"hx-partial",
    r"\bformaction\b",
    r"innerMorph|outerMorph|morph:",
)
#: Response headers that mean something else, or nothing, in one of the versions.
BANNED_HEADERS = r"\bHX-(Location|PTag|Push-Url|Replace-Url|Reselect|Trigger-After-\w+)\b"


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def lines_with(pattern: str, path: Path, flags: int = 0) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    return [
        f"{name(path)}:{n}: {x}" for n, x in enumerate(lines, 1) if re.search(pattern, x, flags)
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_lines_break_where_a_reader_breathes(path: Path) -> None:
    assert lines_with(r"^.{120}", path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_states_are_named_by_their_enumerations_only(path: Path) -> None:
    states = [*AttemptState, *RefundState, *Payment.State]
    literal = "|".join(re.escape(state) for state in states)
    assert lines_with(rf"{{%[^%]*[\"']({literal})[\"']", path) == []


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 30
    assert SHIELD in TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_templates_parse(path: Path) -> None:
    get_template(str(path.relative_to(PACKAGE / "templates")))


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path != SHIELD], ids=name)
def test_templates_use_portable_htmx_only(path: Path) -> None:
    markup = path.read_text("utf-8")
    used = set(re.findall(r"[\s\"](?:data-)?(hx-[\w:-]+)=", markup)) - {"hx-swap-oob"}
    assert used <= ALLOWED, f"{name(path)} uses {used - ALLOWED}"
    assert set(re.findall(r'hx-swap="([^"{]*)"', markup)) <= ALLOWED_SWAPS
    assert set(re.findall(r'hx-swap-oob="([^"]*)"', markup)) <= {"true", "innerHTML"}
    assert lines_with("|".join(BANNED), path) == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_python_uses_portable_htmx_only(path: Path) -> None:
    used = set(re.findall(r"(hx-[a-z-]+)=", path.read_text("utf-8")))
    assert used <= ALLOWED | {"hx-boost"}, f"{name(path)} uses {used - ALLOWED}"
    assert lines_with(r'hx-boost="(?!false)', path) == []
    assert lines_with(BANNED_HEADERS, path) == []


def test_the_shield_has_every_spelling() -> None:
    shield = SHIELD.read_text("utf-8")
    given = dict(re.findall(r'(hx-[\w:-]+)="([^"]*)"', shield))
    for attribute, value in given.items():
        plain = attribute.removesuffix(":inherited")
        if attribute.endswith(":inherited") and not re.match(r"hx-(disable|status|nonce)", plain):
            assert given[plain] == value, attribute
    assert "hx-disable" not in given, "htmx 2 would leave the whole widget alone"


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_out_of_band_is_for_live_regions_and_heartbeats(path: Path) -> None:
    for line in lines_with("hx-swap-oob", path):
        assert "-live" in line or "heartbeat" in line, line
    assert "<template" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_strict_policy_holds(path: Path) -> None:
    assert lines_with(r"<style|\sstyle=|<script(?![^>]*\bsrc=)|javascript:", path, re.I) == []
    assert lines_with(r"<[^>]*\son[a-z]+\s*=", path, re.I) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_autoescape_is_never_switched_off(path: Path) -> None:
    assert lines_with(r"\|\s*safe\b|autoescape|safeseq", path) == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_python_never_vouches_for_strings_it_built(path: Path) -> None:
    assert lines_with(r"mark_safe|SafeString\(\s*f[\"']|format_html\(\s*f[\"']", path) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_need_no_eval_no_markup_and_no_htmx(path: Path) -> None:
    banned = r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write"
    assert lines_with(banned, path) == []
    assert lines_with(r"\bhtmx\.(?!\w*:)", path) == []


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path != SHIELD], ids=name)
def test_visible_words_are_translated(path: Path) -> None:
    markup = path.read_text("utf-8")
    words = re.sub(r"(?s){% blocktranslate.*?{% endblocktranslate %}", "", markup)
    bare = re.sub(r"(?s){#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", "", words)
    assert not re.search(r"[A-Za-z]{3,}", bare), bare.strip()


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_long_texts_are_trimmed_for_translators(path: Path) -> None:
    assert lines_with(r"{% blocktranslate (?!.*trimmed)", path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    assert lines_with(r"(src|href)=\"(https?:)?//", path) == []


def test_the_kit_leaves_the_configuration_of_htmx_alone() -> None:
    assert [line for path in TEMPLATES for line in lines_with("htmx-config", path)] == []


def test_the_site_under_test_has_no_form_pack_of_its_own() -> None:
    # Else the neutral pack would not be what the other tests look at.
    assert not hasattr(django_settings, "CRISPY_TEMPLATE_PACK")
