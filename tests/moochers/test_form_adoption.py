from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui.moochers.form_adoption import adopt, posts_in_place
from tests.dom import Node, parse

HIDDEN = {"pui-token": 'a"b<c>&', "w": "pui-1"}


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    return rf.get("/")


def adopted(html: str, request: HttpRequest) -> list[Node]:
    return parse(adopt(html, request, HIDDEN)).all("form")


@pytest.mark.parametrize(
    "tag",
    [
        '<form action="/pay/" method="post">',
        '<FORM ACTION="/pay/" METHOD="POST">',
        "<form action='/pay/' method='post'>",
        "<form action=/pay/ method=post>",
        "<form method=post action=/pay/>",
        '<form method="post" action="/pay/" />',
        '<form\r\n  method="post"\r\n  action="/pay/"\r\n>',
        '<form title="a > b" data-x=\'<form action="x">\' action="/pay/" method="post">',
        '<form action="http://testserver/pay/" method="post">',
        '<form method="post" action="/pay/" action="https://elsewhere.example/">',
        '<form hx-post="/theirs/" hx-target="body" method="post" action="/pay/">',
        "\n\r\n\t<p>é ü \U0001f4b3</p>\n<form action='/pay/' method='post'>",
    ],
)
def test_a_form_that_posts_here_is_protected_and_posted_in_place(
    request_: HttpRequest, tag: str
) -> None:
    (form,) = adopted(f"{tag}<button>Pay</button></form>", request_)
    assert form.attrs["hx-post"] == form.attrs["action"]
    assert form.attrs["action"].removeprefix("http://testserver") == "/pay/"
    assert form.attrs["hx-target"] == "closest [data-pui-body]"
    assert form.attrs["hx-sync"] == "closest [data-pui]:drop"
    fields = form.fields()
    assert fields.pop("csrfmiddlewaretoken")
    assert fields == HIDDEN
    assert form.one("button").text == "Pay"


@pytest.mark.parametrize(
    "action",
    [
        "https://psp.example/pay",
        "//psp.example/pay",
        "http://testserver.psp.example/",
        "http://testserver@psp.example/",
        "https:psp.example",
        "http:///psp.example/",
        "/\\psp.example/",
        "\\\\psp.example/",
        "/&#x2f;psp.example/",
        " //psp.example/",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_a_form_that_posts_elsewhere_gets_neither_token_nor_fields(
    request_: HttpRequest, action: str
) -> None:
    (form,) = adopted(f'<form method="post" action="{action}"><b>x</b></form>', request_)
    assert form.fields() == {}
    assert "hx-post" not in form.attrs
    assert form.attrs["hx-boost"] == "false"


@pytest.mark.parametrize("control", ["button", "input type=submit"])
def test_a_button_that_sends_the_form_elsewhere_counts_as_its_action(
    request_: HttpRequest, control: str
) -> None:
    html = f'<form method="post" action="/pay/"><{control} formaction="//psp.example/"></form>'
    (form,) = adopted(html, request_)
    assert form.fields() == {}
    html = f'<form method="post" action="/pay/"><{control} formaction="/other/"></form>'
    (form,) = adopted(html, request_)
    assert form.fields()["w"] == "pui-1"


def test_a_browser_takes_the_first_of_two_actions_and_so_do_we(request_: HttpRequest) -> None:
    html = '<form method="post" action="https://psp.example/" action="/pay/"></form>'
    assert adopted(html, request_)[0].fields() == {}


def test_a_form_that_gets_stays_as_it_is(request_: HttpRequest) -> None:
    html = '<form action="/search/"><input name="q"></form><form method="get"></form>'
    assert adopt(html, request_, HIDDEN) == html


def test_a_form_without_action_posts_to_its_page(request_: HttpRequest) -> None:
    (form,) = adopted('<form method="post"></form>', request_)
    assert form.attrs["hx-post"] == ""
    assert form.fields()["w"] == "pui-1"


def test_each_of_several_forms_is_judged_by_itself(request_: HttpRequest) -> None:
    html = (
        '<form method="post" action="/a/"></form>\n'
        '<form method="post" action="https://psp.example/"></form>\r\n'
        '<form action="/b/"></form><form method="post" action="/c/"></form>'
    )
    assert [form.attrs.get("hx-post") for form in adopted(html, request_)] == [
        *("/a/", None, None, "/c/")
    ]


@pytest.mark.parametrize(
    "html",
    [
        "",
        "just text & more < 3",
        "<!-- <form method='post' action='/pay/'> -->",
        "<script>var a = \"<form method='post' action='/pay/'>\"</script>",
        "<form method='post' action='/pay/'",
        "<button formaction='//elsewhere.example/'>",
    ],
)
def test_what_is_no_form_stays_as_it_is(request_: HttpRequest, html: str) -> None:
    assert adopt(html, request_, HIDDEN) == html


def test_scripts_need_a_page_of_their_own() -> None:
    assert posts_in_place("<form></form>")
    assert not posts_in_place("<SCRIPT src=x></SCRIPT>")
