#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house keeps its arrows: each room includes only the rooms below it.

Usage: includes_test.py SOURCE_DIR
"""

import pathlib
import re
import sys

ALLOWED = {
    "base": set(),
    "telemetry": set(),
    "crypto": set(),
    "config": set(),
    "net": {"crypto"},
    "store": {"net", "crypto"},
    "provider": {"config", "net", "crypto"},
    "access": {"net", "crypto"},
    "vault": {"store", "crypto"},
    "refresh": {"provider", "vault", "store", "net", "crypto"},
    "schema": {"refresh", "provider", "vault", "store", "net", "crypto"},
    "flow": {"refresh", "provider", "vault", "store", "net", "crypto"},
    "rpc": {"access", "flow", "refresh", "schema", "vault"},
}
# The parts of main: they may know every room, and no room knows them.
ALLOWED["daemon"] = set(ALLOWED)  # main.cc, in pieces
# The library knows no room; the command shows the built-in providers and checks configurations.
COMMAND_MAY = {"provider", "config"}
EVERYBODY = {"base", "telemetry"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    wrong = []
    files = 0
    rooms = {path.name for path in (root / "server").iterdir() if path.is_dir()}
    for room in sorted(rooms):
        if room not in ALLOWED:
            wrong.append(f"server/{room}: a room that the map does not have")
            continue
        may = ALLOWED[room] | EVERYBODY | {room}
        for path in sorted((root / "server" / room).rglob("*")):
            if path.suffix not in (".cc", ".h"):
                continue
            files += 1
            for include in INCLUDE.findall(path.read_text()):
                other = include.split("/")[0]
                if other in ALLOWED and other not in may:
                    wrong.append(f"{path.relative_to(root)}: {room} may not include {include}")
    for path in sorted((root / "client").rglob("*")):
        if path.suffix in (".cc", ".h"):
            may = COMMAND_MAY if path.parent.name == "cli" else set()
            for include in INCLUDE.findall(path.read_text()):
                if include.split("/")[0] in ALLOWED and include.split("/")[0] not in may:
                    wrong.append(f"{path.relative_to(root)}: the client may not include {include}")
    if files < 20:
        wrong.append(f"only {files} files found under {root}/server")
    print("\n".join(wrong) or f"{files} files keep the arrows")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
