"""Serve the work diary on a port of this machine: `python wsgi.py PORT ACCOUNT…`."""

import os
import sys
from wsgiref.simple_server import make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


def main(port: str, *accounts: str) -> None:
    """Make the accounts that the diary always had, and serve."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model

    for account in accounts:
        get_user_model().objects.get_or_create(username=account)
    server = make_server("127.0.0.1", int(port), get_wsgi_application())
    print("serves", flush=True)  # noqa: T201  (who started it waits for this)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
