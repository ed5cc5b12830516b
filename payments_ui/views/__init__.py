"""One view for each thing with a URL; three renderings: page, fragment, redirect."""
