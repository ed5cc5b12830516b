"""What browsers load: small, built from its sources, and scoped to our own markup."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

import payments_ui

ROOT = Path(__file__).resolve().parent.parent
STATIC = Path(payments_ui.__file__).parent / "static" / "payments_ui"
SOURCES = sorted((STATIC / "css").glob("*.css"))
BUDGET = 12 * 1024
#: A moocher's own script, which sites without that moocher do not load.
STRIPE = STATIC / "payments_ui.stripe.js"
STRIPE_BUDGET = 6 * 1024


def rules(css: str) -> list[str]:
    """Return the selectors of all rules, without those of at-rules and keyframes."""
    css = re.sub(r"(?s)/\*.*?\*/", "", css)
    css = re.sub(r"(?s)@keyframes[^{]*{(?:[^{}]*{[^}]*})*\s*}", "", css)
    selectors = re.findall(r"([^{}@;]+){", css)
    return [" ".join(selector.split()) for selector in selectors if selector.strip()]


@pytest.mark.parametrize("sheet", ["payments_ui.min.css", "payments_ui.layer.min.css"])
def test_css_and_javascript_fit_into_their_budget(sheet: str) -> None:
    served = {STATIC / sheet, *STATIC.glob("*.js")} - {STRIPE}
    size = sum(map(compressed, served))
    assert size <= BUDGET, f"{size} bytes"


def test_the_script_for_stripe_fits_into_a_budget_of_its_own() -> None:
    assert compressed(STRIPE) <= STRIPE_BUDGET


def compressed(path: Path) -> int:
    """Return what is sent of a file, in bytes."""
    return len(gzip.compress(path.read_bytes()))


def test_the_served_sheets_are_what_their_sources_make() -> None:
    script = ROOT / "scripts" / "stylesheets.py"
    if not script.exists():
        pytest.skip("needs the checkout")
    result = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, script, "--check"], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_both_sheets_say_the_same() -> None:
    plain = (STATIC / "payments_ui.min.css").read_text("utf-8").strip()
    layered = (STATIC / "payments_ui.layer.min.css").read_text("utf-8").strip()
    assert layered == f"@layer payments-ui{{{plain}}}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_rule_is_scoped_to_our_markup(path: Path) -> None:
    for selector in rules(path.read_text("utf-8")):
        if not selector.startswith((":where(.pui", ".pui-page", ":where(.dark")):
            assert re.match(r"\(|supports|media|container", selector), selector


def test_text_for_eyes_alone_has_a_fallback_where_its_other_text_is_not_understood() -> None:
    css = "".join(path.read_text("utf-8") for path in SOURCES)
    supported = re.findall(r"(?s)@supports \(content: [^)]+\) {(.*?\n)}", css)
    with_other = re.findall(r'([^{};]+){\s*content: ("[^"]*") / [^;]+;', "".join(supported))
    assert len(with_other) == len(re.findall(r"content: [^;)]+ /[^;)]*;", css)) > 0
    for selector, plain in with_other:
        assert f"{' '.join(selector.split())} {{ content: {plain};" in " ".join(css.split())


@pytest.mark.parametrize("function", ["where", "is", "not", "has"])
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_function_holds_a_pseudo_element(path: Path, function: str) -> None:
    # An engine that follows the standard ignores such a selector, or the whole rule with it.
    for selector in rules(path.read_text("utf-8")):
        for inside in insides(selector, function):
            assert "::" not in inside, selector


def test_pseudo_elements_are_seen_within_nested_functions() -> None:
    assert insides(".a:where(.b:not(.c), ::before) .d", "where") == [".b:not(.c), ::before"]
    assert insides(":is(a:is(b)) c", "is") == ["a:is(b)", "b"]


def insides(selector: str, function: str) -> list[str]:
    """Return what stands between the parentheses of each call of a selector's function."""
    found = []
    for call in re.finditer(rf":{function}\(", selector):
        depth, at = 1, call.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(selector[at], 0)
            at += 1
        found.append(selector[call.end() : at - 1])
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_public_properties_are_read_and_never_set(path: Path) -> None:
    assert re.findall(r"^\s*(--pui-[\w-]+)\s*:", path.read_text("utf-8"), re.MULTILINE) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_directions_are_logical(path: Path) -> None:
    physical = r"(margin|padding|border)-(left|right|top|bottom)|text-align:\s*(left|right)|float:"
    found = re.findall(physical, path.read_text("utf-8"))
    assert [f for f in found if any(f)] == []


def test_only_the_focus_is_important_and_nothing_is_loaded() -> None:
    css = "".join(path.read_text("utf-8") for path in SOURCES)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    important = re.findall(r"([\w-]+):[^;{}]*!important", css)
    assert important == ["outline", "outline-width"]
    assert css.count("!important") == len(important)
    assert "url(" not in css
    assert "@import" not in css


def test_motion_is_for_those_who_like_it() -> None:
    css = (STATIC / "css" / "5-states.css").read_text("utf-8")
    before, _, after = css.partition("@media (prefers-reduced-motion: no-preference)")
    assert "animation" in after
    everything = "".join(path.read_text("utf-8") for path in SOURCES)
    assert not re.search(r"\b(animation|transition):", before)
    assert everything.count("animation:") == 1
    assert "transition:" not in everything
