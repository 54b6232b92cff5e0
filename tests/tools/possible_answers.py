# SPDX-License-Identifier: EPL-2.0
"""A script of requests over all routes, and which answers are possible after the answers before: see failpoints.py.

HULY_TOKEN_SECRET has to be in the environment before this is imported.  Python standard library only.
"""
import base64
import collections
import hashlib
import json
import urllib.parse

import http_cases
from fcgi_peer import Closed, Peer, environment

OPERATOR = {"HULYKVS_OPERATOR": "1"}
V2, V1 = "/api2/" + http_cases.WS + "/", "/api/"
LONG_LIST = 2000  # keys, so that the list comes in pieces


class Request:
    def __init__(self, method, uri, body=None, fields=None, key=None, want=None, token="good", env=None):
        self.method, self.uri, self.body, self.fields, self.key = method, uri, body, fields or {}, key
        self.want, self.token, self.env = want, token, env or {}

    def changes(self):
        return self.key is not None and self.method in ("PUT", "POST", "DELETE")


def cursor_of(key):
    return "k" + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(cursor):
    return base64.urlsafe_b64decode(cursor[1:] + "=" * (-len(cursor[1:]) % 4)).decode()


def etag(value):
    return '"' + hashlib.md5(value).hexdigest() + '"'


def outcome(request, old):
    """(status, value afterwards) of a request for a key that holds `old`."""
    version, match = (2 if request.uri.startswith(V2) else 1), request.fields.get("If-Match")
    if request.method in ("GET", "HEAD"):
        if old is None:
            return 404, old
        return (304 if request.fields.get("If-None-Match") == etag(old) else 200), old
    if request.method == "DELETE":
        if old is None:
            return (404 if match is None else 412), old
        return (204, None) if match in (None, etag(old)) else (412, old)
    if version == 2 and request.fields.get("If-None-Match") == "*":
        return (412, old) if old is not None else (201, request.body)
    if match is not None and (old is None or not match.endswith(etag(old))):
        return 412, old
    return 204, request.body


