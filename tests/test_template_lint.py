"""The templates, scripts and Python that make markup: only what works in htmx 2, 4 and without."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.conf import settings as django_settings
from django.template.loader import get_template

import payments_ui
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.models import Payment
from payments_ui.core.refunds.states import RefundState

PACKAGE = Path(payments_ui.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))
#: A mail is no page: its policy is the reader's program, which knows no style sheets.
PAGES = [path for path in TEMPLATES if "mails" not in path.parts]
SCRIPTS = sorted((PACKAGE / "static").rglob("*.js"))
MODULES = sorted(PACKAGE.rglob("*.py"))
SHIELD = PACKAGE / "templates" / "payments_ui" / "components" / "shield.html"
ALL_BUT_THE_SHIELD = [path for path in TEMPLATES if path != SHIELD]

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


@cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def lines_with(pattern: str, paths: Iterable[Path], flags: int = 0) -> list[str]:
    """Return the lines with the pattern, each with its file: all of them, for one test."""
    search = re.compile(pattern, flags).search
    return [
        f"{name(path)}:{number}: {line}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if search(line)
    ]


def found(pattern: str, path: Path) -> set[str]:
    return set(re.findall(pattern, text_of(path)))


def test_lines_break_where_a_reader_breathes() -> None:
    assert lines_with(r"^.{120}", TEMPLATES) == []


def test_states_are_named_by_their_enumerations_only() -> None:
    states = [*AttemptState, *RefundState, *Payment.State]
    literal = "|".join(re.escape(state) for state in states)
    assert lines_with(rf"{{%[^%]*[\"']({literal})[\"']", TEMPLATES) == []


def test_there_are_templates_scripts_and_modules_to_look_at() -> None:
    assert len(TEMPLATES) > 30
    assert SHIELD in TEMPLATES
    assert SCRIPTS
    assert len(MODULES) > 100


def test_templates_parse() -> None:
    for path in TEMPLATES:
        get_template(str(path.relative_to(PACKAGE / "templates")))


def test_templates_use_portable_htmx_only() -> None:
    for path in ALL_BUT_THE_SHIELD:
        used = found(r"[\s\"](?:data-)?(hx-[\w:-]+)=", path) - {"hx-swap-oob"}
        assert used <= ALLOWED, f"{name(path)} uses {used - ALLOWED}"
        assert found(r'hx-swap="([^"{]*)"', path) <= ALLOWED_SWAPS, name(path)
        assert found(r'hx-swap-oob="([^"]*)"', path) <= {"true", "innerHTML"}, name(path)
    assert lines_with("|".join(BANNED), ALL_BUT_THE_SHIELD) == []


def test_python_uses_portable_htmx_only() -> None:
    for path in MODULES:
        used = found(r"(hx-[a-z-]+)=", path)
        assert used <= ALLOWED | {"hx-boost"}, f"{name(path)} uses {used - ALLOWED}"
    assert lines_with(r'hx-boost="(?!false)', MODULES) == []
    assert lines_with(BANNED_HEADERS, MODULES) == []


def test_the_shield_has_every_spelling() -> None:
    shield = SHIELD.read_text("utf-8")
    given = dict(re.findall(r'(hx-[\w:-]+)="([^"]*)"', shield))
    for attribute, value in given.items():
        plain = attribute.removesuffix(":inherited")
        if attribute.endswith(":inherited") and not re.match(r"hx-(disable|status|nonce)", plain):
            assert given[plain] == value, attribute
    assert "hx-disable" not in given, "htmx 2 would leave the whole widget alone"


def test_out_of_band_is_for_live_regions_and_heartbeats() -> None:
    for line in lines_with("hx-swap-oob", TEMPLATES):
        assert "-live" in line or "heartbeat" in line, line
    assert lines_with("<template", TEMPLATES) == []


def test_a_strict_policy_holds() -> None:
    inline = r"<style|\sstyle=|<script(?![^>]*\bsrc=)|javascript:"
    assert lines_with(inline, PAGES, re.I) == []
    assert lines_with(r"<[^>]*\son[a-z]+\s*=", PAGES, re.I) == []


def test_autoescape_is_never_switched_off() -> None:
    assert lines_with(r"\|\s*safe\b|autoescape|safeseq", TEMPLATES) == []


def test_python_never_vouches_for_strings_it_built() -> None:
    vouched = r"mark_safe|SafeString\(\s*f[\"']|format_html\(\s*f[\"']"
    assert lines_with(vouched, MODULES) == []


def test_scripts_need_no_eval_no_markup_and_no_htmx() -> None:
    banned = r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write"
    assert lines_with(banned, SCRIPTS) == []
    assert lines_with(r"\bhtmx\.(?!\w*:)", SCRIPTS) == []


def test_visible_words_are_translated() -> None:
    for path in ALL_BUT_THE_SHIELD:
        words = re.sub(r"(?s){% blocktranslate.*?{% endblocktranslate %}", "", text_of(path))
        bare = re.sub(r"(?s){#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", "", words)
        assert not re.search(r"[A-Za-z]{3,}", bare), f"{name(path)}: {bare.strip()}"


def test_long_texts_are_trimmed_for_translators() -> None:
    assert lines_with(r"{% blocktranslate (?!.*trimmed)", TEMPLATES) == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert lines_with(r"(src|href)=\"(https?:)?//", TEMPLATES) == []


def test_the_kit_leaves_the_configuration_of_htmx_alone() -> None:
    assert lines_with("htmx-config", TEMPLATES) == []


def test_the_site_under_test_has_no_form_pack_of_its_own() -> None:
    # Else the neutral pack would not be what the other tests look at.
    assert not hasattr(django_settings, "CRISPY_TEMPLATE_PACK")
