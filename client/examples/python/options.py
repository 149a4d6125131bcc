# SPDX-License-Identifier: Apache-2.0
"""The agent's command line. Its defaults are those of the `grantkeep` command."""
import argparse
import getpass
import os
import re

# Where `./dev run` and `grantkeepd --dev` listen.
STATE = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
DEFAULT_ADDRESS = os.environ.get("GRANTKEEP_ADDRESS") or f"unix:{STATE}/grantkeep/grantkeep.sock"
TENANT = os.environ.get("GRANTKEEP_TENANT") or "default"
SUBJECT = os.environ.get("GRANTKEEP_SUBJECT") or os.environ.get("USER") or getpass.getuser()


def address(text):
    """A socket or a port of this machine: the connection is not encrypted."""
    text = re.sub(r"^localhost:", "127.0.0.1:", text)
    if not re.fullmatch(r"unix:.+|(127\.\d+\.\d+\.\d+|\[::1\]):\d+", text):
        raise argparse.ArgumentTypeError("must be unix:/path/to/socket, 127.0.0.1:PORT or [::1]:PORT; "
                                         "without the option it is $GRANTKEEP_ADDRESS")
    return text


def name_and_value(text):
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def parse(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--address", type=address, default=DEFAULT_ADDRESS, help="of the service (default: %(default)s)")
    parser.add_argument("--tenant", default=TENANT, help="(default: %(default)s)")
    parser.add_argument("--subject", default=SUBJECT, help="the user (default: %(default)s)")
    parser.add_argument("--provider", default="practice", help="(default: %(default)s)")
    parser.add_argument("--url-part", type=name_and_value, action="append", default=[], metavar="NAME=VALUE",
                        help="for {NAME} in the provider's URLs; may be repeated")
    parser.add_argument("--api", default="http://127.0.0.1:7480/me", help="what to GET (default: %(default)s)")
    parser.add_argument("--grant", help="of an earlier run, instead of signing in")
    parser.add_argument("--secret", help="name of a static secret to read as well")
    parser.add_argument("--timeout", type=float, default=10, help="seconds for each call (default: %(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="print the URL, do not open it")
    parser.add_argument("--paste", action="store_true", help="the browser is on another machine")
    return parser.parse_args()
