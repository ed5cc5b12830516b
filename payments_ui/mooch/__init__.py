"""All that django-mooch's moochers need to run inside the widget."""
