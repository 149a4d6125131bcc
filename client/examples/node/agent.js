// SPDX-License-Identifier: Apache-2.0
// An agent that acts for a user: signs them in once, then calls an API with tokens from Grantkeep.
// See ../README.md for how to run it.
"use strict";
const { spawn } = require("node:child_process");
const { randomBytes } = require("node:crypto");
const os = require("node:os");
const readline = require("node:readline/promises");
const { parseArgs } = require("node:util");
const grpc = require("@grpc/grpc-js");
const { CallbackListener } = require("./callback");
const { ServiceError, authService, call } = require("./calls");

// Where `./dev run` and `grantkeepd --dev` listen.
const STATE = process.env.XDG_STATE_HOME || `${os.homedir()}/.local/state`;
const DEFAULT_ADDRESS = process.env.GRANTKEEP_ADDRESS || `unix:${STATE}/grantkeep/grantkeep.sock`;

class Agent {
  constructor(auth, options) {
    this.auth = auth;
    this.options = options;
    this.ms = Number(options.timeout) * 1000;
  }

  // Has the user sign in and returns the id of the grant. Keep it: it is no secret.
  async signIn() {
    const { tenant, provider, subject, paste } = this.options;
    // The session binding ties the sign-in to the one browser session that began it. This program is
    // that session, so a variable will do. In a web application, keep it on the server in the user's
    // session (the one that the session cookie names), never in a URL or a page.
    const session_binding = randomBytes(32);
    const listener = await CallbackListener.open();
    let callback_url;
    try {
      const redirect_uri = paste ? "http://127.0.0.1/callback" : listener.redirectUri;
      const flow = await call(this.auth, "StartAuth",
        { tenant, provider, subject, redirect_uri, session_binding }, { ms: this.ms, repeatable: true });
      console.log(`To sign in, open this in your browser:\n\n  ${flow.authorization_url}\n`);
      if (paste) {
        callback_url = await ask("Then paste the address of the page that cannot be shown: ");
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
    if (response.status !== 200) throw new Error(`the API answered with status ${response.status}`);
    return response.text();
  }

  async run() {
    const grantId = this.options.grant ?? (await this.signIn());
    let answer;
    try {
      answer = await this.callApi(grantId);
    } catch (error) {
      if (!["NEEDS_REAUTH", "GRANT_NOT_FOUND"].includes(error.reason)) throw error;
      console.log(`${error.reason}: the user must sign in again`);
      answer = await this.callApi(await this.signIn());
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
function get(url, token) {
  return fetch(url, {
    headers: { Authorization: `Bearer ${token.access_token}` },
    redirect: "manual",
    signal: AbortSignal.timeout(10_000),
  });
}

function openBrowser(url) {
  const browser = spawn("xdg-open", [url], { stdio: "ignore", detached: true });
  browser.on("error", () => {}); // none here; the URL is printed
  browser.unref();
}

async function ask(question) {
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(question);
  terminal.close();
  return answer.trim();
}

function explain(error) {
  if (!(error instanceof ServiceError)) return error.message;
  if (error.code === grpc.status.UNAVAILABLE && !error.reason) {
    return `no answer from Grantkeep; is it running? (${error.message})`;
  }
  const fields = error.fields.map(({ field, description }) => `\n  field ${field}: ${description}`);
  return `${grpc.status[error.code]} ${error.reason}: ${error.message}${fields.join("")}`;
}

const USAGE = `usage: agent.js [OPTIONS]
  --address ADDRESS   of the service (default: ${DEFAULT_ADDRESS})
  --tenant TENANT     (default: default)
  --subject SUBJECT   the user (default: ada)
  --provider ID       (default: practice)
  --api URL           what to GET (default: http://127.0.0.1:7480/me)
  --grant ID          of an earlier run, instead of signing in
  --secret NAME       a static secret to read as well
  --timeout SECONDS   for each call (default: 10)
  --no-browser        print the URL, do not open it
  --paste             the browser is on another machine`;

function parseOptions() {
  try {
    return parseArgs({
      options: {
        address: { type: "string", default: DEFAULT_ADDRESS },
        tenant: { type: "string", default: "default" },
        subject: { type: "string", default: "ada" },
        provider: { type: "string", default: "practice" },
        api: { type: "string", default: "http://127.0.0.1:7480/me" },
        grant: { type: "string" },
        secret: { type: "string" },
        timeout: { type: "string", default: "10" },
        "no-browser": { type: "boolean" },
        paste: { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

async function main() {
  const options = parseOptions();
  if (options.help) {
    console.log(USAGE);
    return;
  }
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
