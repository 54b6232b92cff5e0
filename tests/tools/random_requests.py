#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Generated HTTP requests: none is answered with 5xx.

    random_requests.py [--seed N] [--clients N] BASE-URL REQUESTS

Methods, paths, escapes, queries, fields, conditions, tokens and bodies are put together at random, mostly of what
is nearly right.  Every request gets an answer, unless the web server closes a connection on one that is no HTTP.
Prints the answers by status, and the seed, with which the same requests come again.
"""
import argparse
import collections
import hashlib
import random
import sys
import threading

import http1
import http_cases

METHODS = ["GET"] * 20 + ["PUT"] * 25 + ["DELETE"] * 8 + ["HEAD"] * 4 + ["POST"] * 10 + [
    "OPTIONS", "PATCH", "PROPFIND", "LOCK", "get", "Put", "QUERY", "X-Y", "A" * 40, "TRACE", "PURGE", "_", "M-SEARCH"]
BYTES = [b"a", b"B", b"0", b"-", b".", b"_", b"~", b"%", b"%%", b"%2", b"%zz", b"%2F", b"%2f", b"%00", b"%0a", b"%0D%0A",
         b"%25", b"%20", b"%3F", b"%23", b"%5C", b"%C3%A4", b"%c3", b"%FF", b"%ED%A0%80", b"%F0%9F%98%80", b"%F5%80%80%80",
         b"%C0%AF", b"+", b"*", b"'", b'"', b"<", b"|", b"\\", b"^", b"{", b"}", b";", b"=", b"&", b",", b":", b"@", b"!", b"$", b"(",
         b"\xc3\xa4", b"\xff", b"\x80", b"\xf0\x9f\x98\x80"]
SEGMENTS = [b"", b".", b"..", b"%2e%2e", b"%2E", b"api", b"api2", b"API", b"status", b"livez", b"readyz", b"kvs"]
WORKSPACES = [http_cases.WS] * 40 + [http_cases.WS2, http_cases.DEFAULT_WS, http_cases.WS.upper(), http_cases.WS[:-1], http_cases.WS + "0", "x", "", "%20",
                              http_cases.WS.replace("-", ""), "{" + http_cases.WS + "}", "00000000-0000-0000-0000-000000000000"]
QUERIES = [b"prefix=", b"prefix=a", b"limit=1", b"limit=-1", b"limit=99999999999999999999", b"prefix", b"=", b"&", b"&&",
           b"prefix=%", b"prefix=%zz", b"prefix=%00", b"prefix=%ff", b"prefix=a&prefix=b", b"x=y", b"prefix=%C3%A4", b"?", b"a" * 500]
NAMES = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range", "Accept", "Accept-Encoding",
         "Accept-Language", "Origin", "Content-Type", "Content-Encoding", "Cookie", "X-Request-Id", "traceparent", "tracestate",
         "Access-Control-Request-Method", "Access-Control-Request-Headers", "User-Agent", "Referer", "X-Forwarded-For", "Proxy",
         "X-HTTP-Method-Override", "Cache-Control", "Pragma", "Prefer", "Want-Digest", "Content-MD5", "Digest", "X_under_score",
         "Content-Range", "TE", "DNT", "X-" + "n" * 200, "Upgrade-Insecure-Requests"]
VALUES = ["", "*", '"', '""', '"a"', 'W/"a"', 'W/', "a", ",", ", ,", '"a", "b"', '"a""b"', '"a" "b"', '*, "a"', '"' + "f" * 32 + '"',
          "bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=0-0,2-3", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Feb 2200 25:61:61 GMT",
          "application/problem+json", "application/json;q=0", "*/*;q=x", "http://example.org", "null", "gzip", "identity;q=0",
          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-00", "xx" * 60,
          "\x80\xff", "\t", "a\tb", "x" * 3000, '"' + "e" * 5000 + '"', ",".join(['"%032x"' % i for i in range(100)]), "-1", "1e9"]
SCHEMES = ["Bearer "] * 80 + ["bearer ", "BEARER  ", "Bearer", "Basic ", "", "Bearer\t", "Bearer Bearer ", "Token "]
SIZES = [0] * 3 + [1, 2, 10, 100, 1000] * 4 + [65535, 65536, 65537, 70000, 300_000]
LARGE = [1_999_999, 2_000_000, 2_000_001, 3_000_000]
TOKENS = http_cases.tokens()


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = [b""]

    def of(self, *choices):
        return self.random.choice(choices)()

    def word(self, longest):
        return b"".join(self.random.choices(BYTES, k=self.random.randrange(longest)))

    def segment(self):
        return self.of(lambda: self.random.choice(SEGMENTS), lambda: self.word(12), lambda: b"k%d" % self.random.randrange(50),
                       lambda: b"k%d" % self.random.randrange(50), lambda: self.word(4000 if self.random.random() < 0.02 else 3))

    def target(self):
        workspace = self.random.choice(WORKSPACES).encode()
        path = self.of(lambda: b"/api2/" + workspace + b"/random/" + self.segment(),
                       *[lambda: b"/api2/" + workspace + b"/random/k%d" % self.random.randrange(50)] * 5,
                       lambda: b"/api2/" + workspace + b"/random",
                       lambda: b"/api/random/" + self.segment(),
                       lambda: b"/api/random",
                       lambda: b"/api2/" + workspace + b"/" + self.segment() + b"/" + self.segment(),
                       lambda: b"/" + b"/".join(self.segment() for _ in range(self.random.randrange(6))),
                       lambda: self.random.choice([b"/status", b"/livez", b"/readyz", b"/", b"//", b"*", b"http://x/status",
                                                   b"http://x/api2/" + workspace + b"/random/k1"]))
        if self.random.random() < 0.25:
            path += b"?" + b"&".join(self.random.choices(QUERIES, k=self.random.randrange(1, 4)))
        # What would end the request line is no part of a path.
        return path.replace(b" ", b"%20")

    def value(self):
        known = '"%s"' % hashlib.md5(self.random.choice(self.values)).hexdigest()
        return self.random.choice(VALUES + [known] * 15 + [known + ', "x"', "W/" + known, known.upper()])

    def fields(self):
        out = []
        if self.random.random() < 0.97:
            token = TOKENS["user"] if self.random.random() < 0.9 else self.random.choice(list(TOKENS.values()))
            out.append(("Authorization", self.random.choice(SCHEMES) + token))
        if self.random.random() < 0.3:
            out.append((self.random.choice(["If-Match", "If-None-Match"]), self.value()))
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2, 3, 6])):
            out.append((self.random.choice(NAMES), self.value()))
        return out

    def body(self):
        if self.random.random() < 0.5:
            return None
        size = self.random.choice(LARGE if self.random.random() < 0.01 else SIZES)
        body = self.random.randbytes(min(size, 4096)) * (size // 4096 + 1)
        self.values = self.values[-20:] + [body[:size]]
        return body[:size]

    def request(self):
        """(method, the bytes)"""
        method, body = self.random.choice(METHODS), self.body()
        fields = self.fields()
        if body is None and method in ("PUT", "POST") and self.random.random() < 0.8:
            body = b"v%d" % self.random.randrange(9)
            self.values = self.values[-20:] + [body]
        chunked = body is not None and self.random.random() < 0.1
        if chunked:
            fields.append(("Transfer-Encoding", "chunked"))
            size = self.random.randrange(1, 5000)
            body = b"".join(b"%x\r\n%b\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size)) + b"0\r\n\r\n"
        elif body is not None:
            fields.append(("Content-Length", str(len(body))))
        self.random.shuffle(fields)
        head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in [("Host", "random"), *fields])
        return method, b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), self.target(), head, body or b"")


class Client(threading.Thread):
    def __init__(self, options, number):
        super().__init__(daemon=True)
        self.generator = Generator(f"{options.seed} {number}")
        self.connection = http1.Connection(options.base, None)
        self.n = options.requests // options.clients
        self.count, self.wrong = collections.Counter(), []

    def run(self):
        for _ in range(self.n):
            method, data = self.generator.request()
            try:
                status = self.ask(method, data)
            except (OSError, ValueError, http1.NoAnswer, http1.NotAsked) as e:
                self.connection.close()
                status = "none"
                self.wrong.append(f"no answer ({type(e).__name__} {e}): {data[:400]!r}")
            self.count[status] += 1
            if status != "none" and status >= 500:
                self.wrong.append(f"{status}: {data[:400]!r}")

    def ask(self, method, data):
        if self.connection.socket is None:
            self.connection.connect()
        try:
            self.connection.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # an early answer is an answer
        return self.connection.read_answer(method).status


def main():
    parser = argparse.ArgumentParser(description="generated HTTP requests")
    parser.add_argument("--seed", default=str(random.randrange(1 << 32)))
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("base")
    parser.add_argument("requests", type=int)
    options = parser.parse_args()
    clients = [Client(options, n) for n in range(options.clients)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    count = sum((c.count for c in clients), collections.Counter())
    wrong = [w for c in clients for w in c.wrong]
    print(f"{sum(count.values())} random requests, seed {options.seed}:",
          ", ".join(f"{n} of {status}" for status, n in sorted(count.items(), key=str)))
    print(*wrong[:20], sep="\n", end="")
    return 1 if wrong or sum(count.values()) < options.requests // options.clients * options.clients else 0


if __name__ == "__main__":
    sys.exit(main())
