# SPDX-License-Identifier: EPL-2.0
"""A FastCGI web server's side of one connection, down to single records.

    with Peer("/run/x.sock") as p:
        answer = p.ask("GET", "/status")            # a whole request
        p.begin(7); p.params(7, {...}); p.stdin(7, b"half")    # or piece by piece
        p.send(b"any bytes at all")

Python standard library only.
"""
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT, UNKNOWN = range(1, 12)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3


def record(kind, request, content=b"", padding=0, version=1):
    """One record; content may be at most 65,535 bytes."""
    return struct.pack("!BBHHBx", version, kind, request, len(content), padding) + content + b"\0" * padding


def length(n):
    return bytes([n]) if n < 128 else struct.pack("!I", n | 0x80000000)


def pairs(params):
    """Name-value pairs; params is a dict or a list of pairs, so that a name can come twice."""
    out = b""
    for name, value in params.items() if isinstance(params, dict) else params:
        name, value = (x.encode("utf-8", "surrogateescape") if isinstance(x, str) else x for x in (name, value))
        out += length(len(name)) + length(len(value)) + name + value
    return out


def stream(kind, request, data, end=True, chunk=65528):
    """A stream's records; an empty one ends it."""
    out = b"".join(record(kind, request, data[i:i + chunk]) for i in range(0, len(data), chunk))
    return out + (record(kind, request) if end else b"")


def environment(method, uri, body_length=None, headers=None):
    """What the web servers of deploy/ send, and no more."""
    env = {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": method,
           "REQUEST_URI": uri, "CONTENT_LENGTH": "" if body_length is None else str(body_length)}
    for name, value in (headers or {}).items():
        env["HTTP_" + name.upper().replace("-", "_")] = value
    return env


class Closed(Exception):
    """The program closed the connection before the record, or the answer, was whole."""


class Answer:
    def __init__(self, out, err, app_status, protocol_status):
        self.raw, self.err, self.app_status, self.protocol_status = out, err, app_status, protocol_status
        head, found, self.body = out.partition(b"\r\n\r\n")
        if not found:
            head, _, self.body = out.partition(b"\n\n")
        self.headers = {}
        for line in head.decode("latin-1").splitlines():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.status = int(self.headers.get("status", "200").split()[0])


class Peer:
    def __init__(self, path, timeout=20):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        self.s.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.s.close()

    def send(self, data):
        self.s.sendall(data)

    def end_of_input(self):
        """Half-close: the program sees the end of the stream and can still answer."""
        self.s.shutdown(socket.SHUT_WR)

    # Pieces of a request.
    def begin(self, request=1, keep=True, role=RESPONDER):
        self.send(record(BEGIN, request, struct.pack("!HB5x", role, 1 if keep else 0)))

    def params(self, request, params, end=True):
        self.send(stream(PARAMS, request, pairs(params), end))

    def stdin(self, request, data, end=True, chunk=65528):
        self.send(stream(STDIN, request, data, end, chunk))

    def abort(self, request=1):
        self.send(record(ABORT, request))

    # Answers.
    def read(self, n):
        data = b""
        while len(data) < n:
            got = self.s.recv(n - len(data))
            if not got:
                raise Closed(f"{len(data)} of {n} bytes")
            data += got
        return data

    def read_record(self):
        """(kind, request id, content)"""
        _, kind, request, size, padding = struct.unpack("!BBHHBx", self.read(8))
        content = self.read(size)
        self.read(padding)
        return kind, request, content

    def read_answer(self, request=1):
        out = err = b""
        while True:
            kind, number, content = self.read_record()
            if number != request:
                raise AssertionError(f"a record of kind {kind} for request {number}, not {request}")
            if kind == STDOUT:
                out += content
            elif kind == STDERR:
                err += content
            elif kind == END:
                return Answer(out, err, *struct.unpack("!IB3x", content))
            else:
                raise AssertionError(f"an unexpected record of kind {kind}")

    def closed(self):
        """Does the program close the connection (rather than say anything)?  Waits for it."""
        try:
            return self.s.recv(1) == b""
        except ConnectionResetError:
            return True

    def ask(self, method, uri, body=None, headers=None, keep=True, request=1):
        """A whole request and its answer."""
        env = environment(method, uri, None if body is None else len(body), headers)
        self.begin(request, keep)
        self.params(request, env)
        self.stdin(request, body or b"")
        return self.read_answer(request)
