#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Faults of one database connection while others go on; requests are sent record by record.

    connections.py CASE SOCKET PROXY-CONTROL|- DATABASE-URL PROGRAM-ID

The cases are the functions below that begin with "case_".  PSQL is the psql to use.  Prints what it saw;
status 1 and a traceback where that is not as it should be.  Python standard library only.
"""
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import fcgi_peer
import control
import http_cases

AUTHORIZED = {"Authorization": "Bearer " + http_cases.tokens()["user"]}
SOCKET, CONTROL, DATABASE, PROGRAM = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])


def path(key=None):
    return f"/api2/{http_cases.WS}/n" + (f"/{key}" if key else "")


def ask(peer, method, key, body=None):
    return peer.ask(method, path(key), body, headers=AUTHORIZED)


def ask_anew(*what):
    with fcgi_peer.Peer(SOCKET, timeout=30) as peer:
        return ask(peer, *what)


def begin_put(peer, key, body):
    """Whose answer is read later."""
    peer.begin(1, True)
    peer.params(1, fcgi_peer.environment("PUT", path(key), len(body), AUTHORIZED))
    peer.stdin(1, body)


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.01)


def sql(query, database=DATABASE):
    return subprocess.run([os.environ["PSQL"], "-XAtq", "-d", database, "-c", query], capture_output=True, text=True,
                          check=True).stdout.strip()


def database_name():
    return DATABASE.split("?")[0].rsplit("/", 1)[1]


def beside(query):
    """From another database: the one itself may take no connections."""
    return sql(query, DATABASE.replace(f"/{database_name()}?", "/postgres?"))


def connections_allowed(allowed):
    beside(f"alter database {database_name()} allow_connections {'true' if allowed else 'false'}")


def backend(condition):
    """The process id of the one that was used last; None: there is none."""
    pid = beside(f"select pid from pg_stat_activity where datname = '{database_name()}' and "
                 f"application_name = 'hulykvs' and {condition} order by query_start desc limit 1")
    return int(pid) if pid else None


def two_writers():
    """Two workers: the backend that each writes on, and a connection to it."""
    writers = {}

    def look_for_two():
        peers = [fcgi_peer.Peer(SOCKET) for _ in range(40)]
        random.shuffle(peers)
        for peer in peers:
            assert ask(peer, "PUT", "which", b"").status == 204
            writers.setdefault(backend("query ilike '%insert into%'"), peer)
            if len(writers) == 2:
                return True
        return False

    until(look_for_two)
    return writers.items()


def case_other_workers():
    """A write that was given up does not happen after one that another worker has acknowledged."""
    (frozen, first), (_, second) = two_writers()
    os.kill(frozen, signal.SIGSTOP)
    try:
        connections_allowed(False)
        assert ask(first, "PUT", "k", b"first").body.startswith(b"Outcome unknown")
        assert ask(second, "PUT", "k", b"second").status == 204
        assert ask(second, "GET", "which").status == 200
    finally:
        os.kill(frozen, signal.SIGCONT)
        connections_allowed(True)
    until(lambda: backend(f"pid = {frozen} and state <> 'idle'") is None)  # it has judged the write, or has ended
    assert ask(second, "GET", "k").body == b"second"


def case_broken():
    """The same where the connection breaks under the write, before its deadline."""
    proxy = control.Control(CONTROL)
    assert ask_anew("PUT", "k", b"").status == 204
    frozen = backend("query ilike '%insert into%'")
    os.kill(frozen, signal.SIGSTOP)
    try:
        writer = fcgi_peer.Peer(SOCKET, timeout=30)
        begin_put(writer, "k", b"first")
        until(lambda: proxy.order(status=True)["forwarded"].get("put", {}).get("k") == 2)
        proxy.order(cut=True)
        assert writer.read_answer().body.startswith(b"Outcome unknown")
        until(lambda: ask_anew("PUT", "k", b"second").status == 204)
    finally:
        os.kill(frozen, signal.SIGCONT)
    until(lambda: backend(f"pid = {frozen}") is None)
    assert ask_anew("GET", "k").body == b"second"


def case_ends():
    """The same where the program is told to end meanwhile: what it acknowledged on its way out stays."""
    (frozen, first), (_, second) = two_writers()
    os.kill(frozen, signal.SIGSTOP)
    try:
        connections_allowed(False)
        assert ask(first, "PUT", "k", b"first").body.startswith(b"Outcome unknown")
        first.close()
        begin_put(second, "k", b"second")
        time.sleep(0.5)  # so that it is there when the program is told to end
        os.kill(PROGRAM, signal.SIGTERM)
        assert second.read_answer().status == 204
    finally:
        os.kill(frozen, signal.SIGCONT)
        connections_allowed(True)
    until(lambda: backend(f"pid = {frozen}") is None)
    assert sql("select convert_from(value, 'UTF8') from hulykvs.kvs where key = 'k'") == "second"


def case_role():
    """The same where the connection string sets a role: the backend is the user's that logged in."""
    assert ask_anew("PUT", "k", b"").status == 204
    frozen = backend("query ilike '%insert into%'")
    os.kill(frozen, signal.SIGSTOP)
    try:
        assert ask_anew("PUT", "k", b"first").body.startswith(b"Outcome unknown")
        until(lambda: ask_anew("PUT", "k", b"second").status == 204)
    finally:
        os.kill(frozen, signal.SIGCONT)
    until(lambda: backend(f"pid = {frozen}") is None)
    assert ask_anew("GET", "k").body == b"second"


