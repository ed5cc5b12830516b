"""The pending charges in any engine's window: steps and what they say, by the words people read."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.engines.window import Window

HEADINGS = "self::h1 or self::h2 or self::h3 or self::h4"
#: An element's text as people read it: amounts are written with spaces that do not break.
READ = "normalize-space(translate(., '\N{NO-BREAK SPACE}', ' '))"


def named(element: str, name: str) -> str:
    """An element whose text begins so."""
    return f'//{element}[starts-with({READ}, "{name}")]'


def button(name: str) -> str:
    """A button of this name."""
    return named("button", name)


def link(name: str) -> str:
    """A link of this name."""
    return named("a", name)


def heading(name: str) -> str:
    """A heading of this text."""
    return f'//*[{HEADINGS}][{READ} = "{name}"]'


def radio(name: str) -> str:
    """A choice with these words in its label."""
    return f'//label[contains({READ}, "{name}")]//input[@type = "radio"]'


@dataclass(frozen=True)
class Charges:
    """What somebody does with the widget. ``site`` is the site's address."""

    window: Window
    site: str

    def at(self, step: str) -> Charges:
        """Wait for the step with this heading."""
        self.window.see(heading(step))
        return self

    def go(self, path: str) -> Charges:
        """Open a page of the site."""
        self.window.open(f"{self.site}{path}")
        return self

    def press(self, name: str) -> Charges:
        """Press a button."""
        self.window.press(button(name))
        return self

    def follow(self, name: str) -> Charges:
        """Follow a link."""
        self.window.press(link(name))
        return self

    def choose(self, option: str) -> Charges:
        """Pick a payment option, or a test card."""
        self.window.press(radio(option))
        return self

    def begin(self) -> Charges:
        """Go on to the payment."""
        return self.press("Continue to payment").at("Review and pay")

    def pay_by_card(self, card: str) -> Charges:
        """Choose a test card and pay."""
        return self.choose("Card").choose(card).press("Pay CHF")

    def says(self, words: str) -> Charges:
        """Wait until these words are in sight."""
        self.window.see(f'//*[not(*)][contains({READ}, "{words}")]')
        return self
