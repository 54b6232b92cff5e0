#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A FastCGI responder that begins each answer, as for a long list, and closes the connection midway, at SIGUSR1.

    broken_answer.py SOCKET

An authorizer's request (HULYKVS_AUTHORIZER) is not expected here.  Python standard library only.
"""
import signal
import socket
import sys

import upstream  # pylint: disable=wrong-import-position
from fcgi_peer import STDOUT, stream  # pylint: disable=wrong-import-position


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    head = b"Status: 200 OK\r\nContent-Type: application/json\r\n\r\n"
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                upstream.read_request(connection)
                connection.sendall(stream(STDOUT, 1, head + b'{"namespace":"n","keys":["' + b"k" * 20000))
                signal.sigwait({signal.SIGUSR1})
            except (EOFError, OSError):
                pass


if __name__ == "__main__":
    main()
