# SPDX-License-Identifier: EPL-2.0
"""A small HTTP/1.1 client for tests that send many requests: keep-alive, one request at a time, little overhead.

    with Connection("http://127.0.0.1:8094", token) as c:
        answer = c.ask("PUT", "/api/ns/key", b"value", {"If-Match": "*"})
        answer.status, answer.fields["retry-after"], answer.body

Python standard library only.
"""
import socket
import urllib.parse

import http_cases

WS = http_cases.WS


def token():
    return http_cases.tokens()["user"]


class NotAsked(Exception):
    """The connection could not be made, so nothing has been asked."""


class NoAnswer(Exception):
    """The connection ended, or time was up, before there was a whole answer."""


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def is_unknown(self):
        """Whether a write may have been carried out."""
        return self.status in (502, 504) or (self.status == 503 and b"Outcome unknown" in self.body)


class Connection:
    def __init__(self, base, bearer, timeout=60):
        url = urllib.parse.urlsplit(base)
        self.address, self.bearer, self.timeout = (url.hostname, url.port), bearer, timeout
        self.host = f"{url.hostname}:{url.port}"
        self.socket, self.rest, self.used = None, b"", False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket, self.rest = None, b""

    def connect(self):
        try:
            self.socket = socket.create_connection(self.address, self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as e:
            raise NotAsked(str(e)) from e

    def ask(self, method, path, body=None, fields=None):
        if self.socket is None:
            self.connect()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        if self.bearer:
            lines.append(f"Authorization: Bearer {self.bearer}")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        try:
            self.socket.sendall("\r\n".join(lines + ["", ""]).encode() + (body or b""))
            return self.read_answer(method)
        except (OSError, NoAnswer) as e:
            self.close()
            raise NoAnswer(str(e) or type(e).__name__) from e

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise NoAnswer("the connection ended")
        self.rest += data

    def read_answer(self, method):
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            self.more()
        head, self.rest = self.rest[:end].decode("latin-1").split("\r\n"), self.rest[end + 4:]
        status = int(head[0].split(" ", 2)[1])
        fields = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        body = b""
        if method != "HEAD" and status not in (204, 304):
            body = self.read_chunks() if fields.get("transfer-encoding") == "chunked" else self.read_body(fields)
        if fields.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, fields, body)

    def read_body(self, fields):
        n = int(fields["content-length"])
        while len(self.rest) < n:
            self.more()
        body, self.rest = self.rest[:n], self.rest[n:]
        return body

    def read_chunks(self):
        body = b""
        while True:
            while (end := self.rest.find(b"\r\n")) < 0:
                self.more()
            n = int(self.rest[:end].split(b";")[0], 16)
            while len(self.rest) < end + 2 + n + 2:
                self.more()
            body += self.rest[end + 2:end + 2 + n]
            self.rest = self.rest[end + 2 + n + 2:]
            if n == 0:
                return body
