# SPDX-License-Identifier: Apache-2.0
"""When calls.py of the Python example calls again, and how it reads failures. calls_test.js has the
same table for Node."""
import unittest

import grpc
from grantkeep.details import status_details_pb2 as details_pb
from calls import ServiceError, call

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
FAILED = grpc.StatusCode.FAILED_PRECONDITION

# what, code, RetryInfo in seconds (None: none), repeatable, limit, calls that are made in all
TABLE = [
    ("says when to come back", UNAVAILABLE, 0, True, 5, 2),
    ("too many calls in flight", EXHAUSTED, 0, True, 5, 2),
    ("may not be repeated", UNAVAILABLE, 0, False, 5, 1),
    ("does not say when", UNAVAILABLE, None, True, 5, 1),
    ("later than the limit", UNAVAILABLE, 60, True, 5, 1),
    ("would not help", FAILED, 0, True, 5, 1),
]


class Failure(grpc.RpcError):
    def __init__(self, code, retry_after):
        super().__init__()
        self._code = code
        self._status = details_pb.Status()
        self.add("ErrorInfo", details_pb.ErrorInfo(reason="SOME_REASON", domain="grantkeep"))
        if retry_after is not None:
            retry = details_pb.RetryInfo()
            retry.retry_delay.seconds = retry_after
            self.add("RetryInfo", retry)

    def add(self, name, message):
        self._status.details.add(type_url="type.googleapis.com/google.rpc." + name, value=message.SerializeToString())

    def code(self):
        return self._code

    def details(self):
        return "some message"

    def trailing_metadata(self):
        return (("other", "x"), ("grpc-status-details-bin", self._status.SerializeToString()))


class CallsTest(unittest.TestCase):
    def test_calls_again_only_where_that_is_safe_and_asked_for(self):
        for what, code, retry_after, repeatable, seconds, expected in TABLE:
            with self.subTest(what):
                made = []

                def method(request, timeout):
                    made.append(timeout)
                    if len(made) == 1:
                        raise Failure(code, retry_after)
                    return request

                if expected == 1:
                    with self.assertRaises(ServiceError):
                        call(method, "request", seconds, repeatable)
                else:
                    self.assertEqual(call(method, "request", seconds, repeatable), "request")
                    # The second call has what the first left of the limit.
                    self.assertLess(made[1], made[0])
                self.assertEqual(len(made), expected)

    def test_another_domains_reason_is_not_ours(self):
        failure = Failure(UNAVAILABLE, None)
        self.assertEqual(ServiceError(failure).reason, "SOME_REASON")
        failure.add("ErrorInfo", details_pb.ErrorInfo(reason="THEIRS", domain="example.com"))
        self.assertEqual(ServiceError(failure).reason, "SOME_REASON")


if __name__ == "__main__":
    unittest.main()
