# SPDX-License-Identifier: ISC
"""A bucket without an object, in which no request to put one ever ends.

	slowbucket.py PORT

Says `put` on a line for each of these, and `gone` when whoever asked has had
enough.
"""
import http.server
import sys

NONE = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
LIST = (b"<ListVersionsResult><IsTruncated>false</IsTruncated>"
        b"</ListVersionsResult>")


class Bucket(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        found = "versions" in self.path
        body = LIST if found else NONE
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_PUT(self):
        print("put", flush=True)
        while self.rfile.read(1):
            pass
        print("gone", flush=True)

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
                                Bucket).serve_forever()
