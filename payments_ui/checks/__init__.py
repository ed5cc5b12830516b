"""System checks of the interface: host, moochers, templates. ``AppConfig.ready`` registers them."""
