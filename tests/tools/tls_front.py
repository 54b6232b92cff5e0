#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""TLS in front of a PostgreSQL server, with TLS records that are as large as TLS has them.

    tls_front.py PORT CERTIFICATE KEY SERVER-SOCKET

Answers of the server are kept until it is ready for the next query, then sent in records of 16 KiB; the first is the
short one.  So the end of an answer comes in a record for which libpq's buffer often has too little space, and what is
left of it stays in OpenSSL.  A server may do that: CockroachDB did, and PostgreSQL 17 does with large values.

Prints "ready".  Python standard library only.
"""
import asyncio
import ssl
import struct
import sys

RECORD = 16 << 10
KEPT_MOST = 1 << 20  # of one answer; a multiple of RECORD


async def pass_requests(reader, server):
    while data := await reader.read(RECORD):
        server.write(data)
        await server.drain()
    server.close()


def give(client, answer):
    short = len(answer) % RECORD
    if short:
        client.write(bytes(answer[:short]))
    for at in range(short, len(answer), RECORD):
        client.write(bytes(answer[at:at + RECORD]))
    answer.clear()


async def pass_answers(server, client):
    """ReadyForQuery ends an answer, and so does all that is said before the first one: it is waited for."""
    answer, ready = bytearray(), False
    while True:
        head = await server.readexactly(5)
        kind, size = head[:1], struct.unpack("!I", head[1:])[0]
        answer += head + await server.readexactly(size - 4)
        ready = ready or kind == b"Z"
        if kind == b"Z" or not ready or kind == b"E" or len(answer) >= KEPT_MOST:
            give(client, answer)
            await client.drain()


async def serve(reader, client, context, path):
    server = None
    try:
        await reader.readexactly(8)  # SSLRequest
        client.write(b"S")
        await client.start_tls(context)
        answers, server = await asyncio.open_unix_connection(path)
        await asyncio.wait([asyncio.ensure_future(pass_requests(reader, server)),
                            asyncio.ensure_future(pass_answers(answers, client))], return_when=asyncio.FIRST_COMPLETED)
    except (OSError, EOFError):
        pass
    finally:
        for stream in (client, server):
            if stream is not None:
                stream.close()


async def main(port, certificate, key, path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    await asyncio.start_server(lambda r, w: serve(r, w, context, path), "127.0.0.1", int(port))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