def case_idle():
    """A connection that was dropped without a word while it was idle is found out by a read, before a write is sent."""
    proxy = control.Control(CONTROL)
    assert ask_anew("PUT", "k", b"first").status == 204
    time.sleep(10.5)  # DB_CLOCK_VALID and a little: for so long a connection counts as tried
    proxy.order(silence=True)
    silent = proxy.order(status=True)["sessions"]
    assert silent >= 2, silent
    answer = ask_anew("PUT", "k", b"second")
    assert answer.status == 204, answer.body
    assert proxy.order(status=True)["committed"] == {"k": 2}
    assert sql("select convert_from(value, 'UTF8') from hulykvs.kvs where key = 'k'") == "second"


def case_read_only():
    """Once it is known that the database takes no writes, they are refused without being sent to it."""
    def read_only_is(value):
        sql(f"alter system set default_transaction_read_only = {value}")
        sql("select pg_reload_conf()")

    def sent(key):
        """How often a statement that writes the key went to the server."""
        forwarded = proxy.order(status=True)["forwarded"]
        return sum(keys.get(key, 0) for statement, keys in forwarded.items() if not statement.startswith("get"))

    proxy = control.Control(CONTROL)
    for key in "first", "second":
        assert ask_anew("PUT", key, b"before").status == 204
    proxy.order(disarm=True)  # forgets what it has counted
    try:
        read_only_is("on")
        until(lambda: ask_anew("PUT", "first", b"after").status == 503)
        assert sent("first") > 0  # by which it was found out
        for _ in range(10):
            assert ask_anew("PUT", "second", b"after").status == 503
            assert ask_anew("DELETE", "second").status == 503
        assert sent("second") == 0
        until(lambda: ask_anew("GET", "second").body == b"before")
    finally:
        read_only_is("off")
    until(lambda: ask_anew("PUT", "second", b"later").status == 204)
    assert sent("second") == 1


