// SPDX-License-Identifier: Apache-2.0
// The agent's command line. Its defaults are those of the `grantkeep` command.
"use strict";
const os = require("node:os");
const { parseArgs } = require("node:util");

const { env } = process;
// Where `./dev run` and `grantkeepd --dev` listen.
const STATE = env.XDG_STATE_HOME || `${os.homedir()}/.local/state`;
const DEFAULTS = {
  address: env.GRANTKEEP_ADDRESS || `unix:${STATE}/grantkeep/grantkeep.sock`,
  tenant: env.GRANTKEEP_TENANT || "default",
  subject: env.GRANTKEEP_SUBJECT || env.USER || os.userInfo().username,
  provider: "practice",
  api: "http://127.0.0.1:7480/me",
  timeout: "10",
};

const USAGE = `usage: agent.js [OPTIONS]
  --address ADDRESS      of the service (default: ${DEFAULTS.address})
  --tenant TENANT        (default: ${DEFAULTS.tenant})
  --subject SUBJECT      the user (default: ${DEFAULTS.subject})
  --provider ID          (default: ${DEFAULTS.provider})
  --url-part NAME=VALUE  for {NAME} in the provider's URLs; may be repeated
  --api URL              what to GET (default: ${DEFAULTS.api})
  --grant ID             of an earlier run, instead of signing in
  --secret NAME          a static secret to read as well
  --timeout SECONDS      for each call (default: ${DEFAULTS.timeout})
  --no-browser           print the URL, do not open it
  --paste                the browser is on another machine`;

// A socket or a port of this machine: the connection is not encrypted.
function checkedAddress(text) {
  const address = text.replace(/^localhost:/, "127.0.0.1:");
  if (/^(unix:.+|(127\.\d+\.\d+\.\d+|\[::1\]):\d+)$/.test(address)) return address;
  throw new Error("--address: must be unix:/path/to/socket, 127.0.0.1:PORT or [::1]:PORT; " +
    "without the option it is $GRANTKEEP_ADDRESS");
}

function nameAndValue(text) {
  const equals = text.indexOf("=");
  if (equals < 1) throw new Error("--url-part: must be NAME=VALUE");
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function parse() {
  const text = (name) => ({ type: "string", default: DEFAULTS[name] });
  const { values } = parseArgs({
    options: {
      address: text("address"),
      tenant: text("tenant"),
      subject: text("subject"),
      provider: text("provider"),
      "url-part": { type: "string", multiple: true },
      api: text("api"),
      grant: { type: "string" },
      secret: { type: "string" },
      timeout: text("timeout"),
      "no-browser": { type: "boolean" },
      paste: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const url_parts = Object.fromEntries((values["url-part"] ?? []).map(nameAndValue));
  return { ...values, url_parts, address: checkedAddress(values.address) };
}

// The options; ends the program where there is nothing to do but to explain them.
function parseOptions() {
  try {
    const options = parse();
    if (!options.help) return options;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

module.exports = { parseOptions };
