#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Runs the cases of tests/api/cases against a running service.

    http_cases.py [--through NAME] [--every N] BASE-URL FILE.json ...

A file is a list of cases; a case is run in a namespace of its own over one connection:

    {"name": "...",
     "each": [{"raw": "a%2Fb"}, ...]     once for each of these, {raw} standing for "a%2Fb"
     "unless": ["nginx"]                 not through these (see --through)
     "steps": [{"do": "PUT /api2/{ws}/{ns}/k",
                "as": "user"             a token of tokens() below; null for none
                "scheme": "Bearer "      what stands before it
                "with": {"If-Match": "*"}  fields, or a list of pairs where one comes twice
                "send": "text"           or {"fill": 2000} or {"hex": "00ff"} or {"json": ...}
                "chunked": true
                "expect": 204}, ...]}

"expect" is a status, or a list of them, or {"status": ..., and any of
    "text": "..." | "hex": "..." | "fill": 2000   the body
    "keys": ["a", "b"]                            a list: these keys, in this order, and their count
    "entries": [["a", "x"], ["b", ""]]            a list with metadata: these keys with these values, just written
    "holds": {"workspaces": "x"}                  a member that is a list has this
    "members": {"workspace": "..."}               of a JSON object, null for not there
    "of": "text"                                  the ETag is that of this value; null: there is none
    "fields": {"allow": "GET, HEAD"}              null: absent, "*": there
    "recent": true                                Last-Modified is a time of the last ten minutes
    "kept": true}                                 the connection is open afterwards

{ns}, {ws}, {ws2}, {fresh} and {md5:TEXT} stand for a namespace, two workspaces, one of the case's own, and a digest, {ab*n} for n times "ab".  What holds for every
answer is looked at in every step, see always().  A 400 of the web server itself, for a URI that it does not
take, counts where a 400 is expected; it is known by its HTML.