class Script:
    """One pass over the routes, in keys of its own; `may` holds what each may be by now."""

    def __init__(self, program, number):
        self.program, self.number, self.wrongs = program, number, []
        self.may = collections.defaultdict(lambda: {None})
        self.late = collections.defaultdict(set)  # what a write of unknown outcome may still make of it
        self.writes = []  # (key, value, least, most times)
        self.failures = 0  # answers that a fault explains
        self.ns = f"s{number}"
        claims = {"account": http_cases.PERSON, "workspace": http_cases.WS, "extra": {"service": f"n{number}"}}
        # Tokens of this script alone: each is verified anew.
        self.tokens = {"good": http_cases.mint(claims), "none": None, "bad": http_cases.mint(claims, secret="another"),
                       "odd": http_cases.mint(claims, {"typ": "odd", "alg": "HS256"}), "cut": http_cases.mint(claims)[:-20],
                       "other": http_cases.mint({**claims, "workspace": http_cases.WS2})}

    def uri(self, key, version=2):
        return (V2 if version == 2 else V1) + f"{self.ns}/{self.ns}-{urllib.parse.quote(key)}"

    def keyed(self, method, key, body=None, fields=None, version=2):
        return Request(method, self.uri(key, version), body, fields, f"{self.ns}-{key}")

    def requests(self):
        value = lambda text: f"{self.number} {text}".encode()
        large = value("large") * 30000
        yield Request("GET", "/status", want=200, token="none")
        yield Request("GET", "/livez?verbose", want=200, token="none")
        yield Request("GET", "/readyz?verbose", want=200, token="none")
        yield Request("GET", "/metrics", want=200, token="none", env=OPERATOR)
        yield Request("OPTIONS", self.uri("a"), fields={"Origin": "http://a", "Access-Control-Request-Method": "PUT"}, want=204)
        for token, status in (("none", 401), ("bad", 401), ("cut", 401), ("other", 403), ("odd", 200)):
            yield Request("GET", f"{V2}{self.ns}", want=status, token=token)
        yield self.keyed("PUT", "a", value("first"))
        yield self.keyed("GET", "a")
        yield self.keyed("HEAD", "a")
        yield self.keyed("GET", "a", fields={"If-None-Match": etag(value("first"))})
        yield self.keyed("PUT", "a", value("second"), {"If-Match": '"x", "y", ' + etag(value("first"))})
        yield self.keyed("PUT", "a", value("third"), {"If-Match": etag(value("first"))})
        yield self.keyed("PUT", "b é", value("new"), {"If-None-Match": "*"})
        yield self.keyed("PUT", "b é", value("newer"), {"If-None-Match": "*"})
        yield self.keyed("PUT", "c", large)
        yield self.keyed("GET", "c")
        yield self.keyed("POST", "d", value("v1"), version=1)
        yield self.keyed("GET", "d", version=1)
        yield self.keyed("DELETE", "b é", fields={"If-Match": etag(value("no"))})
        yield self.keyed("DELETE", "b é", fields={"If-Match": etag(value("new"))})
        yield self.keyed("DELETE", "b é")
        yield self.keyed("PUT", "b é", value("again"))
        yield self.keyed("GET", "absent")
        yield Request("GET", V2 + self.ns, want="list")
        yield Request("GET", f"{V2}{self.ns}?pre%66ix={self.ns}%2Da&limit=5", want="list")
        yield Request("GET", f"{V2}{self.ns}?limit=1", want="list")
        yield Request("GET", f"{V2}{self.ns}?limit=2&cursor={cursor_of(self.ns + '-a')}", want="list")
        yield Request("GET", V2 + "long", want="list")
        yield Request("GET", V2 + "bad%zz/key", want=400, fields={"Accept": "application/problem+json"})
        yield Request("PATCH", self.uri("a"), want=405)
        yield Request("PUT", self.uri("too-large"), b"x" * 2_000_001, want=413)
        yield self.keyed("DELETE", "d", version=1)

    def send(self, peer, request):
        fields = dict(request.fields)
        if self.tokens[request.token]:
            fields["Authorization"] = "Bearer " + self.tokens[request.token]
        env = environment(request.method, request.uri, None if request.body is None else len(request.body), fields)
        peer.begin(1, keep=True)
        peer.params(1, {**env, **request.env})
        peer.stdin(1, request.body or b"")

    def ask(self, request):
        """The answer; None where the connection ended without one."""
        try:
            with Peer(self.program.socket, 8) as p:
                self.send(p, request)
                return p.read_answer(1)
        except (Closed, ConnectionError):
            return None
        except TimeoutError:
            self.wrong(request, "no answer in time")
            return None

    def burst(self):
        """Many at once, so that they share statements: they are sent before any of them is answered."""
        for method in ("PUT", "GET"):
            peers, requests = [], []
            for i in range(8):
                requests.append(self.keyed(method, f"z{i}", f"{self.number} burst {i}".encode() if method == "PUT" else None))
                try:
                    peers.append(Peer(self.program.socket, 8))
                    self.send(peers[-1], requests[-1])
                except ConnectionError:
                    pass
            for request, peer in zip(requests, peers):
                try:
                    answer = peer.read_answer(1)
                except (Closed, ConnectionError):
                    answer = None
                except TimeoutError:
                    self.wrong(request, "no answer in time")
                    answer = None
                peer.close()
                self.judge(request, answer)

    def wrong(self, request, what):
        self.wrongs.append(f"{request.method} {request.uri[:80]} {list(request.fields.items())[:1]}: {what}")

    def run_script(self):
        for request in self.requests():
            self.judge(request, self.ask(request))
        self.burst()

    def judge(self, request, answer):
        if answer is not None and answer.status < 500 and answer.protocol_status != 0:
            self.wrong(request, "the answer is not complete")
        if request.key is not None:
            self.judge_key(request, answer)
        elif answer is None or answer.status in (500, 503):
            self.failures += 1
        elif request.want == "list":
            self.judge_list(request, answer)
        elif answer.status != request.want:
            self.wrong(request, f"{answer.status} {answer.body[:60]}")

    def judge_key(self, request, answer):
        may = {old: outcome(request, old) for old in self.may[request.key]}
        if answer is None or answer.status == 500 or b"Outcome unknown" in answer.body and answer.status == 503:
            self.failures += 1
            self.late[request.key] |= {new for _, new in may.values()}
            self.may[request.key] |= self.late[request.key]
            self.note(request, 0, 1 if any(new != old for old, (_, new) in may.items()) else 0)
            if answer is not None and answer.status == 503 and not request.changes():
                self.wrong(request, "nobody needs to know the outcome of a read")
        elif answer.status == 503:
            self.failures += 1
            if "retry-after" not in answer.headers:
                self.wrong(request, "no Retry-After")
            self.note(request, 0, 0)
        else:
            fits = {old: new for old, (status, new) in may.items()
                    if status == answer.status and self.right_body(request, answer, old)}
            if not fits:
                self.wrong(request, f"{answer.status} {answer.body[:40]}, may be {[s for s, _ in may.values()]}")
                fits = {old: new for old, (_, new) in may.items()}
            elif request.changes() and answer.status in (201, 204):
                self.note(request, 1, 1)
                self.late[request.key].clear()  # whoever writes ends what went before
            self.may[request.key] = set(fits.values()) | self.late[request.key]

    def note(self, request, least, most):
        if request.changes():
            self.writes.append((request.key, request.body, least, most))

    def right_body(self, request, answer, old):
        if answer.status != 200 or not request.method == "GET":
            return True
        tagged = not request.uri.startswith(V2) or answer.headers.get("etag") == etag(old)
        return answer.body == old and tagged and answer.headers.get("content-length") == str(len(old))

    def judge_list(self, request, answer):
        if answer.status != 200:
            self.wrong(request, f"{answer.status} {answer.body[:60]}")
            return
        try:
            found = json.loads(answer.body)
        except ValueError:
            self.wrong(request, f"no JSON: {answer.body[-60:]}")
            return
        path, _, query = request.uri.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path.endswith("/long"):
            if found["keys"] != [f"long-{i:06}" for i in range(LONG_LIST)] or found["count"] != LONG_LIST:
                self.wrong(request, f"a long list of {len(found['keys'])}")
            return
        after = key_of(query["cursor"]) if "cursor" in query else ""
        is_listed = lambda key: key > after and key.startswith(query.get("prefix", ""))
        sure = sorted(k for k, may in self.may.items() if None not in may and is_listed(k) and not self.is_v1(k))
        maybe = {k for k, may in self.may.items() if may != {None} and is_listed(k) and not self.is_v1(k)}
        limit = int(query.get("limit", 1000))
        keys = found["keys"]
        if found["count"] != len(keys) or keys != sorted(keys) or not set(keys) <= maybe or len(keys) > limit:
            self.wrong(request, f"a list of {keys}, may be {sorted(maybe)}")
        elif not found.get("cursor") and not set(sure) <= set(keys):
            self.wrong(request, f"a list of {keys}, without some of {sure}")
        elif found.get("cursor") and (len(keys) < limit or key_of(found["cursor"]) != keys[-1]):
            self.wrong(request, f"a cursor {found['cursor']} behind {keys}")

    def is_v1(self, key):
        return key == f"{self.ns}-d"
