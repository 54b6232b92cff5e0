# SPDX-License-Identifier: EPL-2.0
"""Messages of PostgreSQL's protocol 3.0, for the proxies of the tests.

A message is a byte for its kind, four for its length, and a body; "whole" is all of it.
"""
import os
import socket
import struct

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, PROTOCOL_3 = 80877103, 80877104, 80877102, 196608


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def error(code, text, fatal=False):
    """An ErrorResponse."""
    severity = b"FATAL" if fatal else b"ERROR"
    fields = [b"S" + severity, b"V" + severity, b"C" + code.encode(), b"M" + text.encode()]
    return message(b"E", b"".join(f + b"\0" for f in fields) + b"\0")


def error_field(body, field):
    """Of the body of an ErrorResponse: the field with this letter, b"" if there is none."""
    for part in body.split(b"\0"):
        if part[:1] == field:
            return part[1:]
    return b""


def cstring(body, at=0):
    """(bytes up to the NUL, what comes behind it)."""
    end = body.index(b"\0", at)
    return body[at:end], end + 1


def parsed(body):
    """(statement, SQL, OIDs of the parameters) of a Parse."""
    name, at = cstring(body)
    sql, at = cstring(body, at)
    count, = struct.unpack_from("!H", body, at)
    return name, sql.decode(), struct.unpack_from(f"!{count}I", body, at + 2)


def bound(body):
    """(portal, statement, formats of the parameters, parameters, formats of the results) of a Bind."""
    portal, at = cstring(body)
    statement, at = cstring(body, at)
    count, = struct.unpack_from("!H", body, at)
    formats = struct.unpack_from(f"!{count}H", body, at + 2)
    at += 2 + 2 * count
    count, = struct.unpack_from("!H", body, at)
    at += 2
    values = []
    for _ in range(count):
        size, = struct.unpack_from("!i", body, at)
        at += 4
        values.append(None if size < 0 else body[at:at + size])
        at += max(size, 0)
    count, = struct.unpack_from("!H", body, at)
    return portal, statement, formats, values, struct.unpack_from(f"!{count}H", body, at + 2)


def array_elements(value):
    """(OID, elements) of a one-dimensional array in binary form; ValueError if it is none."""
    try:
        dimensions, _, oid = struct.unpack_from("!iiI", value)
        if dimensions == 0:
            if len(value) != 12:
                raise ValueError("bytes behind an empty array")
            return oid, []
        n, _ = struct.unpack_from("!ii", value, 12)
        at, elements = 20, []
        for _ in range(n):
            size, = struct.unpack_from("!i", value, at)
            at += 4
            elements.append(None if size < 0 else value[at:at + size])
            at += max(size, 0)
    except struct.error as e:
        raise ValueError(str(e)) from e
    if dimensions != 1 or at != len(value):
        raise ValueError("not one dimension of the length that it says")
    return oid, elements


def startup_packet(parameters):
    """A StartupMessage; parameters: name to value."""
    words = b"".join(word.encode() + b"\0" for pair in parameters.items() for word in pair)
    return struct.pack("!II", len(words) + 9, PROTOCOL_3) + words + b"\0"


def startup_parameters(packet):
    """Of a whole StartupMessage."""
    words = packet[8:].decode().split("\0")
    return {name: value for name, value in zip(words[0::2], words[1::2]) if name}


class Refused(Exception):
    """The server's error: SQLSTATE and text."""

    def __init__(self, code, text):
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


def connect(path):
    made = socket.socket(socket.AF_UNIX if isinstance(path, str) else socket.AF_INET)
    made.connect(path if isinstance(path, str) else ("127.0.0.1", path))
    return made


class Client:
    """A connection of one's own, which waits for each answer; `path` is a unix socket or a port of 127.0.0.1."""

    def __init__(self, path, parameters):
        self.socket = connect(path)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(startup_packet(parameters))
        self.key = next(body for kind, body in self.answer() if kind == b"K")

    def read(self):
        head = self.stream.read(5)
        if len(head) != 5:
            raise ConnectionError("the server has closed the connection")
        return head[:1], self.stream.read(struct.unpack("!I", head[1:])[0] - 4)

    def answer(self):
        """All up to ReadyForQuery: [(kind, body), ...]."""
        messages, refused = [], None
        while not messages or messages[-1][0] != b"Z":
            messages.append(self.read())
            kind, body = messages[-1]
            if kind == b"E":
                refused = Refused(error_field(body, b"C").decode(), error_field(body, b"M").decode())
                if error_field(body, b"S") == b"FATAL":
                    break
        if refused is not None:
            raise refused
        return messages

    def query(self, sql):
        """Rows as lists of text or None."""
        self.socket.sendall(message(b"Q", sql.encode() + b"\0"))
        return [row(body) for kind, body in self.answer() if kind == b"D"]

    def close(self):
        self.stream.close()
        self.socket.close()


def row(body):
    """Of a DataRow in text form."""
    count, = struct.unpack_from("!H", body)
    at, values = 2, []
    for _ in range(count):
        size, = struct.unpack_from("!i", body, at)
        at += 4
        values.append(None if size < 0 else body[at:at + size].decode())
        at += max(size, 0)
    return values


def renew(path):
    """Makes way for a socket of this name."""
    if os.path.exists(path):
        os.unlink(path)
