#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_stubs.sh OUT: generates the Python modules that agent.py imports into the folder OUT. Needs
# Debian's protobuf-compiler, protobuf-compiler-grpc and libprotobuf-dev; with grpcio-tools from pip,
# the same arguments go to "python3 -m grpc_tools.protoc", without --plugin.
set -eu
out=${1:?usage: make_stubs.sh OUT}
root=$(cd "$(dirname "$0")/../../.." && pwd)
plugin=$(command -v grpc_python_plugin) || {
  echo "make_stubs.sh: no grpc_python_plugin; apt install protobuf-compiler-grpc" >&2
  exit 1
}
mkdir -p "$out"
protoc -I "$root/proto" --python_out="$out" --grpc_python_out="$out" \
  --plugin=protoc-gen-grpc_python="$plugin" \
  "$root"/proto/grantkeep/v1/*.proto "$root/proto/grantkeep/details/status_details.proto"
