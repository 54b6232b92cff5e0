#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""What a web server could do wrong, on the socket itself, and what the program must not make of it.

    fcgi_cases.py SOCKET CASE      runs the function of that name below; prints nothing when all is as expected
    fcgi_cases.py --list

Each case ends by asking for /status on a new connection: whatever came before, others are served.
The bats file that runs them checks that the process is the same afterwards.
"""
import json
import random
import socket
import struct
import sys
import threading
import uuid

import http_cases
from fcgi_peer import (ABORT, AUTHORIZER, BEGIN, END, FILTER, GET_VALUES, GET_VALUES_RESULT, PARAMS, STDIN, UNKNOWN,
                       Closed, Peer, environment, pairs, record, stream)

TOKEN = {"Authorization": "Bearer " + http_cases.tokens()["user"]}
PATH = ""


def peer():
    return Peer(PATH)


def key():
    return f"/api2/{http_cases.WS}/peer/{uuid.uuid4().hex}"


def stored(uri):
    """The value, or None."""
    with peer() as p:
        answer = p.ask("GET", uri, headers=TOKEN)
    assert answer.status in (200, 404), answer.status
    return answer.body if answer.status == 200 else None


def is_served():
    with peer() as p:
        assert p.ask("GET", "/status").body == b"ok"


def whole_request(method, uri, body=b"", request=1, keep=True, headers=TOKEN):
    """The bytes of a request."""
    return (record(BEGIN, request, struct.pack("!HB5x", 1, keep)) +
            stream(PARAMS, request, pairs(environment(method, uri, len(body), headers))) +
            stream(STDIN, request, body))


def cut_off(p, uri):
    """Nothing was stored under uri, and p is of no use any more."""
    assert stored(uri) is None, "a cut body was stored"


# --- requests as they should be, in odd pieces ---

def byte_by_byte():
    uri = key()
    with peer() as p:
        for byte in whole_request("PUT", uri, b"value"):
            p.send(bytes([byte]))
        assert p.read_answer().status == 204
        assert p.ask("GET", uri, headers=TOKEN).body == b"value"


def many_small_records():
    uri, body = key(), bytes(range(256)) * 40
    with peer() as p:
        p.begin()
        for i, byte in enumerate(pairs(environment("PUT", uri, len(body), TOKEN))):
            p.send(record(PARAMS, 1, bytes([byte]), padding=i % 8))
        p.send(record(PARAMS, 1))
        p.stdin(1, body, chunk=97)
        assert p.read_answer().status == 204
    assert stored(uri) == body


def requests_back_to_back():
    uri = key()
    with peer() as p:
        p.send(whole_request("PUT", uri, b"one") + whole_request("GET", uri) + whole_request("GET", "/status"))
        assert p.read_answer().status == 204
        assert p.read_answer().body == b"one"
        assert p.read_answer().body == b"ok"


def other_request_ids():
    with peer() as p:
        for number in (2, 255, 256, 65535, 1):
            assert p.ask("GET", "/status", request=number).body == b"ok"


def a_connection_not_to_be_kept():
    with peer() as p:
        assert p.ask("GET", "/status", keep=False).body == b"ok"
        assert p.closed()


def largest_values():
    uri = key()
    with peer() as p:
        assert p.ask("PUT", uri, b"x" * 2000000, TOKEN).status == 204
        assert p.ask("GET", uri, headers=TOKEN).body == b"x" * 2000000
        assert p.ask("PUT", uri, b"y" * 2000001, TOKEN).status == 413
        assert p.ask("GET", uri, headers=TOKEN).body == b"x" * 2000000


# --- bodies that are not what was announced ---

def stdin_ends_early():
    uri = key()
    with peer() as p:
        p.begin()
        p.params(1, environment("PUT", uri, 100, TOKEN))
        p.stdin(1, b"half of it")
        try:
            assert p.read_answer().status not in (200, 201, 204)
        except Closed:
            pass
        cut_off(p, uri)


def connection_ends_in_the_body():
    uri = key()
    with peer() as p:
        p.begin()
        p.params(1, environment("PUT", uri, 100, TOKEN))
        p.stdin(1, b"half of it", end=False)
    cut_off(p, uri)


def half_closed_in_the_body():
    uri = key()
    with peer() as p:
        p.begin()
        p.params(1, environment("PUT", uri, 100, TOKEN))
        p.stdin(1, b"half of it", end=False)
        p.end_of_input()
        try:
            assert p.read_answer().status not in (200, 201, 204)
        except (Closed, ConnectionResetError):
            pass
    cut_off(p, uri)


def aborted_in_the_body():
    uri = key()
    with peer() as p:
        p.begin()
        p.params(1, environment("PUT", uri, 100, TOKEN))
        p.stdin(1, b"half of it", end=False)
        p.abort()
        try:
            assert p.read_answer().status not in (200, 201, 204)
        except (Closed, ConnectionResetError):
            pass
    cut_off(p, uri)


def aborted_before_the_body():
    uri = key()
    with peer() as p:
        p.begin()
        p.abort()
        try:
            p.read_answer()
        except (Closed, ConnectionResetError):
            pass
    cut_off(p, uri)


def stdin_goes_on_too_long():
    uri = key()
    with peer() as p:
        p.begin()
        p.params(1, environment("PUT", uri, 4, TOKEN))
        try:
            p.stdin(1, b"four and more")
            answer = p.read_answer()
        except (Closed, ConnectionError):
            answer = None
    value = stored(uri)
    assert value in (None, b"four"), value
    assert answer is None or (answer.status == 204) == (value is not None)


def length_that_is_no_number():
    for text in ("-1", "1e3", "0x10", "18446744073709551616", "5 5", "x"):
        uri = key()
        env = {**environment("PUT", uri, None, TOKEN), "CONTENT_LENGTH": text}
        with peer() as p:
            p.begin()
            p.params(1, env)
            try:
                p.stdin(1, b"12345")
                assert p.read_answer().status in (400, 413), text
            except (Closed, ConnectionError):
                pass
        cut_off(p, uri)


# --- bodies that look like requests ---

def body_of_records(headers, uri_of_put, expected):
    """An early answer leaves the body unread; it holds a request that would be granted."""
    smuggled = key()
    inner = whole_request("PUT", smuggled, b"smuggled") + whole_request("GET", "/status")
    body = inner * 40
    with peer() as p:
        try:
            p.send(record(BEGIN, 1, struct.pack("!HB5x", 1, 1)) +
                   stream(PARAMS, 1, pairs(environment("PUT", uri_of_put, len(body), headers))))
            p.stdin(1, body)
            assert p.read_answer().status == expected
            assert p.ask("GET", "/livez", request=9).body == b"ok"  # answers request 9 and no other
        except (Closed, ConnectionError):
            pass
    assert stored(smuggled) is None, "a body was taken for a request"


def records_in_a_refused_body():
    body_of_records({}, key(), 401)


def records_in_a_body_for_nobody():
    body_of_records({}, "/nowhere", 404)


def records_in_a_stored_body():
    uri, smuggled = key(), key()
    body = whole_request("PUT", smuggled, b"smuggled")
    with peer() as p:
        assert p.ask("PUT", uri, body, TOKEN).status == 204
        assert p.ask("GET", uri, headers=TOKEN).body == body
    assert stored(smuggled) is None


def records_in_a_body_over_the_limit():
    smuggled = key()
    inner = whole_request("PUT", smuggled, b"smuggled")
    body = inner * (2200000 // len(inner))
    with peer() as p:
        try:
            assert p.ask("PUT", key(), body, TOKEN).status == 413
            assert p.ask("GET", "/livez", request=9).body == b"ok"
        except (Closed, ConnectionError):
            pass
    assert stored(smuggled) is None


def records_after_the_announced_length():
    smuggled, uri = key(), key()
    with peer() as p:
        p.begin()
        p.params(1, environment("PUT", uri, 0, TOKEN))
        try:
            p.stdin(1, whole_request("PUT", smuggled, b"smuggled"))
            p.read_answer()
        except (Closed, ConnectionError):
            pass
    assert stored(smuggled) is None


def header_in_a_body():
    uri = key()
    value = b"\r\n\r\nStatus: 500 No\r\nSet-Cookie: a=b\r\n\r\n"
    with peer() as p:
        assert p.ask("PUT", uri, value, TOKEN).status == 204
        answer = p.ask("GET", uri, headers=TOKEN)
        assert answer.status == 200 and answer.body == value and "set-cookie" not in answer.headers


# --- records that are no part of a request ---

def management_records():
    with peer() as p:
        p.send(record(GET_VALUES, 0, pairs([("FCGI_MPXS_CONNS", "")])))
        kind, request, _ = p.read_record()
        assert (kind, request) == (GET_VALUES_RESULT, 0)
        assert p.ask("GET", "/status").body == b"ok"


def one_variable_four_times():
    for names in (["FCGI_MPXS_CONNS"] * 4, ["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"] * 9, ["x" * 300] * 50, [""] * 500):
        with peer() as p:
            p.send(record(GET_VALUES, 0, pairs([(name, "") for name in names])))
            try:
                p.read_record()
            except Closed:
                pass
        is_served()


def unknown_management_record():
    with peer() as p:
        p.send(record(77, 0, b"what is this"))
        try:
            kind, _, content = p.read_record()
            assert kind == UNKNOWN and content[0] == 77
            assert p.ask("GET", "/status").body == b"ok"
        except Closed:
            pass


def broken_management_records():
    for content in (b"\x80", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x05\x00ab", b"\x80\x00\x00\x05\x00"):
        with peer() as p:
            p.send(record(GET_VALUES, 0, content))
            p.end_of_input()
            try:
                p.read_record()
            except (Closed, ConnectionError):
                pass


def other_roles():
    for role in (FILTER, 0, 9, 65535):
        with peer() as p:
            try:
                p.begin(role=role)
                p.params(1, environment("GET", "/status"))
                p.stdin(1, b"")
                assert p.read_answer().protocol_status == 3  # FCGI_UNKNOWN_ROLE
            except (Closed, ConnectionError):
                pass


def an_authorizer():
    """FastCGI 6.3: its request ends with the parameters.  It says whether the token is valid, and stores nothing."""
    path = key()
    for fields, status in ((TOKEN, 200), ({}, 401)):
        with peer() as p:
            p.begin(role=AUTHORIZER)
            p.params(1, environment("PUT", path, 100000, fields))
            assert p.read_answer().status == status
    with peer() as p:
        assert p.ask("GET", path, headers=TOKEN).status == 404


def another_version():
    with peer() as p:
        p.send(record(BEGIN, 1, struct.pack("!HB5x", 1, 1), version=2))
        assert p.closed()


def records_out_of_order():
    smuggled = key()
    env = pairs(environment("PUT", smuggled, 1, TOKEN))
    for data in (stream(STDIN, 1, b"x"),
                 stream(PARAMS, 1, env) + stream(STDIN, 1, b"x"),
                 record(END, 1, b"\0" * 8),
                 record(BEGIN, 0, struct.pack("!HB5x", 1, 1)) + stream(PARAMS, 0, env) + stream(STDIN, 0, b"x"),
                 record(BEGIN, 1, struct.pack("!HB5x", 1, 1)) + stream(PARAMS, 2, env) + stream(STDIN, 2, b"x"),
                 record(BEGIN, 1, b"") + stream(PARAMS, 1, env) + stream(STDIN, 1, b"x"),
                 record(BEGIN, 1, struct.pack("!HB5x", 1, 1)) * 3,
                 record(ABORT, 1), record(ABORT, 9) * 20):
        with peer() as p:
            p.send(data)
            p.end_of_input()
            try:
                while p.s.recv(4096):
                    pass
            except ConnectionError:
                pass
        is_served()
    assert stored(smuggled) is None


def broken_parameters():
    for content in (b"\x0e", b"\xff\xff\xff\xff\x00", b"\x05\x80\x7f\xff\xffabcde", b"\x80\x00\x00\x00\x80\x00\x00\x00" * 40,
                    pairs({"REQUEST_METHOD": "GET"})[:-1], b"\x00\x00" * 2000, b"\x01\x01a\x00"):
        with peer() as p:
            p.begin()
            p.send(stream(PARAMS, 1, content) + record(STDIN, 1))
            p.end_of_input()
            try:
                p.read_answer()
            except (Closed, ConnectionError):
                pass
        is_served()


def parameters_without_end():
    with peer() as p:
        p.begin()
        try:
            for _ in range(200):
                p.send(stream(PARAMS, 1, pairs({"HTTP_X": "x" * 60000}), end=False))
            assert p.closed() or p.read_answer().status in (400, 431)
        except ConnectionError:
            pass


def nothing_that_is_needed():
    for env in ({}, {"REQUEST_METHOD": "GET"}, {"REQUEST_URI": "/status"}, {"REQUEST_METHOD": "", "REQUEST_URI": ""},
                {"REQUEST_METHOD": "GET", "REQUEST_URI": "status"}, {"REQUEST_METHOD": "GET", "REQUEST_URI": "*"}):
        with peer() as p:
            p.begin()
            p.params(1, env)
            p.stdin(1, b"")
            try:
                assert 400 <= p.read_answer().status < 500
            except Closed:
                pass


def garbage():
    source = random.Random(20)
    for size in (1, 7, 8, 9, 100, 5000, 70000):
        for _ in range(8):
            with peer() as p:
                try:
                    p.send(source.randbytes(size))
                    p.end_of_input()
                    while p.s.recv(65536):
                        pass
                except ConnectionError:
                    pass
    is_served()


def requests_with_flipped_bytes():
    source = random.Random(30)
    for _ in range(200):
        data = bytearray(whole_request("GET", "/status"))
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        with peer() as p:
            try:
                p.send(bytes(data))
                p.end_of_input()
                while p.s.recv(65536):
                    pass
            except ConnectionError:
                pass


def http_on_the_wrong_socket():
    with peer() as p:
        p.send(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
        p.end_of_input()
        try:
            assert b"200" not in p.s.recv(4096)
        except ConnectionError:
            pass


# --- peers that take their time, and many of them ---

def half_requests_do_not_delay_others():
    whole = whole_request("PUT", key(), b"x" * 100)
    waiting = []
    for n in (1, 7, 8, 15, 16, 20, 100, len(whole) - 60, len(whole) - 8, len(whole) - 1):
        p = peer()
        p.send(whole[:n])
        waiting.append(p)
    for _ in range(20):
        is_served()
    for p in waiting:
        p.close()


def a_peer_that_never_reads():
    uri = key()
    with peer() as p:
        assert p.ask("PUT", uri, b"x" * 2000000, TOKEN).status == 204
    slow = []
    for _ in range(8):
        p = peer()
        p.send(whole_request("GET", uri))
        slow.append(p)
    for _ in range(20):
        is_served()
    for p in slow[:4]:
        assert p.read_answer().body == b"x" * 2000000
    for p in slow:
        p.close()


def idle_and_busy():
    """200 kept connections that say nothing, and 64 that do."""
    idle = []
    for _ in range(200):
        p = peer()
        assert p.ask("GET", "/status").body == b"ok"
        idle.append(p)
    failures = []

    def busy(number):
        try:
            with peer() as p:
                uri = key()
                for i in range(50):
                    value = b"%d %d" % (number, i)
                    assert p.ask("PUT", uri, value, TOKEN).status == 204
                    assert p.ask("GET", uri, headers=TOKEN).body == value
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=busy, args=(n,)) for n in range(64)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:3]
    for p in idle:
        assert p.ask("GET", "/livez").body == b"ok"
        p.close()


def lists_beside_reads():
    """A list gives way to reads, again and again, and is whole all the same, also for a peer that takes its time."""
    keys = [f"{n:05}" + "x" * 200 for n in range(2000)]
    namespace = f"/api2/{http_cases.WS}/{uuid.uuid4().hex}"
    with peer() as p:
        for name in keys:
            assert p.ask("PUT", f"{namespace}/{name}", b"v", TOKEN).status == 204
    over, failures = threading.Event(), []

    def read(name):
        try:
            with peer() as p:
                while not over.is_set():
                    assert p.ask("GET", f"{namespace}/{name}", headers=TOKEN).body == b"v"
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=read, args=(name,)) for name in keys[:4]]
    for t in threads:
        t.start()
    try:
        for turn in range(6):
            with peer() as p:
                p.send(whole_request("GET", namespace))
                if turn % 2:
                    with peer() as other:
                        for _ in range(200):
                            assert other.ask("GET", f"{namespace}/{keys[9]}", headers=TOKEN).body == b"v"
                assert json.loads(p.read_answer().body)["keys"] == keys
    finally:
        over.set()
        for t in threads:
            t.join()
    assert not failures, failures[:3]


def connections_that_come_and_go():
    whole = whole_request("PUT", key(), b"x" * 100)
    for i in range(500):
        with peer() as p:
            p.send(whole[:i % len(whole)])
            if i % 3 == 0:
                p.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def leaves_while_its_request_is_executed():
    for _ in range(100):
        with peer() as p:
            p.send(whole_request("PUT", key(), b"x" * 1000))


CASES = [name for name, value in list(globals().items())
         if getattr(value, "__module__", "") == __name__ and hasattr(value, "__code__") and not value.__code__.co_argcount
         and name not in ("peer", "key", "is_served")]


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        sys.exit()
    PATH = sys.argv[1]
    globals()[sys.argv[2]]()
    is_served()
