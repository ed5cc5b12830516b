"""Serve the site of `e2e.settings` until the standard input ends: `python -m e2e.serve`.

Prints its address on the first line. The tests start it and talk to it over HTTP only, since a
browser's loop and Django's database do not like to share a process.
"""

from __future__ import annotations

import sys
from threading import Thread

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application


def main() -> None:
    """Prepare the database, listen on a free port, and say where."""
    application = get_wsgi_application()
    call_command("migrate", verbosity=0, interactive=False)
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(StaticFilesHandler(application))
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    # A test run that dies takes its end of the pipe with it.
    sys.stdin.read()


if __name__ == "__main__":
    main()
