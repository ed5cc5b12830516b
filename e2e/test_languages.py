"""Widgets in the languages that people read, also where nobody has translated them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.charges import Charges
from e2e.conftest import Visit
from e2e.stage import OUTPUT, Person

#: The language asked for, what the page says, and what our texts are in.
SPOKEN = [
    ("en", ("en", "ltr"), ("en", "ltr")),
    ("de", ("de", "ltr"), ("de", "ltr")),
    ("de-CH", ("de-ch", "ltr"), ("de-CH", "ltr")),
    ("fr", ("fr", "ltr"), ("fr", "ltr")),
    ("it", ("it", "ltr"), ("it", "ltr")),
    ("he", ("he", "rtl"), ("he", "rtl")),
    ("ar", ("ar", "rtl"), ("en", "ltr")),
]


@pytest.mark.parametrize(("asked", "page_is", "ours_is"), SPOKEN, ids=[row[0] for row in SPOKEN])
def test_a_widget_is_in_the_language_and_direction_of_its_texts(
    visit: Visit, owing: Person, asked: str, page_is: tuple[str, str], ours_is: tuple[str, str]
) -> None:
    page = visit(owing, "/hosts/one/?live", locale=asked)
    html = page.locator("html")
    expect(html).to_have_attribute("lang", page_is[0])
    expect(html).to_have_attribute("dir", page_is[1])
    for number in range(2):
        root = page.locator("[data-pui].pui-pending-charges")
        for part in (root, root.locator("[data-pui-body]")):
            expect(part).to_have_attribute("lang", ours_is[0])
            expect(part).to_have_attribute("dir", ours_is[1])
            assert part.evaluate("node => getComputedStyle(node).direction") == ours_is[1]
        page.screenshot(path=OUTPUT / "languages" / f"{asked}-{number}.png", full_page=True)
        if not number:
            root.locator("form button[type=submit]").first.click()
            expect(root.get_by_role("radio").first).to_be_visible()


def test_a_question_ends_with_its_mark_where_the_page_runs_the_other_way(
    visit: Visit, owing: Person
) -> None:
    page = visit(owing, "/hosts/one/?live", locale="ar")
    charges = Charges(page).begin()
    question = charges.root.get_by_text("How would you like to pay?", exact=True).first
    assert right_of(question.evaluate(ENDS))
    expect(page.locator("html")).to_have_attribute("dir", "rtl")


#: Where the first and the last sign of a text stand.
ENDS = """node => {
  const text = document.createTreeWalker(node, NodeFilter.SHOW_TEXT).nextNode();
  const shown = text.data.trimEnd();
  const at = (index) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + 1);
    return range.getBoundingClientRect().x;
  };
  return [at(text.data.search(/\\S/)), at(shown.length - 1)];
}"""


def right_of(ends: list[float]) -> bool:
    first, last = ends
    return last > first
