#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Sends the first bytes of a long body, waits for the answer, and prints it.

    bodies_on_the_way.py BASE-URL PATH (TOKEN | "") (length | chunked) TOLD SENT

TOLD is the body's length as the header has it (without meaning for chunked), SENT how many bytes of it are sent.
A server that answers only when it has read more than that never answers: the program ends with 1 after 20 seconds.
Prints the status, the header fields Content-Type and Access-Control-Allow-Origin, and the text.
Python standard library only.
"""
import http.client
import sys
import urllib.parse


def main():
    base, path, token, kind, told, sent = sys.argv[1:]
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    connection.putrequest("PUT", path)
    connection.putheader("Origin", "http://example")
    if token:
        connection.putheader("Authorization", "Bearer " + token)
    if kind == "chunked":
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", told)
    connection.endheaders()
    try:
        for i in range(0, int(sent), 8192):
            piece = b"x" * min(8192, int(sent) - i)
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if kind == "chunked" else piece)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the answer came before
    answer = connection.getresponse()
    print(answer.status, answer.getheader("Content-Type"), answer.getheader("Access-Control-Allow-Origin"),
          answer.read().decode())


if __name__ == "__main__":
    main()
