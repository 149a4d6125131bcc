// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/pages.h"

#include <fmt/format.h>

#include "tests/support/practice_provider/form.h"

namespace grantkeep::practice {
namespace {

constexpr std::string_view kFrame = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Practice provider</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 12vh auto 0; padding: 0 1.5rem }}
button {{ font: inherit; padding: .5rem 1.5rem; margin-right: .5rem; border-radius: .4rem; border: 1px solid; cursor: pointer }}
button[value=allow] {{ background: #175; color: #fff }}
code {{ overflow-wrap: anywhere }}
</style></head><body>
{}
</body></html>
)html";

ServerReply Page(int status, std::string_view content) {
  return {.status = status,
          .headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"},
                      {"X-Frame-Options", "DENY"},
                      {"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}},
          .body = fmt::format(kFrame, content)};
}

}  // namespace

ServerReply ConsentPage(std::string_view client_id, const std::vector<std::string>& scopes,
                        std::string_view redirect_uri, std::string_view ticket) {
  std::string list;
  for (const std::string& scope : scopes) list += fmt::format("<li><code>{}</code></li>", HtmlEscape(scope));
  if (list.empty()) list = "<li>nothing in particular</li>";
  return Page(200, fmt::format(R"html(<h1>Practice provider</h1>
<p><code>{}</code> wants to act for <strong>practice-user</strong>, with access to:</p>
<ul>{}</ul>
<p>It will be told at <code>{}</code>.</p>
<form method="post" action="/authorize"><input type="hidden" name="ticket" value="{}">
<button name="decision" value="allow" autofocus>Allow</button><button name="decision" value="deny">Deny</button></form>
)html",
                               HtmlEscape(client_id), list, HtmlEscape(redirect_uri), HtmlEscape(ticket)));
}

ServerReply ErrorPage(std::string_view message) {
  return Page(400, fmt::format("<h1>Practice provider</h1>\n<p>This sign-in cannot go on: {}.</p>",
                               HtmlEscape(message)));
}

}  // namespace grantkeep::practice