def case_deadlines():
    """A request that is tried again ends by its deadline, whatever was asked after it.  The setting is 4 seconds."""
    proxy, took = control.Control(CONTROL), {}

    def read(key):
        began = time.monotonic()
        assert ask_anew("GET", key).status == 503
        took[key] = time.monotonic() - began

    proxy.order(arm={"statement": "get", "key": "first", "do": "hold"})
    threads = [threading.Thread(target=read, args=(key,)) for key in ("first", "second")]
    threads[0].start()
    until(lambda: proxy.order(status=True)["holding"] == 1)
    time.sleep(3.4)  # so far apart are the deadlines
    threads[1].start()
    time.sleep(0.2)
    proxy.order(mode="blackhole")
    proxy.order(cut=True)
    for thread in threads:
        thread.join()
    proxy.order(mode="pass")
    print(took)
    assert took["first"] < 5, took  # 4 and something; with the attempt to connect it would be 5.6


def case_sleeps():
    """While a statement takes its time the program does nothing, also behind large values."""
    def ticks():
        with open(f"/proc/{PROGRAM}/stat", encoding="ascii") as stat:
            return sum(int(n) for n in stat.read().rsplit(")", 1)[1].split()[11:13])

    proxy = control.Control(CONTROL)
    assert ask_anew("PUT", "larger", bytes(1500000)).status == 204
    assert ask_anew("GET", "larger").status == 200
    for statement in "put", "get":
        proxy.order(arm={"statement": statement, "key": "held", "do": "delay", "seconds": 6})
    before = ticks()
    threads = [threading.Thread(target=ask_anew, args=what) for what in (("PUT", "held", bytes(100000)), ("GET", "held"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = (ticks() - before) / os.sysconf("SC_CLK_TCK")
    print(f"{used:.2f} s of CPU in 6 s")
    assert used < 2, used  # who turns in circles uses 3 or more


def case_keeps():
    """A connection whose buffers have grown is kept while no other can be made."""
    assert ask_anew("PUT", "small", b"value").status == 204
    assert ask_anew("PUT", "larger", bytes(1500000)).status == 204
    until(lambda: ask_anew("GET", "small").status == 200)
    reader = backend("query ilike '%select md5, value%'")
    connections_allowed(False)
    try:
        assert ask_anew("GET", "larger").status == 200
        deadline = time.monotonic() + 5  # two for the buffers, and some for the attempt
        while time.monotonic() < deadline:
            assert ask_anew("GET", "small").status == 200
            time.sleep(0.05)
        assert backend(f"pid = {reader}") == reader
    finally:
        connections_allowed(True)
    until(lambda: backend(f"pid = {reader}") is None)
    assert ask_anew("GET", "small").status == 200


def case_descriptor():
    """A list that was left: what its database connection still says does not meet whoever has the descriptor now."""
    sql("insert into hulykvs.kvs (workspace, namespace, key, md5, value) "
        f"select '{http_cases.WS}', 'n', 'key-number-' || i, '', '' from generate_series(1, 400000) as i")
    met = 0
    for _ in range(40):
        leaver = fcgi_peer.Peer(SOCKET)
        leaver.begin(1, True)
        leaver.params(1, fcgi_peer.environment("GET", path(), None, AUTHORIZED))
        leaver.stdin(1, b"")
        leaver.s.recv(65536)
        frozen = backend("state = 'active' and query ilike '%order by key%'")
        if frozen is None:  # it was faster
            leaver.close()
            continue
        os.kill(frozen, signal.SIGSTOP)
        leaver.s.settimeout(0.1)
        try:
            while leaver.s.recv(1 << 20):
                pass
        except socket.timeout:
            pass
        # One turn of the program meets, in this order: the end of the list's reader, a new connection, and rows.
        os.kill(PROGRAM, signal.SIGSTOP)
        leaver.close()
        with fcgi_peer.Peer(SOCKET, timeout=30) as peer:
            peer.begin(1, True)
            os.kill(frozen, signal.SIGCONT)
            time.sleep(0.1)
            os.kill(PROGRAM, signal.SIGCONT)
            time.sleep(0.02)
            peer.params(1, fcgi_peer.environment("GET", "/livez"))
            peer.stdin(1, b"")
            assert peer.read_answer().status == 200
            met += 1
    print(met, "of 40")
    assert met > 0


globals()["case_" + sys.argv[1]]()
