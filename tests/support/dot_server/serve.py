#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Serves django-oauth-toolkit on a free loopback port, with a fresh database, one user and one client.

Usage: serve.py DATA_DIR. Ends on SIGTERM or when its parent has died. DATA_DIR/ready.json appears when requests are
answered; it holds the port, the user's name and password and the client's id and secret, all made
up for this run. Environment: DOT_GRACE_SECONDS (replaced refresh tokens stay good for so long),
DOT_ACCESS_TOKEN_LIFETIME (seconds).
"""
import ctypes
import json
import os
import secrets
import signal
import sys
from pathlib import Path


def die_with_parent():
    """The kernel sends SIGTERM when the test that started us is gone (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def main():
    die_with_parent()
    data_dir = Path(sys.argv[1])
    os.umask(0o077)
    sys.path.insert(0, str(Path(__file__).parent))
    sys.dont_write_bytecode = True
    os.environ["DOT_DATA_DIR"] = str(data_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    # oauthlib refuses plain http otherwise; this server is reachable on loopback only.
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application
    from oauth2_provider.models import get_application_model

    call_command("migrate", verbosity=0, interactive=False)
    ready = {
        "username": "ada",
        "password": secrets.token_urlsafe(16),
        "client_id": secrets.token_urlsafe(16),
        "client_secret": secrets.token_urlsafe(32),
    }
    user = get_user_model().objects.create_user(ready["username"], password=ready["password"])
    application = get_application_model()
    application.objects.create(
        name="grantkeep",
        user=user,
        client_id=ready["client_id"],
        client_secret=ready["client_secret"],
        client_type=application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=application.GRANT_AUTHORIZATION_CODE,
        redirect_uris="http://127.0.0.1/callback",
    )

    class QuietHandler(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ready["port"] = server.server_address[1]
    unfinished = data_dir / "ready.json.new"
    unfinished.write_text(json.dumps(ready))
    unfinished.rename(data_dir / "ready.json")
    server.serve_forever()


if __name__ == "__main__":
    main()
