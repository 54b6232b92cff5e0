#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A collector of OpenTelemetry's, as far as a client sees it: OTLP over HTTP, in JSON.

    collector.py DIRECTORY      serves until it is ended; its port is in DIRECTORY/port

What comes is in DIRECTORY/requests, a JSON object a line: path, headers, body.  DIRECTORY/manner, where it is there,
says how to answer: a status; "refuse N" (200, but N spans were not wanted); "hang" (no answer); "forget" (200, and it
does not go into the file).
"""
import http.server
import json
import os
import socketserver
import sys
import threading
import time

DIRECTORY = sys.argv[1]
LOCK = threading.Lock()


def manner():
    try:
        with open(os.path.join(DIRECTORY, "manner")) as file:
            return file.read().split()
    except FileNotFoundError:
        return ["200"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        how = manner()
        if how[0] != "forget":
            self.note(how, body)
        if how[0] == "hang":
            time.sleep(600)
        answer = {"partialSuccess": {"rejectedSpans": how[1], "errorMessage": "no"}} if how[0] == "refuse" else {}
        content = json.dumps(answer).encode()
        self.send_response(int(how[0]) if how[0].isdigit() else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def note(self, how, body):
        line = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
                "manner": " ".join(how), "body": body.decode()}
        with LOCK, open(os.path.join(DIRECTORY, "requests"), "a") as file:
            file.write(json.dumps(line) + "\n")

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def main():
    with Server(("127.0.0.1", 0), Handler) as server:
        path = os.path.join(DIRECTORY, "port")
        with open(path + ".new", "w") as file:
            print(server.server_address[1], file=file)
        os.rename(path + ".new", path)
        server.serve_forever()


if __name__ == "__main__":
    main()
