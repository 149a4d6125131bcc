// SPDX-License-Identifier: Apache-2.0
// Receives the browser when the provider sends it back (RFC 8252 section 7.3).
"use strict";
const { timingSafeEqual } = require("node:crypto");
const { once } = require("node:events");
const http = require("node:http");
const readline = require("node:readline");

function same(a, b) {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

function carriesState(query, state) {
  const states = new URLSearchParams(query).getAll("state");
  return state !== undefined && states.length === 1 && same(states[0], state);
}

// The URL with `state`, as the user pastes it. Rejects when the input ends without it.
async function pastedCallback(redirectUri, state) {
  console.log("Then paste the address of the page that cannot be shown:");
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
  try {
    for await (const line of terminal) {
      const url = line.trim();
      const begin = `${redirectUri}?`;
      if (url.startsWith(begin) && carriesState(url.slice(begin.length), state)) return url;
      console.log("That is not the address of this sign-in's last page. Paste it whole:");
    }
  } finally {
    terminal.close();
  }
  throw new Error("standard input has ended without the address of this sign-in's last page");
}

// Listens on a free port of 127.0.0.1 until it is closed.
class CallbackListener {
  #server = http.createServer((request, response) => this.#answer(request, response));
  #origin;
  #state;
  #arrived;

  static async open() {
    const listener = new CallbackListener();
    listener.#server.listen(0, "127.0.0.1");
    await once(listener.#server, "listening");
    listener.#origin = `http://127.0.0.1:${listener.#server.address().port}`;
    return listener;
  }

  get redirectUri() {
    return this.#origin + "/callback";
  }

  // The URL that is requested with `state`. Rejects when nobody comes within `ms`.
  wait(state, ms) {
    this.#state = state;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nobody finished signing in")), ms);
      this.#arrived = (url) => {
        clearTimeout(timer);
        resolve(url);
      };
    });
  }

  close() {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  #answer(request, response) {
    // Anyone on this machine can knock here: what does not carry our state ends nothing.
    const query = request.url.indexOf("?");
    const isCallback = request.method === "GET" && request.url.slice(0, query) === "/callback";
    const ours = isCallback && carriesState(request.url.slice(query + 1), this.#state);
    response.writeHead(ours ? 200 : 400, {
      "Content-Type": "text/plain",
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      Connection: "close",
    });
    response.end(ours ? "You can close this window." : "This is not the sign-in that was begun here.");
    if (ours) response.on("finish", () => this.#arrived(this.#origin + request.url));
  }
}

module.exports = { CallbackListener, pastedCallback };
