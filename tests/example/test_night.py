"""The showroom lets a night pass: who agreed is charged, or reads why not."""

from __future__ import annotations

from tests.ports import free_port

from .conftest import Manage, Visitor, until_it_answers


def test_a_night_charges_ada_and_tells_ben_that_his_card_was_declined(manage: Manage) -> None:
    port = free_port(following=1)
    demo = manage("demo", "--port", str(port))
    visitor = Visitor(until_it_answers(f"http://127.0.0.1:{port}", demo))
    try:
        page = visitor.post("/showroom/night/", on="/dashboard/").text
        assert "Charged: 2, declined: 1, waiting for a customer: 0" in page
        visitor.post("/showroom/person/", on="/dashboard/", person="ben")
        page = visitor.get("/dashboard/").text
        assert "We could not charge" in page
        assert "We try again on" in page
        again = visitor.post("/showroom/night/", on="/dashboard/").text
        assert "Charged: 0, declined: 0" in again
    finally:
        demo.terminate()
        output, _none = demo.communicate(timeout=20)
    assert "It was charged to Visa ending 4242." in output
    # Of the night: two receipts, and what ben reads. Of what was paid before it there is no news.
    assert output.count("Auto-Submitted: auto-generated") == 3
