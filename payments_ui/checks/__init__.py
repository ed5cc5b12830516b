"""System checks of the interface: host, moochers, nights, templates. Registered when it starts."""
