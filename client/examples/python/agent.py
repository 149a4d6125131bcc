# SPDX-License-Identifier: Apache-2.0
"""An agent that acts for a user: signs them in once, then calls an API with tokens from Grantkeep.

See ../README.md for how to run it.
"""
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
import webbrowser

try:
    import grpc
    from calls import ServiceError, call
    from grantkeep.v1 import auth_pb2 as pb
    from grantkeep.v1 import auth_pb2_grpc
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}: install python3-grpcio and python3-protobuf, run make_stubs.sh OUT first, "
             "and set PYTHONPATH=OUT")
from callback import CallbackListener, pasted_callback
from options import parse


class ApiError(Exception):
    pass


class Agent:
    def __init__(self, auth, options):
        self.auth = auth
        self.options = options

    def sign_in(self, grant_id=""):
        """Has the user sign in and returns the id of the grant. Keep it: it is no secret. With the id of a
        grant that needs a sign-in (NEEDS_REAUTH), that grant gets the new tokens and keeps its id."""
        # The session binding ties the sign-in to the one browser session that began it. This program
        # is that session, so a variable will do. In a web application, keep it on the server in the
        # user's session (the one that the session cookie names), never in a URL or a page.
        binding = os.urandom(32)
        with CallbackListener() as listener:
            redirect_uri = "http://127.0.0.1/callback" if self.options.paste else listener.redirect_uri
            flow = call(self.auth.StartAuth, pb.StartAuthRequest(
                tenant=self.options.tenant, provider=self.options.provider, subject=self.options.subject,
                redirect_uri=redirect_uri, session_binding=binding, grant_id=grant_id,
                url_parts=dict(self.options.url_part)), self.options.timeout, repeatable=True)
            print(f"To sign in, open this in your browser:\n\n  {flow.authorization_url}\n", flush=True)
            if self.options.paste:
                callback_url = pasted_callback(redirect_uri, flow.state)
            else:
                if not self.options.no_browser:
                    webbrowser.open(flow.authorization_url)
                callback_url = listener.wait(flow.state, max(0, flow.expire_time.seconds - time.time()))
        # Not repeatable: the code is good for one use and the flow for one CompleteAuth. If this
        # fails, begin again with StartAuth. It waits for the provider, hence the longer limit.
        grant = call(self.auth.CompleteAuth, pb.CompleteAuthRequest(
            tenant=self.options.tenant, callback_url=callback_url, session_binding=binding), 30).grant
        print(f"grant: {grant.grant_id}", flush=True)
        return grant.grant_id

    def token(self, grant_id, rejected_generation=0):
        """An access token that is good now. Cheap: ask before each use, do not keep it."""
        return call(self.auth.Refresh, pb.RefreshRequest(
            tenant=self.options.tenant, subject=self.options.subject, grant_id=grant_id,
            rejected_generation=rejected_generation), self.options.timeout, repeatable=True)

    def call_api(self, grant_id):
        """What the API says. If it refuses the token (revoked early, for example), Grantkeep is told
        which generation that was and gives a newer one, or says NEEDS_REAUTH."""
        token = self.token(grant_id)
        status, body = get(self.options.api, token)
        if status == 401:
            token = self.token(grant_id, rejected_generation=token.generation)
            status, body = get(self.options.api, token)
        if status != 200:
            raise ApiError(f"{self.options.api} answered with status {status}")
        return body

    def run(self):
        grant_id = self.options.grant or self.sign_in()
        try:
            answer = self.call_api(grant_id)
        except ServiceError as error:
            if error.reason not in ("NEEDS_REAUTH", "GRANT_NOT_FOUND"):
                raise
            what = f"no grant {grant_id} of subject {self.options.subject}: " if error.reason == "GRANT_NOT_FOUND" else ""
            print(f"{error.reason}: {what}the user must sign in again", flush=True)
            answer = self.call_api(self.sign_in(grant_id if error.reason == "NEEDS_REAUTH" else ""))
        print(f"the API says: {answer}")
        if self.options.secret:
            self.show_secret()

    def show_secret(self):
        secret = call(self.auth.GetStaticSecret, pb.GetStaticSecretRequest(
            tenant=self.options.tenant, name=self.options.secret), self.options.timeout, repeatable=True)
        # secret.value is the secret itself.
        print(f"secret {self.options.secret}: version {secret.version}, {len(secret.value)} bytes")
        if secret.header_name:  # it was stored for a provider, which wants it sent like this
            print(f'  for the header "{secret.header_name}: {secret.header_value_prefix}..."')


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Python would send the token along to wherever the API redirects."""

    def redirect_request(self, *_):
        return None


HTTP = urllib.request.build_opener(NoRedirects)


def get(url, token):
    """Status and body of GET `url` with an access token (RFC 6750 section 2.1)."""
    try:
        request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token.access_token})
        with HTTP.open(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ApiError(f"cannot GET {url}: {getattr(error, 'reason', error)}") from None


def explain(error):
    if error.code == grpc.StatusCode.UNAVAILABLE and not error.reason:
        return f"no answer from Grantkeep; is it running? ({error})"
    lines = [f"{error.code.name} {error.reason}: {error}"]
    lines += [f"  field {name}: {description}" for name, description in error.fields]
    return "\n".join(lines)


def main():
    options = parse(__doc__.splitlines()[0])
    # One channel for the life of the program: connecting costs more than calling. It is plaintext,
    # for the unix socket or loopback only; a proxy has no business there.
    with grpc.insecure_channel(options.address, [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            Agent(auth_pb2_grpc.AuthServiceStub(channel), options).run()
        except ServiceError as error:
            sys.exit(explain(error))
        except (ApiError, EOFError, OSError) as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
