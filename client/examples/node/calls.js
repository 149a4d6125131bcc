// SPDX-License-Identifier: Apache-2.0
// Calls with a deadline, errors one can act on, and retries only where they are safe.
"use strict";
const path = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

// The protos of this repository; in your own program, the folder where you keep a copy.
const ROOT = path.join(__dirname, "../../..");

// status_details.proto: google.rpc.Status, ErrorInfo, BadRequest and RetryInfo, the same on the wire.
const definition = protoLoader.loadSync(["grantkeep/v1/auth.proto", "grantkeep/details/status_details.proto"], {
  includeDirs: [path.join(ROOT, "proto")],
  keepCase: true, // names as in the protos
  longs: String, // 64-bit numbers do not fit into a Number
  enums: String,
  defaults: true,
});

// One client for the life of the program: connecting costs more than calling. It is plaintext, for
// the unix socket or loopback only; a proxy has no business there.
function authService(address) {
  const { AuthService } = grpc.loadPackageDefinition(definition).grantkeep.v1;
  return new AuthService(address, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
}

const RETRYABLE = [grpc.status.UNAVAILABLE, grpc.status.RESOURCE_EXHAUSTED];
const GOOGLE_RPC = "type.googleapis.com/google.rpc.";
const decode = (message, bytes) => definition[`grantkeep.details.${message}`].deserialize(bytes);

// A failed call, taken apart. Act on `reason` and `code`; the message is for people.
class ServiceError extends Error {
  constructor(error) {
    super(error.details);
    this.code = error.code;
    this.reason = ""; // "NEEDS_REAUTH"; empty when it was not the service that answered
    this.fields = []; // {field, description} of the request's fields
    this.retryAfterMs = undefined; // when the service says that a retry makes sense
    const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
    if (bytes !== undefined) this.#read(decode("Status", bytes));
  }

  #read(status) {
    for (const { type_url: type, value } of status.details) {
      if (type === GOOGLE_RPC + "ErrorInfo") {
        const info = decode("ErrorInfo", value);
        if (info.domain === "grantkeep") this.reason = info.reason;
      } else if (type === GOOGLE_RPC + "BadRequest") {
        this.fields = decode("BadRequest", value).field_violations;
      } else if (type === GOOGLE_RPC + "RetryInfo") {
        const { seconds, nanos } = decode("RetryInfo", value).retry_delay;
        this.retryAfterMs = Number(seconds) * 1000 + nanos / 1e6;
      }
    }
  }
}

function callOnce(client, method, request, deadline) {
  return new Promise((resolve, reject) => {
    client[method](request, { deadline }, (error, response) => {
      if (error) reject(new ServiceError(error));
      else resolve(response);
    });
  });
}

// Resolves to the response or rejects with ServiceError. `ms` is the limit for everything, retries
// included. `repeatable`: the call may be made again without harm. Then it is, when the service
// answers UNAVAILABLE (or RESOURCE_EXHAUSTED) and says in RetryInfo when to come back. Without
// RetryInfo nobody knows that a retry would help: none is made.
async function call(client, method, request, { ms, repeatable = false }) {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await callOnce(client, method, request, deadline);
    } catch (error) {
      const pause = Math.max(error.retryAfterMs ?? Infinity, 100);
      const later = repeatable && RETRYABLE.includes(error.code) && Date.now() + pause < deadline;
      if (!later) throw error;
      await sleep(pause);
    }
  }
}

module.exports = { ServiceError, authService, call };
