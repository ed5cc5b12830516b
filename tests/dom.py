"""HTML as a tree: tests compare what a browser would see, and never strings of markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "rect", "wbr"})


@dataclass
class Node:
    """An element with its attributes, its children and the text in between."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Node]:
        """Go through this element and everything in it, in the document's order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child

    def __bool__(self) -> bool:
        """An element that was found is there, with or without children."""
        return True

    @property
    def text(self) -> str:
        """The visible text, with single spaces."""
        return " ".join(self._text().split())

    def _text(self) -> str:
        return "".join(c if isinstance(c, str) else c._text() for c in self.children)

    def all(self, tag: str = "", **attrs: str) -> list[Node]:
        """Return every element with this tag and these attributes (``_`` stands for ``-``)."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [
            node
            for node in self
            if tag in ("", node.tag)
            and all(node.attrs.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str = "", **attrs: str) -> Node:
        """Return the only such element."""
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of <{tag} {attrs}> in: {self.text}"
        return found[0]

    def with_attr(self, name: str) -> list[Node]:
        """Return every element that has this attribute."""
        return [node for node in self if name in node.attrs]

    def form(self, action: str) -> Node:
        """Return the only form that posts to this path."""
        return self.one("form", action=action)

    def fields(self) -> dict[str, str]:
        """Return what a browser would post from this form: hidden fields and checked boxes."""
        inputs = [node for node in self.all("input") if "name" in node.attrs]
        sent = [i for i in inputs if i.attrs.get("type") not in ("radio", "checkbox", "submit")]
        ticked = [i for i in inputs if "checked" in i.attrs]
        return {i.attrs["name"]: i.attrs.get("value", "") for i in sent + ticked}


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("#document")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in reversed(attrs)})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Browsers take no notice of the slash.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self.open):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str | bytes) -> Node:
    """Return the document."""
    builder = _Builder()
    builder.feed(html.decode() if isinstance(html, bytes) else html)
    builder.close()
    return builder.open[0]
