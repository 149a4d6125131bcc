# SPDX-License-Identifier: Apache-2.0
"""Calls with a deadline, errors one can act on, and retries only where they are safe."""
import time

import grpc

# google.rpc.Status, ErrorInfo, BadRequest and RetryInfo, the same on the wire; Debian has no Python
# package of the originals (googleapis-common-protos and grpcio-status in pip).
from grantkeep.details import status_details_pb2 as details_pb

RETRYABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
GOOGLE_RPC = "type.googleapis.com/google.rpc."


class ServiceError(Exception):
    """A failed call, taken apart. Act on `reason` and `code`; the message is for people."""

    def __init__(self, error: grpc.RpcError):
        super().__init__(error.details())
        self.code = error.code()
        self.reason = ""  # "NEEDS_REAUTH"; empty when it was not the service that answered
        self.fields = []  # (name, what is wrong) of the request's fields
        self.retry_after = None  # seconds, when the service says that a retry makes sense
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self._read(details_pb.Status.FromString(value))

    def _read(self, status):
        for detail in status.details:
            if detail.type_url == GOOGLE_RPC + "ErrorInfo":
                info = details_pb.ErrorInfo.FromString(detail.value)
                if info.domain == "grantkeep":
                    self.reason = info.reason
            elif detail.type_url == GOOGLE_RPC + "BadRequest":
                violations = details_pb.BadRequest.FromString(detail.value).field_violations
                self.fields = [(violation.field, violation.description) for violation in violations]
            elif detail.type_url == GOOGLE_RPC + "RetryInfo":
                delay = details_pb.RetryInfo.FromString(detail.value).retry_delay
                self.retry_after = delay.seconds + delay.nanos / 1e9


def call(method, request, seconds, repeatable=False):
    """Calls a stub's method and returns the response, or raises ServiceError.

    `seconds` is the limit for everything, retries included. `repeatable`: the call may be made again
    without harm. Then it is, when the service answers UNAVAILABLE (or RESOURCE_EXHAUSTED) and says in
    RetryInfo when to come back. Without RetryInfo nobody knows that a retry would help: none is made.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return method(request, timeout=max(0.0, end - time.monotonic()))
        except grpc.RpcError as error:
            failure = ServiceError(error)
        if not repeatable or failure.code not in RETRYABLE or failure.retry_after is None:
            raise failure
        pause = max(failure.retry_after, 0.1)
        if time.monotonic() + pause >= end:
            raise failure
        time.sleep(pause)