With --every N only the first of each N cases runs.  Prints a line for each failed step and ends with "N passed, N failed".  Python standard library only.
"""
import argparse
import base64
import datetime
import email.utils
import hashlib
import hmac
import http.client
import itertools
import json
import os
import re
import sys
import time
import urllib.parse
import uuid

SECRET = os.environ.get("HULY_TOKEN_SECRET", "secret")
WS = "5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f"
WS2 = "a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d"
DEFAULT_WS = "11111111-2222-3333-4444-555555555555"
SYSTEM = "1749089e-22e6-48de-af4e-165e18fbd2f9"
GUEST = "b6996120-416f-49cd-841e-e4a5d2e49c9b"
PERSON = "0b5e6a52-9a3c-4f0e-8d57-3c1f6f2e9b10"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def mint(claims, header=None, secret=SECRET, digest="sha256"):
    """A signed token.  claims: a dict, or JSON text as it is to stand there."""
    text = claims if isinstance(claims, str) else json.dumps(claims, separators=(",", ":"))
    header = json.dumps(header or {"typ": "JWT", "alg": "HS256"}, separators=(",", ":"))
    signed = base64url(header.encode()) + "." + base64url(text.encode())
    if digest is None:
        return signed + "."
    return signed + "." + base64url(hmac.new(secret.encode(), signed.encode(), digest).digest())


def filled_token(size):
    """A valid token of exactly that many bytes (nearly: base64 has its steps)."""
    claims = {"account": PERSON, "workspace": WS, "extra": {"service": ""}}
    spare = size - len(mint(claims))
    claims["extra"]["service"] = "s" * (spare * 3 // 4)
    return mint(claims)


def tokens():
    now = int(time.time())
    plain = {"account": PERSON, "workspace": WS, "extra": {"service": "tests"}}
    but = lambda **changed: mint({**plain, **changed})
    without = lambda member: mint({k: v for k, v in plain.items() if k != member})
    raw = lambda more: mint(json.dumps(plain)[:-1] + "," + more + "}")
    user = but()
    return {
        "user": user,
        "system": mint({"account": SYSTEM, "extra": {"service": "tests"}}),
        "service": mint('{"extra":{"service":"google-calendar"},"account":"%s"}' % SYSTEM),
        "system_here": mint({"account": SYSTEM, "workspace": WS}),
        "guest": but(account=GUEST), "other": but(workspace=WS2),
        # the workspace claim
        "no_ws": without("workspace"), "null_ws": but(workspace=None), "empty_ws": but(workspace=""),
        "bad_ws": but(workspace="here"), "num_ws": but(workspace=7), "arr_ws": but(workspace=[WS]),
        "upper_ws": but(workspace=WS.upper()), "hex_ws": but(workspace=WS.replace("-", "")),
        "braced_ws": but(workspace="{" + WS + "}"), "urn_ws": but(workspace="urn:uuid:" + WS),
        # the account claim
        "no_account": without("account"), "null_account": but(account=None), "empty_account": but(account=""),
        "bad_account": but(account="me"), "num_account": but(account=1),
        "upper_account": but(account=PERSON.upper()), "hex_account": but(account=PERSON.replace("-", "")),
        # extra
        "no_extra": without("extra"), "empty_extra": but(extra={}), "null_extra": but(extra=None),
        "num_extra": but(extra={"service": 1}), "bool_extra": but(extra={"admin": True}),
        "null_in_extra": but(extra={"service": None}), "nested_extra": but(extra={"a": {"b": "c"}}),
        "arr_extra": but(extra=["tests"]), "text_extra": but(extra="tests"),
        "more_extra": but(extra={"service": "x", "guest": "true"}),
        # registered claims
        "aud": but(aud="somebody"), "aud_list": but(aud=["somebody"]),
        "ignored": but(iss="x", sub="y", iat=now + 3600, grant={"any": ["thing"]}), "unknown": but(colour="red"),
        "exp_future": but(exp=now + 3600), "exp_past": but(exp=now - 3600), "exp_leeway": but(exp=now - 30),
        "exp_float": but(exp=now + 3600.5), "exp_past_float": but(exp=now - 3600.5),
        "exp_zero": but(exp=0), "exp_neg": but(exp=-1), "exp_string": but(exp="tomorrow"),
        "exp_numeric_string": but(exp=str(now + 3600)), "exp_null": but(exp=None), "exp_bool": but(exp=True),
        "exp_array": but(exp=[now + 3600]), "exp_far": but(exp=now + 10 ** 9), "exp_exponent": raw('"exp":4e9'),
        "nbf_past": but(nbf=now - 3600), "nbf_leeway": but(nbf=now + 30), "nbf_future": but(nbf=now + 3600),
        "nbf_string": but(nbf="now"),
        # the algorithm
        "hs384": mint(plain, {"typ": "JWT", "alg": "HS384"}, digest="sha384"),
        "hs512": mint(plain, {"typ": "JWT", "alg": "HS512"}, digest="sha512"),
        "alg_lower": mint(plain, {"typ": "JWT", "alg": "hs256"}), "alg_none": mint(plain, {"alg": "none"}, digest=None),
        "alg_none_signed": mint(plain, {"alg": "none"}), "alg_null": mint(plain, {"alg": None}),
        "alg_missing": mint(plain, {"typ": "JWT"}), "alg_rs256": mint(plain, {"typ": "JWT", "alg": "RS256"}),
        # the rest of the header
        "no_typ": mint(plain, {"alg": "HS256"}), "other_typ": mint(plain, {"alg": "HS256", "typ": "at+jwt"}),
        "kid": mint(plain, {"alg": "HS256", "typ": "JWT", "kid": "../../etc/passwd"}),
        # the signature and the shape
        "bad_sig": user[:-6] + "AAAAAA", "no_sig": user.rsplit(".", 1)[0] + ".", "wrong_key": mint(plain, secret="other"),
        "two_parts": user.rsplit(".", 1)[0], "four_parts": user + ".x", "padded": user + "=", "dot": ".", "dots": "..",
        "empty": "", "word": "token", "array": mint("[1]"), "number": mint("1"), "not_json": mint("account"),
        "null": mint("null"), "trailing": mint(json.dumps(plain) + "x"), "standard_base64": user.replace("-", "+") + "+/",
        # a claim twice: the last would be taken by some, the first by others
        "dup_ws": mint('{"account":"%s","workspace":"%s","workspace":"%s"}' % (PERSON, WS2, WS)),
        "dup_ws_same": mint('{"account":"%s","workspace":"%s","workspace":"%s"}' % (PERSON, WS, WS)),
        "dup_account": mint('{"account":"%s","account":"%s"}' % (PERSON, SYSTEM)),
        "dup_exp": raw('"exp":%d,"exp":%d' % (now - 3600, now + 3600)),
        "other_case": mint({"Account": PERSON, "workspace": WS}),
        # the size
        "long": filled_token(6000), "near_limit": filled_token(8180), "over_limit": filled_token(8500),
    }


class Failure(Exception):
    pass


def expand(value, names):
    """Puts names into every string of a JSON value; a string that is one name takes over its type."""
    if isinstance(value, dict):
        return {expand(k, names): expand(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [expand(v, names) for v in value]
    if not isinstance(value, str):
        return value
    if value[:1] == "{" and value[-1:] == "}" and value[1:-1] in names:
        return names[value[1:-1]]
    value = re.sub(r"\{([^{}*]+)\*([a-z]+)\}", lambda m: m[1] * names[m[2]], value)
    value = re.sub(r"\{([a-z_0-9]+)\}", lambda m: str(names.get(m[1], m[0])), value)
    return re.sub(r"\{md5:([^}]*)\}", lambda m: hashlib.md5(m[1].encode()).hexdigest(), value)


def body_of(send):
    if send is None:
        return None
    if isinstance(send, dict) and "json" in send:
        return json.dumps(send["json"], ensure_ascii=False).encode()
    if isinstance(send, dict):
        return b"x" * send["fill"] if "fill" in send else bytes.fromhex(send["hex"])
    return send.encode("latin-1")


class Answer:
    def __init__(self, response, connection):
        self.status = response.status
        self.fields = {}
        for name, value in response.getheaders():
            name = name.lower()
            self.fields[name] = self.fields[name] + ", " + value if name in self.fields else value
        self.body = response.read()
        self.kept = connection.sock is not None

    def field(self, name):
        return self.fields.get(name)

    def is_web_servers_own(self):
        return (self.field("content-type") or "").startswith("text/html")


def fields_of(step):
    fields = step.get("with", {})
    return list(fields.items()) if isinstance(fields, dict) else fields


class Runner:
    def __init__(self, base):
        url = urllib.parse.urlsplit(base)
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self.tokens = tokens()

    def ask(self, step):
        connection = self.connection
        method, path = step["do"].split(" ", 1)
        body = body_of(step.get("send"))
        connection.putrequest(method, path, skip_accept_encoding=True)
        if step.get("as", "user") is not None:
            token = self.tokens[step.get("as", "user")]
            connection.putheader("Authorization", step.get("scheme", "Bearer ") + token)
        for name, value in fields_of(step):
            connection.putheader(name, value)
        if step.get("chunked"):
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        try:
            if step.get("chunked"):
                for i in range(0, len(body), 5000):
                    connection.send(b"%x\r\n%b\r\n" % (len(body[i:i + 5000]), body[i:i + 5000]))
                connection.send(b"0\r\n\r\n")
            elif body:
                connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # an early answer is an answer
        return Answer(connection.getresponse(), connection)

    def run_case(self, case):
        self.connection.close()
        names = {"ns": "n" + uuid.uuid4().hex[:12], "ws": WS, "ws2": WS2, "default_ws": DEFAULT_WS, "fresh": str(uuid.uuid4())}
        names.update(case.get("names", {}))
        names = {k: expand(v, names) for k, v in names.items()}
        for number, step in enumerate(case["steps"], 1):
            step = expand(step, names)
            try:
                check(step, self.ask(step))
            except (Failure, OSError, http.client.HTTPException) as e:
                self.connection.close()
                raise Failure(f"step {number}, {step['do']}: {e or type(e).__name__}") from e


def require(condition, message):
    if not condition:
        raise Failure(message)


def same(what, got, want):
    require(got == want, f"{what} is {got!r}, not {want!r}"[:400])


def always(step, answer):
    """What every answer of the program keeps to."""
    method = step["do"].split(" ", 1)[0]
    sent = {k.lower(): v for k, v in fields_of(step)}
    if method == "HEAD" or answer.status in (204, 304):
        same("body", answer.body, b"")
    if answer.status in (204, 304):
        same("Content-Length", answer.field("content-length"), None)
    if answer.status == 401:
        same("WWW-Authenticate", answer.field("www-authenticate"), "Bearer")
    if answer.status == 405:
        require(answer.field("allow"), "405 without Allow")
    if answer.status == 503:
        same("Retry-After", answer.field("retry-after") is None, b"Outcome unknown" in answer.body)
    if answer.field("content-type") == "application/octet-stream":
        same("X-Content-Type-Options", answer.field("x-content-type-options"), "nosniff")
    if answer.status >= 400 and answer.body and "problem+json" not in sent.get("accept", "").lower():
        require((answer.field("content-type") or "").startswith("text/plain"), "a refusal that is not text/plain")
    origin = sent.get("origin")
    same("Access-Control-Allow-Origin", answer.field("access-control-allow-origin"), origin)
    if origin:
        same("Access-Control-Allow-Credentials", answer.field("access-control-allow-credentials"), "true")
        require("origin" in (answer.field("vary") or "").lower(), "an answer for one origin without Vary: Origin")
        if method != "OPTIONS":
            require("etag" in (answer.field("access-control-expose-headers") or "").lower(), "ETag is not exposed")


def check_entry(entry, key, value, with_value):
    data = value.encode("latin-1")
    same("key", entry.get("key"), key)
    same("size", entry.get("size"), len(data))
    same("etag", entry.get("etag"), '"%s"' % hashlib.md5(data).hexdigest())
    require(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry.get("modified") or ""), f"modified is {entry.get('modified')!r}")
    age = time.time() - datetime.datetime.fromisoformat(entry["modified"].replace("Z", "+00:00")).timestamp()
    require(-5 < age < 600, f"modified is {age} s ago")
    same("value", entry.get("value"), base64.b64encode(data).decode() if with_value else None)


def check_entries(step, wanted, got):
    same("the number of entries", len(got["entries"]), len(wanted))
    same("count", got.get("count"), len(wanted))
    for (key, value), entry in zip(wanted, got["entries"]):
        check_entry(entry, key, value, "include=values" in step["do"])


def check_json(step, expect, answer):
    same("Content-Type", answer.field("content-type"), expect.get("type", "application/json"))
    value = json.loads(answer.body)
    if "keys" in expect:
        same("keys", value.get("keys"), expect["keys"])
        same("count", value.get("count"), len(expect["keys"]))
    if "entries" in expect:
        check_entries(step, expect["entries"], value)
    for name, want in expect.get("holds", {}).items():
        require(want in value.get(name, []), f'"{name}" does not have {want!r}')
    for name, want in expect.get("members", {}).items():
        same(f'member "{name}"', value.get(name), want)


def check(step, answer):
    expect = step["expect"]
    if not isinstance(expect, dict):
        expect = {"status": expect}
    statuses = expect["status"] if isinstance(expect["status"], list) else [expect["status"]]
    require(answer.status in statuses, f"status {answer.status}, not {expect['status']}; body {answer.body[:100]!r}")
    if answer.status == 400 and answer.is_web_servers_own():
        return
    always(step, answer)
    if "text" in expect:
        same("body", answer.body, expect["text"].encode("latin-1"))
    if "hex" in expect:
        same("body", answer.body.hex(), expect["hex"])
    if "fill" in expect:
        require(answer.body == b"x" * expect["fill"], f"body of {len(answer.body)} bytes, not {expect['fill']} x")
    if not {"keys", "entries", "holds", "members"}.isdisjoint(expect):
        check_json(step, expect, answer)
    if "of" in expect:
        tag = None if expect["of"] is None else '"%s"' % hashlib.md5(expect["of"].encode("latin-1")).hexdigest()
        same("ETag", answer.field("etag"), tag)
    for name, want in expect.get("fields", {}).items():
        got = answer.field(name)
        require(got is not None if want == "*" else got == want, f"{name} is {got!r}, not {want!r}")
    if "recent" in expect:
        text = answer.field("last-modified") or ""
        require(re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", text), f"Last-Modified is {text!r}")
        require(0 <= time.time() - email.utils.parsedate_to_datetime(text).timestamp() < 600, f"Last-Modified is {text}")
    if "kept" in expect:
        same("connection kept", answer.kept, expect["kept"])


def cases_of(path, through):
    with open(path, encoding="utf-8") as f:
        for case in json.load(f):
            if through in case.get("unless", []):
                continue
            for names in case.get("each", [{}]):
                if through in names.get("unless", []):
                    continue
                label = case["name"] + (": " + ", ".join(str(v)[:60] for k, v in names.items() if k != "unless") if names else "")
                yield label, {**case, "names": {**case.get("names", {}), **names}}


def main():
    parser = argparse.ArgumentParser(description="plays HTTP cases against a running service")
    parser.add_argument("--through", default="", help="what stands between: nginx, lighttpd or cgi")
    parser.add_argument("base")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--every", type=int, default=1, help="run the first of each N cases only")
    options = parser.parse_args()
    runner = Runner(options.base)
    passed = failed = 0
    for path in options.files:
        for label, case in itertools.islice(cases_of(path, options.through), 0, None, options.every):
            try:
                runner.run_case(case)
                passed += 1
            except Failure as e:
                failed += 1
                print(f"{os.path.basename(path)}: {label}: {e}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
