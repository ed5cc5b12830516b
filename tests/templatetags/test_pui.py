"""Building blocks of the kit's templates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from pytest_django import Settings

from payments_ui.components import rows
from payments_ui.core.models import LineItem
from payments_ui.core.queries import Group
from payments_ui.money import format_amount
from tests.components.conftest import RequestOf
from tests.dom import Node, parse


def render(source: str, **context: Any) -> Node:
    return parse(Template(f"{{% load pui %}}{source}").render(Context(context)))


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_amounts_speak_the_active_language(language: str) -> None:
    value = Decimal("1234.5")
    with translation.override(language):
        shown = render('{% amount value "CHF" %}', value=value)
        said = format_amount(value, "CHF")
    assert shown.one("bdi").text.split() == said.split()


def test_rows_say_when_and_how_much_in_the_readers_language_and_zone() -> None:
    late = dt.datetime(2026, 11, 27, 23, 30, tzinfo=dt.UTC)
    early = late - dt.timedelta(days=1)
    group = Group(
        *("CHF", "Tiles", "tile", Decimal("0.5"), 2, Decimal("1.50"), Decimal(3)), early, late
    )
    item = LineItem(title="One", amount=Decimal(2), currency="CHF", used_at=late)
    uses: list[rows.Use] = []

    def use(shown: rows.Use) -> SafeString:
        uses.append(shown)
        return SafeString(f"{shown.first} to {shown.last}")

    with translation.override("de"), timezone.override("Europe/Zurich"):
        several, single = rows.written(
            [group, item],
            lambda text, *_: SafeString(text),
            use,
            lambda each: SafeString(each.title),
        )
    first, last = uses
    assert (first.first, first.last) == ("27. November 2026", "28. November 2026")
    assert first.first_at == "2026-11-27T00:30:00+01:00"
    assert first.last_at == "2026-11-28T00:30:00+01:00"
    assert first.calculation.startswith("3 tile")
    assert (several["count"], several["group"], several["look"]) == (2, "Tiles", group.look)
    assert several["amount"] == format_amount(Decimal("1.5"), "CHF", "de")
    assert several["use"] == "27. November 2026 to 28. November 2026"
    assert (last.first, last.first_at, last.calculation, last.time) == ("", "", "", "")
    assert (single["count"], single["group"], single["look"]) == (1, "", None)


def test_an_amount_is_shown_by_the_element_of_the_site_in_each_language(
    settings: Settings, tmp_path: Path
) -> None:
    element = tmp_path / "payments_ui" / "elements" / "amount.html"
    element.parent.mkdir(parents=True)
    element.write_text("{% load i18n %}<b>{% translate 'Yes' %} {{ text }}</b>")
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [str(tmp_path)]}]
    for language, yes in (("en", "Yes"), ("de", "Ja"), ("en", "Yes")):
        with translation.override(language):
            shown = render("{% amount value 'ABC' %}", value=Decimal("1.5"))
        assert shown.one("b").text == f"{yes} ABC 1.5"


def test_a_use_is_shown_by_the_element_of_the_site_which_knows_nothing_else(
    settings: Settings, tmp_path: Path
) -> None:
    element = tmp_path / "payments_ui" / "elements" / "use.html"
    element.parent.mkdir(parents=True)
    element.write_text("<i>{{ use.last }}{{ widget }}{{ row }} {{ use.time }}</i>")
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [str(tmp_path)]}]
    item = LineItem(title="<One>", amount=Decimal(2), currency="CHF")
    item.used_at = dt.datetime(2026, 11, 27, 12, 30, tzinfo=dt.UTC)
    source = "{% pui_rows items with_time=1 as rows %}{{ rows.0.use }}{{ rows.0.title }}"
    shown = render(source, items=[item], widget="seen", row="seen")
    assert shown.one("i").text == "November 27, 2026 1:30:00 PM"
    assert shown.text.endswith("<One>")


def test_an_unmapped_slot_has_structure_and_look() -> None:
    assert render('{% pui_class "button" %}').text == "pui-button pui-look-button"


def test_a_mapped_slot_keeps_the_structure_and_takes_the_hosts_look(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"CLASSES": {"button": "btn btn-primary", "card": ""}}
    assert render('{% pui_class "button" %}').text == "pui-button btn btn-primary"
    assert render('{% pui_class "card" %}').text == "pui-card"
    assert "pui-look-table" in render('{% pui_class "table" %}').text


@pytest.mark.parametrize(
    ("preset", "piece"), [("bootstrap5", "btn-primary"), ("tailwind", "bg-"), ("plain", "look")]
)
def test_presets_map_the_slots(preset: str, piece: str, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"CLASSES": preset}
    assert piece in render('{% pui_class "button" %}').text


@pytest.mark.parametrize(
    ("preset", "fix"), [("bootstrap", "did you mean 'bootstrap5'"), ("zzz", "known are plain")]
)
def test_an_unknown_preset_names_the_known_ones(preset: str, fix: str, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"CLASSES": preset}
    with pytest.raises(ImproperlyConfigured, match=fix):
        render('{% pui_class "button" %}')


class Everything(forms.Form):
    """A field of each kind."""

    name = forms.CharField(help_text="As on the card.")
    note = forms.CharField(required=False, widget=forms.TextInput(attrs={"class": "mine"}))
    agree = forms.BooleanField(label="I agree")
    way = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    secret = forms.CharField(widget=forms.HiddenInput)

    def clean(self) -> None:
        if self.data.get("whole"):
            raise forms.ValidationError("The whole form is wrong.")


def form(data: dict[str, str] | None = None, **context: Any) -> Node:
    return render("{% pui_form form %}", form=Everything(data), **context)


def test_the_neutral_pack_labels_every_field() -> None:
    shown = form()
    ids = {label.attrs.get("for") for label in shown.all("label")}
    assert {"pui-0-name", "pui-0-note"} <= ids
    assert "(optional)" in shown.one("label", for_="pui-0-note").text
    assert shown.one("fieldset").one("legend").text == "Way"
    assert [label.text for label in shown.one("fieldset").all("label")] == ["A", "B"]
    assert shown.one("input", type="checkbox").attrs["id"] == "pui-0-agree"
    assert "I agree" in shown.text
    assert shown.one("input", name="secret").attrs["type"] == "hidden"


def test_help_is_tied_to_its_field() -> None:
    shown = form()
    described = shown.one("input", name="name").attrs["aria-describedby"]
    assert shown.one(id=described).text == "As on the card."


def test_errors_are_listed_first_and_tied_to_their_fields() -> None:
    shown = form({})
    links = shown.one(role="group").all("a")
    ids = {node.attrs["id"] for node in shown.with_attr("id")}
    assert len(links) == 3
    assert {link.attrs["href"].removeprefix("#") for link in links} <= ids
    field = shown.one("input", name="name")
    assert field.attrs["aria-invalid"] == "true"
    errors = [shown.one(id=id_).text for id_ in field.attrs["aria-describedby"].split()]
    assert forms.Field.default_error_messages["required"] in errors
    assert shown.one("fieldset").attrs["aria-describedby"] == "pui-0-way_error"


def test_errors_of_the_whole_form_are_listed() -> None:
    data = {"name": "Ada", "agree": "on", "way": "a", "secret": "x", "whole": "1"}
    assert form(data).one(role="group").text == "The whole form is wrong."


def test_inputs_keep_their_own_classes() -> None:
    assert form().one("input", name="note").attrs["class"] == "mine pui-input pui-look-input"


def test_ids_are_the_widgets_own(request_of: RequestOf) -> None:
    shown = form(request=request_of(w="pui-side"))
    assert shown.one("input", name="name").attrs["id"] == "pui-side-name"


def test_a_form_with_ids_of_its_own_keeps_them() -> None:
    own = Everything(auto_id="mine-%s")
    shown = render("{% pui_form form %}", form=own)
    assert shown.one("input", name="name").attrs["id"] == "mine-name"


def test_the_kit_adds_neither_form_nor_token() -> None:
    shown = form()
    assert shown.all("form") == []
    assert shown.all("input", name="csrfmiddlewaretoken") == []


def test_a_layout_of_crispy_forms_is_kept() -> None:
    from crispy_forms.bootstrap import FormActions, StrictButton
    from crispy_forms.helper import FormHelper
    from crispy_forms.layout import (
        ButtonHolder,
        Column,
        Div,
        Field,
        Fieldset,
        Layout,
        Reset,
        Row,
        Submit,
    )

    crispy: Any = Everything()
    crispy.helper = FormHelper()
    crispy.helper.layout = Layout(
        Fieldset("Who", Row(Column("name"), Column(Field("note")))),
        Div("way", css_id="ways", css_class="wide"),
        ButtonHolder(Submit("go", "Go")),
        FormActions(Reset("undo", "Undo"), StrictButton("Really", type="submit")),
    )
    shown = render("{% pui_form form %}", form=crispy)
    assert shown.all("legend")[0].text == "Who"
    assert len(shown.one(id="ways").all("fieldset")) == 1
    assert shown.one("input", type="submit").attrs["class"] == "pui-button pui-look-button"
    assert shown.one("input", type="reset").attrs["class"] == "pui-secondary pui-look-secondary"
    assert shown.one("button").text == "Really"
    assert crispy.helper.form_tag is True


@pytest.mark.parametrize(
    ("kit", "host", "used"),
    [("", "", "payments_ui"), ("", "hosts", "hosts"), ("chosen", "hosts", "chosen")],
)
def test_the_hosts_pack_shapes_the_forms(
    kit: str, host: str, used: str, settings: Settings
) -> None:
    from payments_ui.components.forms import pack

    settings.PAYMENTS_UI = {"FORM_PACK": kit}
    settings.CRISPY_TEMPLATE_PACK = host
    assert pack() == used


def test_the_pack_works_as_any_crispy_pack(settings: Settings) -> None:
    settings.CRISPY_TEMPLATE_PACK = "payments_ui"
    settings.CRISPY_ALLOWED_TEMPLATE_PACKS = ["payments_ui"]
    source = "{% load crispy_forms_tags %}{% crispy form %}"
    shown = parse(Template(source).render(Context({"form": Everything({})})))
    assert shown.one("form").attrs["method"] == "post"
    assert "There is a problem" in shown.one(role="group").text
    filtered = Template("{% load crispy_forms_tags %}{{ form|crispy }}")
    assert len(parse(filtered.render(Context({"form": Everything()}))).all("input")) == 6
