// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_RPC_HOSTILE_FIELDS_H_
#define GRANTKEEP_TESTS_UNIT_RPC_HOSTILE_FIELDS_H_

#include <grpcpp/support/status_code_enum.h>

#include <ostream>

namespace grantkeep::testing {

// How a call ends: gRPC's code and ErrorInfo.reason.
struct CallEnd {
  grpc::StatusCode code;
  const char* reason;
};

inline constexpr CallEnd kOk{grpc::StatusCode::OK, ""};
inline constexpr CallEnd kInvalid{grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"};
inline constexpr CallEnd kParameter{grpc::StatusCode::INVALID_ARGUMENT, "PARAMETER_NOT_ALLOWED"};
inline constexpr CallEnd kRedirect{grpc::StatusCode::INVALID_ARGUMENT, "REDIRECT_URI_NOT_ALLOWED"};
inline constexpr CallEnd kCallback{grpc::StatusCode::INVALID_ARGUMENT, "CALLBACK_MALFORMED"};
inline constexpr CallEnd kNoProvider{grpc::StatusCode::NOT_FOUND, "PROVIDER_NOT_FOUND"};
inline constexpr CallEnd kNotStatic{grpc::StatusCode::FAILED_PRECONDITION, "PROVIDER_NOT_STATIC"};
inline constexpr CallEnd kNoFlow{grpc::StatusCode::NOT_FOUND, "FLOW_NOT_FOUND"};
inline constexpr CallEnd kNoGrant{grpc::StatusCode::NOT_FOUND, "GRANT_NOT_FOUND"};
inline constexpr CallEnd kNoSecret{grpc::StatusCode::NOT_FOUND, "SECRET_NOT_FOUND"};
inline constexpr CallEnd kNoVersion{grpc::StatusCode::NOT_FOUND, "SECRET_VERSION_NOT_FOUND"};
inline constexpr CallEnd kOtherVersion{grpc::StatusCode::ABORTED, "VERSION_MISMATCH"};
inline constexpr CallEnd kNoService{grpc::StatusCode::NOT_FOUND, "SERVICE_UNKNOWN"};
inline constexpr CallEnd kTooLarge{grpc::StatusCode::RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"};

// Each implemented method with a request (text format) that is as it should be, and its end.
struct GoodCall {
  const char* method;
  const char* request;
  CallEnd end;
};
inline void PrintTo(const GoodCall& call, std::ostream* out) { *out << call.method; }

inline constexpr GoodCall kGoodCalls[] = {
    {"/grantkeep.v1.AuthService/StartAuth",
     R"(tenant: "t" provider: "p" subject: "u" redirect_uri: "https://app.example/cb" session_binding: "0123456789abcdef")",
     kOk},
    {"/grantkeep.v1.AuthService/CompleteAuth",
     R"(tenant: "t" callback_url: "https://app.example/cb?state=unknown&code=c" session_binding: "0123456789abcdef")",
     kNoFlow},
    {"/grantkeep.v1.AuthService/Refresh", R"(tenant: "t" subject: "u" grant_id: "g")", kOk},
    {"/grantkeep.v1.AuthService/GetStaticSecret", R"(tenant: "t" name: "bot")", kOk},
    {"/grantkeep.v1.AuthService/GetGrant", R"(tenant: "t" subject: "u" grant_id: "g")", kOk},
    {"/grantkeep.v1.AuthService/RevokeGrant", R"(tenant: "t" subject: "u" grant_id: "g")", kOk},
    {"/grantkeep.v1.AuthService/WatchGrants", R"(tenant: "t" grants {subject: "u" grant_id: "g"})", kOk},
    {"/grantkeep.v1.VaultAdmin/PutStaticSecret", R"(tenant: "t" name: "new" value: "v")", kOk},
    {"/grantkeep.v1.VaultAdmin/DeleteStaticSecret", R"(tenant: "t" name: "none")", kNoSecret},
    {"/grantkeep.v1.VaultAdmin/ListStaticSecrets", R"(tenant: "t")", kOk},
    {"/grantkeep.v1.VaultAdmin/ListGrants", R"(tenant: "t")", kOk},
    {"/grantkeep.v1.VaultAdmin/AdoptStore",
     R"(store_id: "ffffffffffffffffffffffffffffffff" adoption: STORE_ADOPTION_RESTORE)", kOk},
    {"/grpc.health.v1.Health/Check", "", kOk},
};

// What is changed in the method's good request, and how the call ends then. `change` is text format
// merged over the request, or "-field", which takes the field out; <TEXT*N> stands for TEXT N times,
// '#' in it for the number of the repetition.
struct HostileField {
  const char* method;  // its last word; "*": every method that has the field
  const char* change;
  CallEnd end;
  const char* field;  // of BadRequest; "": none
};

inline constexpr HostileField kHostileFields[] = {
    // Identifiers, the same in every method.
    {"*", R"(-tenant)", kInvalid, "tenant"},
    {"*", R"(tenant: "<a*129>")", kInvalid, "tenant"},
    {"*", R"(tenant: "<a*60000>")", kInvalid, "tenant"},
    {"*", R"(tenant: "t\000")", kInvalid, "tenant"},
    {"*", R"(tenant: "t\n")", kInvalid, "tenant"},
    {"*", R"(tenant: " t")", kInvalid, "tenant"},
    {"*", R"(tenant: "t ")", kInvalid, "tenant"},
    {"*", R"(tenant: "../t")", kInvalid, "tenant"},
    {"*", R"(tenant: "t\\..\\t")", kInvalid, "tenant"},
    {"*", R"(tenant: "t%2e")", kInvalid, "tenant"},
    {"*", R"(tenant: "t*")", kInvalid, "tenant"},
    {"*", R"(tenant: "\321\202")", kInvalid, "tenant"},       // a Cyrillic letter
    {"*", R"(tenant: "t\342\200\213")", kInvalid, "tenant"},  // a zero-width space
    {"*", R"(tenant: "\342\200\256t")", kInvalid, "tenant"},  // a right-to-left override
    {"*", R"(tenant: "t\357\274\217")", kInvalid, "tenant"},  // a full-width slash
    {"*", R"(-subject)", kInvalid, "subject"},
    {"*", R"(subject: "<u*257>")", kInvalid, "subject"},
    {"*", R"(subject: "<\303\244*129>")", kInvalid, "subject"},  // 258 bytes, 129 characters
    {"*", R"(subject: "u\000")", kInvalid, "subject"},
    {"*", R"(subject: "u\r\nx: y")", kInvalid, "subject"},
    {"*", R"(subject: "u\177")", kInvalid, "subject"},
    {"*", R"(subject: "u\033[31m")", kInvalid, "subject"},
    {"*", R"(-grant_id)", kInvalid, "grant_id"},
    {"*", R"(grant_id: "<g*65>")", kInvalid, "grant_id"},
    {"*", R"(grant_id: "g\000")", kInvalid, "grant_id"},
    {"*", R"(grant_id: "/g")", kInvalid, "grant_id"},
    {"*", R"(grant_id: "g\342\200\256")", kInvalid, "grant_id"},
    {"*", R"(-name)", kInvalid, "name"},
    {"*", R"(name: "<n*257>")", kInvalid, "name"},
    {"*", R"(name: "bot\000")", kInvalid, "name"},
    {"*", R"(name: "bot\n")", kInvalid, "name"},
    {"*", R"(name: "../bot")", kInvalid, "name"},
    {"*", R"(name: "b\320\276t")", kInvalid, "name"},  // a Cyrillic o
    {"*", R"(provider: "<p*129>")", kInvalid, "provider"},
    {"*", R"(provider: "p\000")", kInvalid, "provider"},
    {"*", R"(provider: "../p")", kInvalid, "provider"},
    {"*", R"(provider: "\321\200")", kInvalid, "provider"},
    {"*", R"(-session_binding)", kInvalid, "session_binding"},
    {"*", R"(session_binding: "<b*15>")", kInvalid, "session_binding"},
    {"*", R"(session_binding: "<b*513>")", kInvalid, "session_binding"},
    {"*", R"(page_size: 1001)", kInvalid, "page_size"},
    {"*", R"(page_size: 4294967295)", kInvalid, "page_size"},
    {"*", R"(page_size: 1000)", kOk, ""},
    {"*", R"(page_token: "<A*1025>")", kInvalid, "page_token"},
    {"*", R"(page_token: "<A*1024>")", kInvalid, "page_token"},
    {"*", R"(page_token: "A")", kInvalid, "page_token"},
    {"*", R"(page_token: "\000")", kInvalid, "page_token"},
    {"*", R"(page_token: "not base64 !")", kInvalid, "page_token"},
    {"*", R"(page_token: "../../t")", kInvalid, "page_token"},

    {"StartAuth", R"(-provider)", kInvalid, "provider"},
    {"StartAuth", R"(provider: "P")", kNoProvider, "provider"},
    {"StartAuth", R"(provider: "p/../p")", kNoProvider, "provider"},
    {"StartAuth", R"(tenant: "<a*128>" subject: "<u*256>")", kOk, ""},
    {"StartAuth", R"(subject: "\342\200\256u")", kOk, ""},  // text of the caller's own, not read by us
    {"StartAuth", R"(scopes: "")", kInvalid, "scopes[0]"},
    {"StartAuth", R"(scopes: "ok" scopes: "a b")", kInvalid, "scopes[1]"},
    {"StartAuth", R"(scopes: "a\"b")", kInvalid, "scopes[0]"},
    {"StartAuth", R"(scopes: "a\\b")", kInvalid, "scopes[0]"},
    {"StartAuth", R"(scopes: "a\000")", kInvalid, "scopes[0]"},
    {"StartAuth", R"(scopes: "\303\244")", kInvalid, "scopes[0]"},
    {"StartAuth", R"(scopes: "<s*257>")", kInvalid, "scopes[0]"},
    {"StartAuth", R"(<scopes: "s#" *129>)", kInvalid, "scopes"},
    {"StartAuth", R"(<scopes: "s#" *128>)", kOk, ""},
    {"StartAuth", R"(scopes: "a" scopes: "a")", kOk, ""},
    {"StartAuth", R"(-redirect_uri)", kInvalid, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "<a*2049>")", kInvalid, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/cb\n")", kInvalid, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/cb\000")", kInvalid, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://\320\260pp.example/cb")", kInvalid, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/cb/")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/cb?")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/cb#")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/x/../cb")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example/%63b")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example:443/cb")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "https://app.example@evil.example/cb")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "HTTPS://app.example/cb")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(redirect_uri: "javascript:alert")", kRedirect, "redirect_uri"},
    {"StartAuth", R"(session_binding: "<\000*16>")", kOk, ""},  // any bytes
    {"StartAuth", R"(session_binding: "<\377*512>")", kOk, ""},
    {"StartAuth", R"(resource: "")", kInvalid, "resource[0]"},
    {"StartAuth", R"(resource: "not a uri")", kInvalid, "resource[0]"},
    {"StartAuth", R"(resource: "relative")", kInvalid, "resource[0]"},
    {"StartAuth", R"(resource: "https://api.example" resource: "https://api.example#f")", kInvalid,
     "resource[1]"},
    {"StartAuth", R"(resource: "https://<a*2048>")", kInvalid, "resource[0]"},
    {"StartAuth", R"(<resource: "https://api#.example" *9>)", kInvalid, "resource"},
    {"StartAuth", R"(<resource: "https://api#.example" *8>)", kOk, ""},
    {"StartAuth", R"(login_hint: "<h*321>")", kInvalid, "login_hint"},
    {"StartAuth", R"(login_hint: "u\r\nSet-Cookie: x")", kInvalid, "login_hint"},
    {"StartAuth", R"(login_hint: "u&state=forged#x")", kOk, ""},  // it is percent-encoded
    {"StartAuth", R"(extra_params {key: "" value: "v"})", kInvalid, "extra_params"},
    {"StartAuth", R"(extra_params {key: "k" value: ""})", kInvalid, R"(extra_params["k"])"},
    {"StartAuth", R"(extra_params {key: "k\n" value: "v"})", kInvalid, "extra_params"},
    {"StartAuth", R"(extra_params {key: "k" value: "v\000"})", kInvalid, R"(extra_params["k"])"},
    {"StartAuth", R"(extra_params {key: "k" value: "<v*1025>"})", kInvalid, R"(extra_params["k"])"},
    {"StartAuth", R"(<extra_params {key: "k#" value: "v"} *17>)", kInvalid, "extra_params"},
    {"StartAuth", R"(extra_params {key: "k" value: "v"})", kParameter, "extra_params"},
    {"StartAuth", R"(extra_params {key: "state" value: "v"})", kParameter, "extra_params"},
    {"StartAuth", R"(extra_params {key: "STATE" value: "v"})", kParameter, "extra_params"},
    {"StartAuth", R"(extra_params {key: "hd&state" value: "v"})", kParameter, "extra_params"},
    {"StartAuth", R"(extra_params {key: "hd" value: "a"} extra_params {key: "hd" value: "b"})", kOk, ""},
    {"StartAuth", R"(extra_params {key: "hd" value: "a&state=forged#x"})", kOk, ""},
    {"StartAuth", R"(grant_id: "G")", kNoGrant, ""},
    {"StartAuth", R"(grant_id: "<g*64>")", kNoGrant, ""},
    {"StartAuth", R"(grant_id: "g" subject: "U")", kNoGrant, ""},
    {"StartAuth", R"(grant_id: "g" tenant: "other")", kNoGrant, ""},
    {"StartAuth", R"(grant_id: "g")", kOk, ""},
    {"StartAuth", R"(url_parts {key: "" value: "v"})", kInvalid, "url_parts"},
    {"StartAuth", R"(url_parts {key: "k" value: ""})", kInvalid, R"(url_parts["k"])"},
    {"StartAuth", R"(url_parts {key: "k" value: "v\000"})", kInvalid, R"(url_parts["k"])"},
    {"StartAuth", R"(url_parts {key: "k" value: "<v*254>"})", kInvalid, R"(url_parts["k"])"},
    {"StartAuth", R"(<url_parts {key: "k#" value: "v"} *9>)", kInvalid, "url_parts"},
    {"StartAuth", R"(url_parts {key: "domain" value: "evil.example"})", kInvalid, "url_parts"},

    {"CompleteAuth", R"(-callback_url)", kInvalid, "callback"},
    {"CompleteAuth", R"(tenant: "T")", kNoFlow, ""},
    {"CompleteAuth", R"(session_binding: "another-binding-")", kNoFlow, ""},
    {"CompleteAuth", R"(callback_url: "")", kInvalid, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=<s*16384>")", kInvalid, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=<s*16000>")", kNoFlow, ""},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=a b")", kInvalid, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=a\000")", kInvalid, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=\303\244")", kInvalid, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=%00")", kNoFlow, ""},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=%ff%fe")", kNoFlow, ""},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=%f")", kCallback, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb")", kCallback, "callback_url"},
    {"CompleteAuth", R"(callback_url: "state=unknown&code=c")", kCallback, "callback_url"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?code=c")", kCallback, "state"},
    {"CompleteAuth", R"(callback_url: "https://app.example/cb?state=a&state=a")", kCallback, "state"},
    {"CompleteAuth", R"(callback_parameters {})", kInvalid, "callback_parameters.parameters"},
    {"CompleteAuth", R"(callback_parameters {<parameters {name: "n#"} *65>})", kInvalid,
     "callback_parameters.parameters"},
    {"CompleteAuth", R"(callback_parameters {parameters {value: "v"}})", kInvalid,
     "callback_parameters.parameters[0].name"},
    {"CompleteAuth", R"(callback_parameters {parameters {name: "<n*257>"}})", kInvalid,
     "callback_parameters.parameters[0].name"},
    {"CompleteAuth", R"(callback_parameters {parameters {name: "a\000"}})", kInvalid,
     "callback_parameters.parameters[0].name"},
    {"CompleteAuth",
     R"(callback_parameters {parameters {name: "a"} parameters {name: "state" value: "s\n"}})", kInvalid,
     "callback_parameters.parameters[1].value"},
    {"CompleteAuth", R"(callback_parameters {parameters {name: "state" value: "<s*8193>"}})", kInvalid,
     "callback_parameters.parameters[0].value"},
    {"CompleteAuth", R"(callback_parameters {parameters {name: "code" value: "c"}})", kCallback, "state"},
    {"CompleteAuth", R"(callback_parameters {<parameters {name: "state" value: "s"} *2>})", kCallback,
     "state"},
    {"CompleteAuth", R"(callback_parameters {parameters {name: "state" value: "\342\200\256"}})", kNoFlow,
     ""},

    {"Refresh", R"(tenant: "T")", kNoGrant, ""},
    {"Refresh", R"(tenant: "t/../t")", kNoGrant, ""},
    {"Refresh", R"(subject: "U")", kNoGrant, ""},
    {"Refresh", R"(subject: "u ")", kNoGrant, ""},
    {"Refresh", R"(subject: "u\342\200\213")", kNoGrant, ""},
    {"Refresh", R"(grant_id: "G")", kNoGrant, ""},
    {"Refresh", R"(grant_id: "<g*64>")", kNoGrant, ""},
    {"Refresh", R"(min_ttl {})", kOk, ""},
    {"Refresh", R"(min_ttl {seconds: 86400})", kOk, ""},
    {"Refresh", R"(min_ttl {seconds: 86400 nanos: 1})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {seconds: -1})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {nanos: -1})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {nanos: 1000000000})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {seconds: 1 nanos: -1})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {seconds: 9223372036854775807})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {seconds: -9223372036854775808})", kInvalid, "min_ttl"},
    {"Refresh", R"(min_ttl {nanos: 2147483647})", kInvalid, "min_ttl"},
    {"Refresh", R"(rejected_generation: 2)", kInvalid, "rejected_generation"},  // was never issued
    {"Refresh", R"(rejected_generation: 18446744073709551615)", kInvalid, "rejected_generation"},

    {"GetStaticSecret", R"(tenant: "T")", kNoSecret, ""},
    {"GetStaticSecret", R"(tenant: "t/../t")", kNoSecret, ""},
    {"GetStaticSecret", R"(name: "BOT")", kNoSecret, ""},
    {"GetStaticSecret", R"(name: "b/../bot")", kNoSecret, ""},
    {"GetStaticSecret", R"(version: 2)", kNoVersion, ""},
    {"GetStaticSecret", R"(version: 18446744073709551615)", kNoVersion, ""},

    {"GetGrant", R"(tenant: "T")", kNoGrant, ""},
    {"GetGrant", R"(subject: "\342\200\256u")", kNoGrant, ""},
    {"GetGrant", R"(grant_id: "<g*64>")", kNoGrant, ""},

    {"RevokeGrant", R"(tenant: "T")", kNoGrant, ""},
    {"RevokeGrant", R"(subject: "\342\200\256u")", kNoGrant, ""},
    {"RevokeGrant", R"(grant_id: "<g*64>")", kNoGrant, ""},

    {"WatchGrants", R"(tenant: "T")", kOk, ""},  // told that there is no such grant
    {"WatchGrants", R"(-grants)", kInvalid, "grants"},
    {"WatchGrants", R"(grants {subject: "u" grant_id: "g"})", kInvalid, "grants[1]"},
    {"WatchGrants", R"(grants {subject: "U" grant_id: "g"})", kOk, ""},
    {"WatchGrants", R"(grants {grant_id: "g"})", kInvalid, "grants[1].subject"},
    {"WatchGrants", R"(grants {subject: "<u*257>" grant_id: "g"})", kInvalid, "grants[1].subject"},
    {"WatchGrants", R"(grants {subject: "u\r\nx: y" grant_id: "g"})", kInvalid, "grants[1].subject"},
    {"WatchGrants", R"(grants {subject: "u"})", kInvalid, "grants[1].grant_id"},
    {"WatchGrants", R"(grants {subject: "u" grant_id: "<g*65>"})", kInvalid, "grants[1].grant_id"},
    {"WatchGrants", R"(grants {subject: "u" grant_id: "g\000"})", kInvalid, "grants[1].grant_id"},
    {"WatchGrants", R"(grants {subject: "u" grant_id: "/g"})", kInvalid, "grants[1].grant_id"},
    {"WatchGrants", R"(<grants {subject: "u" grant_id: "n#"} *1023>)", kOk, ""},
    {"WatchGrants", R"(<grants {subject: "u" grant_id: "n#"} *1024>)", kInvalid, "grants"},

    {"PutStaticSecret", R"(-value)", kInvalid, "value"},
    {"PutStaticSecret", R"(value: "<v*65537>")", kInvalid, "value"},
    {"PutStaticSecret", R"(value: "<v*65536>")", kOk, ""},
    {"PutStaticSecret", R"(value: "\000\377\n")", kOk, ""},
    {"PutStaticSecret", R"(name: "<n*256>")", kOk, ""},
    {"PutStaticSecret", R"(provider: "unheard-of")", kNoProvider, "provider"},
    {"PutStaticSecret", R"(provider: "p")", kNotStatic, "provider"},
    {"PutStaticSecret", R"(provider: "discord")", kOk, ""},
    {"PutStaticSecret", R"(name: "first" expected_version: 0)", kOk, ""},
    {"PutStaticSecret", R"(name: "bot" expected_version: 0)", kOtherVersion, ""},
    {"PutStaticSecret", R"(name: "bot" expected_version: 18446744073709551615)", kOtherVersion, ""},

    {"DeleteStaticSecret", R"(tenant: "T" name: "bot")", kNoSecret, ""},
    {"DeleteStaticSecret", R"(name: "bot" expected_version: 0)", kOtherVersion, ""},
    {"DeleteStaticSecret", R"(name: "bot" expected_version: 18446744073709551615)", kOtherVersion, ""},

    {"ListStaticSecrets", R"(tenant: "T")", kOk, ""},
    {"ListGrants", R"(tenant: "T")", kOk, ""},
    {"ListGrants", R"(subject: "\342\200\256u")", kOk, ""},
    {"ListGrants", R"(provider: "unheard-of")", kOk, ""},

    {"AdoptStore", R"(-adoption)", kInvalid, "adoption"},
    {"AdoptStore", R"(adoption: STORE_ADOPTION_CLONE)", kOk, ""},
    {"AdoptStore", R"(-store_id)", kInvalid, "store_id"},
    {"AdoptStore", R"(store_id: "<f*31>")", kInvalid, "store_id"},
    {"AdoptStore", R"(store_id: "<f*33>")", kInvalid, "store_id"},
    {"AdoptStore", R"(store_id: "<f*31>\000")", kInvalid, "store_id"},
    {"AdoptStore", R"(store_id: "<f*31>\n")", kInvalid, "store_id"},

    {"Check", R"(service: "nobody.Service")", kNoService, "service"},
    {"Check", R"(service: "grantkeep.v1.AuthService\000")", kNoService, "service"},
    {"Check", R"(service: "<s*900>")", kNoService, "service"},
    {"Check", R"(service: "<s*1100>")", kTooLarge, ""},
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_RPC_HOSTILE_FIELDS_H_
