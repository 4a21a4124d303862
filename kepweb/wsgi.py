"""The WSGI entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from kepweb import long_life

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kepweb.settings.embedded")
application = get_wsgi_application()
long_life.settle()
