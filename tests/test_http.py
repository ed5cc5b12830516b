from __future__ import annotations

import pytest
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from payments_ui import http


@pytest.mark.parametrize(
    ("headers", "is_fragment"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "false"}, False),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_htmx_asks_for_a_fragment_unless_it_needs_the_page(
    rf: RequestFactory, headers: dict[str, str], is_fragment: bool
) -> None:
    assert http.is_fragment(rf.get("/", headers=headers)) is is_fragment


def test_only_a_refresher_asks_in_the_background(rf: RequestFactory) -> None:
    htmx = {"HX-Request": "true"}
    assert http.is_background(rf.get("/?news=1", headers=htmx))
    assert not http.is_background(rf.get("/?news=1"))
    assert not http.is_background(rf.get("/", headers=htmx))
    assert not http.is_background(rf.post("/?news=1", headers=htmx))


def test_a_404_is_as_private_as_an_answer_and_is_never_swapped_in(rf: RequestFactory) -> None:
    @http.private
    def missing(request: HttpRequest) -> HttpResponse:
        raise Http404

    response = missing(rf.get("/"))
    assert response.status_code == 404
    assert "no-store" in response["Cache-Control"]
    assert http.HANDSHAKE not in response


def test_leaving_is_told_to_htmx(rf: RequestFactory) -> None:
    response = http.leave("https://psp.example/pay")
    assert (response.status_code, response["HX-Redirect"]) == (204, "https://psp.example/pay")


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ({}, ""),
        ({"Referer": "http://testserver/a/?b=1#c"}, "/a/?b=1"),
        ({"HX-Current-URL": "http://testserver/a/", "Referer": "http://testserver/b/"}, "/a/"),
        ({"Referer": "https://elsewhere.example/a/"}, ""),
        ({"Referer": "http://testserver.elsewhere.example/"}, ""),
        ({"Referer": "http://testserver@elsewhere.example/"}, ""),
        ({"Referer": "http://testserver//elsewhere.example/"}, ""),
        ({"Referer": "http://testserver/\\elsewhere.example/"}, "/\\elsewhere.example/"),
        ({"Referer": "http://testserver"}, ""),
        ({"Referer": "javascript:alert(1)"}, ""),
        ({"Referer": "http://["}, ""),
        ({"Referer": "http://testserver/" + "x" * 300}, ""),
    ],
)
def test_the_hosts_page_is_a_path_of_this_site(
    rf: RequestFactory, headers: dict[str, str], page: str
) -> None:
    if "\\" in page:
        # A browser reads it as //elsewhere.example/.
        page = ""
    assert http.host_page(rf.get("/", headers=headers)) == page


def test_a_secure_site_does_not_go_back_to_an_insecure_page(rf: RequestFactory) -> None:
    request = rf.get("/", secure=True, headers={"Referer": "http://testserver/a/"})
    assert http.host_page(request) == ""


@pytest.mark.parametrize(
    ("says", "vouches"),
    [("same-origin", True), ("same-site", False), ("cross-site", False), ("none", False)],
)
def test_only_the_same_origin_is_vouched_for(rf: RequestFactory, says: str, vouches: bool) -> None:
    assert http.is_same_origin(rf.get("/", headers={"Sec-Fetch-Site": says})) is vouches
    assert not http.is_same_origin(rf.get("/"))
