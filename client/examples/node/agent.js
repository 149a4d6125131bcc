// SPDX-License-Identifier: Apache-2.0
// An agent that acts for a user: signs them in once, then calls an API with tokens from Grantkeep.
// See ../README.md for how to run it.
"use strict";
const { spawn } = require("node:child_process");
const { randomBytes } = require("node:crypto");
const { CallbackListener, pastedCallback } = require("./callback");
const { parseOptions } = require("./options");
try {
  require.resolve("@grpc/grpc-js");
} catch {
  console.error("@grpc/grpc-js is not installed: run npm ci in the folder of this program first");
  process.exit(1);
}
const grpc = require("@grpc/grpc-js");
const { ServiceError, authService, call } = require("./calls");

class Agent {
  constructor(auth, options) {
    this.auth = auth;
    this.options = options;
    this.ms = Number(options.timeout) * 1000;
  }

  // Has the user sign in and returns the id of the grant. Keep it: it is no secret. With the id of a
  // grant that needs a sign-in (NEEDS_REAUTH), that grant gets the new tokens and keeps its id.
  async signIn(grant_id = "") {
    const { tenant, provider, subject, url_parts, paste } = this.options;
    // The session binding ties the sign-in to the one browser session that began it. This program is
    // that session, so a variable will do. In a web application, keep it on the server in the user's
    // session (the one that the session cookie names), never in a URL or a page.
    const session_binding = randomBytes(32);
    const listener = await CallbackListener.open();
    let callback_url;
    try {
      const redirect_uri = paste ? "http://127.0.0.1/callback" : listener.redirectUri;
      const flow = await call(this.auth, "StartAuth",
        { tenant, provider, subject, redirect_uri, session_binding, url_parts, grant_id }, { ms: this.ms, repeatable: true });
      console.log(`To sign in, open this in your browser:\n\n  ${flow.authorization_url}\n`);
      if (paste) {
        callback_url = await pastedCallback(redirect_uri, flow.state);
      } else {
        if (!this.options["no-browser"]) openBrowser(flow.authorization_url);
        callback_url = await listener.wait(flow.state, Number(flow.expire_time.seconds) * 1000 - Date.now());
      }
    } finally {
      listener.close();
    }
    // Not repeatable: the code is good for one use and the flow for one CompleteAuth. If this fails,
    // begin again with StartAuth. It waits for the provider, hence the longer limit.
    const { grant } = await call(this.auth, "CompleteAuth", { tenant, callback_url, session_binding }, { ms: 30_000 });
    console.log(`grant: ${grant.grant_id}`);
    return grant.grant_id;
  }

  // An access token that is good now. Cheap: ask before each use, do not keep it.
  token(grant_id, rejected_generation = 0) {
    const { tenant, subject } = this.options;
    return call(this.auth, "Refresh", { tenant, subject, grant_id, rejected_generation },
      { ms: this.ms, repeatable: true });
  }

  // What the API says. If it refuses the token (revoked early, for example), Grantkeep is told which
  // generation that was and gives a newer one, or says NEEDS_REAUTH.
  async callApi(grantId) {
    const token = await this.token(grantId);
    let response = await get(this.options.api, token);
    if (response.status === 401) {
      response = await get(this.options.api, await this.token(grantId, token.generation));
    }
    if (response.status !== 200) throw new Error(`${this.options.api} answered with status ${response.status}`);
    return response.text();
  }

  async run() {
    const grantId = this.options.grant ?? (await this.signIn());
    let answer;
    try {
      answer = await this.callApi(grantId);
    } catch (error) {
      if (!["NEEDS_REAUTH", "GRANT_NOT_FOUND"].includes(error.reason)) throw error;
      const what = error.reason === "GRANT_NOT_FOUND" ? `no grant ${grantId} of subject ${this.options.subject}: ` : "";
      console.log(`${error.reason}: ${what}the user must sign in again`);
      answer = await this.callApi(await this.signIn(error.reason === "NEEDS_REAUTH" ? grantId : ""));
    }
    console.log(`the API says: ${answer}`);
    if (this.options.secret) await this.showSecret();
  }

  async showSecret() {
    const { tenant, secret: name } = this.options;
    const secret = await call(this.auth, "GetStaticSecret", { tenant, name }, { ms: this.ms, repeatable: true });
    // secret.value is the secret itself.
    console.log(`secret ${name}: version ${secret.version}, ${secret.value.length} bytes`);
    if (secret.header_name) { // it was stored for a provider, which wants it sent like this
      console.log(`  for the header "${secret.header_name}: ${secret.header_value_prefix}..."`);
    }
  }
}

// GET `url` with an access token (RFC 6750 section 2.1). The token is not taken elsewhere.
async function get(url, token) {
  try {
    return await fetch(url, {
      headers: { Authorization: `Bearer ${token.access_token}` },
      redirect: "manual",
      signal: AbortSignal.timeout(10_000),
    });
  } catch (error) {
    throw new Error(`cannot GET ${url}: ${error.cause?.message ?? error.message}`);
  }
}

function openBrowser(url) {
  const browser = spawn("xdg-open", [url], { stdio: "ignore", detached: true });
  browser.on("error", () => {}); // none here; the URL is printed
  browser.unref();
}

function explain(error) {
  if (!(error instanceof ServiceError)) return error.message;
  if (error.code === grpc.status.UNAVAILABLE && !error.reason) {
    return `no answer from Grantkeep; is it running? (${error.message})`;
  }
  const fields = error.fields.map(({ field, description }) => `\n  field ${field}: ${description}`);
  return `${grpc.status[error.code]} ${error.reason}: ${error.message}${fields.join("")}`;
}

async function main() {
  const options = parseOptions();
  const auth = authService(options.address);
  try {
    await new Agent(auth, options).run();
  } catch (error) {
    console.error(explain(error));
    process.exitCode = 1;
  } finally {
    auth.close();
  }
}

main();
