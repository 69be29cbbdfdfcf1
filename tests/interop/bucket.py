# SPDX-License-Identifier: ISC
"""A bucket in memory, with versions and locks as far as a log asks for them, that
can be told to take one more entry bundle and nothing else.

	bucket.py PORT STOP

From when the file STOP is there until it is gone again.  Says `refused` on a line
for each request that it then refuses.
"""
import hashlib
import http.server
import os
import sys
import urllib.parse

STOP = sys.argv[2]
LOCK = ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date")
ENABLED = {
    "versioning": "<VersioningConfiguration><Status>Enabled</Status>"
                  "</VersioningConfiguration>",
    "object-lock": "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                   "</ObjectLockEnabled></ObjectLockConfiguration>",
}
objects = {}
taken = []


def listing(prefix):
    found = "".join(
        f"<Version><Key>{k}</Key><VersionId>1</VersionId>"
        f"<IsLatest>true</IsLatest><Size>{len(objects[k][0])}</Size></Version>"
        for k in sorted(objects) if k.startswith(prefix))
    return ("<ListVersionsResult><IsTruncated>false</IsTruncated>"
            f"{found}</ListVersionsResult>")


def is_stopped(key):
    if not os.path.exists(STOP):
        taken.clear()
        return False
    if "/entries/" in key and not taken:
        taken.append(key)
        return False
    print("refused", flush=True)
    return True


class Bucket(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def asked(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, True))
        return url.path.lstrip("/").partition("/")[2], query

    def do_GET(self):
        key, query = self.asked()
        for name, text in ENABLED.items():
            if name in query:
                return self.answer(200, text.encode())
        if "versions" in query:
            return self.answer(200, listing(query["prefix"]).encode())
        if key not in objects:
            return self.refuse(404, "NoSuchKey")
        data, headers = objects[key]
        return self.answer(200, data, headers)

    do_HEAD = do_GET

    def do_PUT(self):
        key, _ = self.asked()
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if is_stopped(key):
            return self.refuse(403, "AccessDenied")
        if self.headers["If-None-Match"] and key in objects:
            return self.refuse(412, "PreconditionFailed")
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        headers = [("ETag", f'"{etag}"'), ("x-amz-version-id", "1")]
        headers += [(n, self.headers[n]) for n in LOCK if self.headers[n]]
        objects[key] = (data, headers)
        return self.answer(200, b"", headers[:2])

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
                                Bucket).serve_forever()
