// SPDX-License-Identifier: Apache-2.0
// When calls.js of the Node example calls again, and how it reads failures. calls_test.py has the
// same table for Python. Usage: calls_test.js FOLDER_OF_THE_EXAMPLE; exit status 77 without packages.
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");

if (!fs.existsSync(process.env.NODE_PATH)) {
  console.log(`${process.env.NODE_PATH} is missing: the npm registry could not be reached`);
  process.exit(77);
}
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");
const { ServiceError, call } = require(path.join(process.argv[2], "calls"));

const { UNAVAILABLE, RESOURCE_EXHAUSTED, FAILED_PRECONDITION } = grpc.status;
const definition = protoLoader.loadSync("grantkeep/details/status_details.proto", {
  includeDirs: [path.join(process.argv[2], "../../../proto")],
  keepCase: true,
});

// What, code, RetryInfo in seconds (undefined: none), repeatable, limit, calls that are made in all.
const TABLE = [
  ["says when to come back", UNAVAILABLE, 0, true, 5000, 2],
  ["too many calls in flight", RESOURCE_EXHAUSTED, 0, true, 5000, 2],
  ["may not be repeated", UNAVAILABLE, 0, false, 5000, 1],
  ["does not say when", UNAVAILABLE, undefined, true, 5000, 1],
  ["later than the limit", UNAVAILABLE, 60, true, 5000, 1],
  ["would not help", FAILED_PRECONDITION, 0, true, 5000, 1],
];

function failure(code, ...details) {
  const encode = (message, value) => definition[`grantkeep.details.${message}`].serialize(value);
  const packed = details.map(([name, value]) => ({
    type_url: `type.googleapis.com/google.rpc.${name}`,
    value: encode(name, value),
  }));
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", encode("Status", { details: packed }));
  return { code, details: "some message", metadata };
}

async function check(what, code, retryAfter, repeatable, ms, expected) {
  const deadlines = [];
  const client = {
    method(request, { deadline }, done) {
      deadlines.push(deadline);
      const retry = retryAfter === undefined ? [] : [["RetryInfo", { retry_delay: { seconds: retryAfter } }]];
      if (deadlines.length === 1) done(failure(code, ...retry));
      else done(null, request);
    },
  };
  const answer = call(client, "method", "request", { ms, repeatable });
  if (expected === 1) await assert.rejects(answer, ServiceError, what);
  else assert.strictEqual(await answer, "request", what);
  assert.strictEqual(deadlines.length, expected, what);
  // Every call has the one deadline.
  assert.strictEqual(new Set(deadlines).size, 1, what);
}

async function main() {
  for (const row of TABLE) await check(...row);
  const ours = ["ErrorInfo", { reason: "SOME_REASON", domain: "grantkeep" }];
  const theirs = ["ErrorInfo", { reason: "THEIRS", domain: "example.com" }];
  assert.strictEqual(new ServiceError(failure(UNAVAILABLE, ours, theirs)).reason, "SOME_REASON");
}

main();
