"""django-mooch's moochers inside the widget, unmodified: all that they need, and nothing else.

Nothing of the kit imports this folder. ``AppConfig.ready`` registers its wrapper and its checks;
without these two lines and this folder the kit serves moochers of its own contract only.
"""
