# SPDX-License-Identifier: ISC
# The world around writ-ca-notify, on loopback: a web server and a mail server
# that do as they are told, and the keeper's end of notify.sock.  Prints a line
# `pass NAME` or `fail NAME: WHY` for each thing tried.
#
#	notify.py PROGRAM DIR		DIR has a writ.yaml

import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import select
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading

PROGRAM, DIR = sys.argv[1:]
NOTICE, TOLD, CALL = 32, 33, 1
LONG = 60  # seconds after which something will not come any more


def check(name, ok, why=""):
    print("pass " + name if ok else "fail %s: %r" % (name, why), flush=True)


class Web(http.server.BaseHTTPRequestHandler):
    """Answers what the path says: /503,200/x is 503 at first, then 200."""

    seen = []  # (path, headers, body)
    turns = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        plan = self.path.split("/")[1].split(",")
        turn = Web.turns.get(self.path, 0)
        Web.turns[self.path] = turn + 1
        Web.seen.append((self.path, self.headers, body))
        answer = plan[min(turn, len(plan) - 1)]
        if answer == "hang":
            Web.hangs.wait(LONG)
            return
        self.send_response(int(answer.removesuffix("cut")))
        if answer == "302":
            self.send_header("Location", "/200/elsewhere")
        # One that is cut announces a body that does not come.
        self.send_header("Content-Length", "9" if "cut" in answer else "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    seen = []  # (from, to, bytes)
    logins = 0

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        sender, to = None, []
        self.say("220 sink")
        for line in self.rfile:
            verb = line.decode().strip()
            if verb.upper().startswith(("EHLO", "HELO")):
                self.say("250-sink\r\n250 AUTH PLAIN")
            elif verb.upper().startswith("AUTH "):
                # One that cannot ask whoever knows passwords just now.
                Mail.logins += 1
                self.say("454 later" if Mail.logins == 1 else "334 ")
                if Mail.logins > 1:
                    self.rfile.readline()
                    self.say("235 come in")
            elif verb.upper().startswith("MAIL FROM:"):
                sender = verb[10:]
                self.say("250 ok")
            elif verb.upper().startswith("RCPT TO:"):
                if "nobody@" in verb:
                    self.say("550 no such person")
                else:
                    to.append(verb[8:])
                    self.say("250 ok")
            elif verb.upper() == "DATA":
                self.say("354 go on")
                data = b""
                for part in self.rfile:
                    if part == b".\r\n":
                        break
                    data += part[1:] if part.startswith(b"..") else part
                Mail.seen.append((sender, to, data))
                self.say("250 taken")
            elif verb.upper() == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("500 what")


def serve(server):
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Keeper:
    def __init__(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(LONG)
        self.s.connect(DIR + "/run/notify.sock")
        self.data = b""

    def raw(self, kind, ident, payload):
        self.s.sendall(
            struct.pack(">IHI", 6 + len(payload), kind, ident) + payload)

    def notice(self, ident, **fields):
        n = {"kind": "waiting", "id": "ab12", "text": "alice asks"}
        n.update(fields)
        j = json.dumps(n).encode()
        self.raw(NOTICE, ident, struct.pack(">I", len(j)) + j)

    def told(self):
        """The next (id, object)."""
        while len(self.data) < 4 or \
                len(self.data) < 4 + struct.unpack(">I", self.data[:4])[0]:
            more = self.s.recv(65536)
            if not more:
                raise EOFError
            self.data += more
        n, kind, ident = struct.unpack(">IHI", self.data[:10])
        payload, self.data = self.data[10:4 + n], self.data[4 + n:]
        assert kind == TOLD and \
            struct.unpack(">I", payload[:4])[0] == len(payload) - 4
        return ident, json.loads(payload[4:])

    def is_cut_off(self):
        try:
            return self.s.recv(1) == b""
        except ConnectionResetError:
            return True


class Service:
    def __init__(self):
        self.log = ""
        self.p = subprocess.Popen([PROGRAM, "-C", DIR],
                                  stderr=subprocess.PIPE)

    def until(self, word):
        """Read its log up to a line with this word."""
        while word not in self.log:
            if not select.select([self.p.stderr], [], [], LONG)[0]:
                return False
            more = os.read(self.p.stderr.fileno(), 65536).decode()
            if more == "":
                return False
            self.log += more
        self.log = self.log[self.log.index(word) + len(word):]
        return True

    def ended(self):
        rest = self.p.communicate(timeout=LONG)[1].decode()
        return self.p.returncode, self.log + rest


def configure(text, mode=0o600):
    path = DIR + "/notify.yaml"
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def by_how(told):
    return {(t["how"], t["person"]): t for _, t in told}


Web.hangs = threading.Event()
web = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web))
mail = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail))
GOOD = """
channels:
  - name: plain
    webhook: http://127.0.0.1:%(web)d/200/plain
    secret: 0123456789abcdef
    for: {kinds: [waiting]}
  - name: chat
    webhook: http://127.0.0.1:%(web)d/200/chat
    chat: yes
    for: {kinds: [waiting]}
  - name: mail
    mail: smtp://127.0.0.1:%(mail)d
    from: writ@example.com
    to: {olga@example.com: olga.ops@corp.example,
      ivan@example.com: nobody@corp.example}
    for: {kinds: [waiting]}
  - name: hook
    exec: [/usr/bin/curl, -sf, --data-binary, "@-",
      "http://127.0.0.1:%(web)d/200/hook"]
    for: {kinds: [waiting]}
  - name: moody
    webhook: http://127.0.0.1:%(web)d/503,200/moody
    for: {kinds: [later]}
  - name: absent
    webhook: http://127.0.0.1:%(web)d/404/absent
    for: {kinds: [later]}
  - name: moved
    webhook: http://127.0.0.1:%(web)d/302/moved
    for: {kinds: [later]}
  - name: broken
    webhook: http://127.0.0.1:%(web)d/503/broken
    for: {kinds: [later]}
  - name: cut
    webhook: http://127.0.0.1:%(web)d/200cut/x
    for: {kinds: [odd]}
  - name: absentcut
    webhook: http://127.0.0.1:%(web)d/404cut/x
    for: {kinds: [odd]}
  - name: login
    mail: smtp://127.0.0.1:%(mail)d
    from: writ@example.com
    to: {olga@example.com: olga.ops@corp.example}
    login: {user: writ, password: secret}
    for: {kinds: [odd]}
  - name: hangs
    webhook: http://127.0.0.1:%(web)d/hang/x
    for: {kinds: [slow]}
  - name: quick
    webhook: http://127.0.0.1:%(web)d/200/quick
    for: {kinds: [slow]}
""" % {"web": web, "mail": mail}
REASON = "fix it\"}, {\"x\": =?utf-8?Q?=0D=0ABcc:_evil@example.com?= <!channel> é"

# --- wrong files
configure("channels:\n  - webhok: x\n")
code, log = Service().ended()
check("a wrong key is named with its place",
      code == 4 and "notify.yaml:2:5: unknown key 'webhok'" in log, log)
configure(GOOD, 0o644)
code, log = Service().ended()
check("a file that others may read is refused",
      code == 1 and "(mode 0644)" in log, log)

# --- everybody is told
configure(GOOD)
service = Service()
check("it becomes ready", service.until("ready"), service.log)
k = Keeper()
k.notice(7, to=["olga@example.com", "ivan@example.com", "tom"],
         groups=["approvers"], person="alice@example.com", grant="deploy",
         principals=["deploy"], reason=REASON, ticket="OPS-1",
         how="writ approve ab12")
told = [k.told() for _ in range(12)]
check("each answer carries the notice's number",
      all(i == 7 and t["id"] == "ab12" for i, t in told), told)
got = by_how(told)
check("each person has an answer of each channel", len(got) == 12, got)
check("all but two were told",
      sorted(h for h, t in got.items() if not t["sent"]) ==
      [("mail", "ivan@example.com"), ("mail", "tom")], got)
check("whoever has no address is named",
      got["mail", "tom"]["error"] == "'to' has no mail address for 'tom'", got)
check("a mail server's refusal comes back",
      "550" in got["mail", "ivan@example.com"]["error"], got)

path, headers, body = next(w for w in Web.seen if w[0].endswith("plain"))
sent = json.loads(body)
check("a webhook gets the notice whole",
      sent["reason"] == REASON and sent["v"] == 1 and sent["to"] ==
      ["olga@example.com", "ivan@example.com", "tom"] and
      sent["principals"] == ["deploy"], sent)
mac = hmac.new(b"0123456789abcdef", body, hashlib.sha256).hexdigest()
check("signed with the secret",
      headers["X-Writ-Signature"] == "sha256=" + mac, headers)
path, headers, body = next(w for w in Web.seen if w[0].endswith("chat"))
sent = json.loads(body)
check("a chat gets one text", list(sent) == ["text"] and
      "X-Writ-Signature" not in headers, sent)
check("with the reason as code",
      "reason: `" in sent["text"] and "&lt;!channel&gt;" in sent["text"], sent)

sender, to, data = Mail.seen[0]
m = email.message_from_bytes(data, policy=email.policy.default)
check("mail goes to the address, from ours",
      sender.startswith("<writ@example.com>") and
      to == ["<olga.ops@corp.example>"] and len(Mail.seen) == 1, Mail.seen)
check("with the headers that it should have and no other",
      sorted(m.keys()) == sorted(
          ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted",
           "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]),
      m.keys())
check("its subject is the sentence", m["Subject"] == "alice asks", m["Subject"])
check("its body has the reason as it was typed",
      ("reason: " + REASON + "\r\n") in m.get_content(), m.get_content())
sent = json.loads(next(w[2] for w in Web.seen if w[0].endswith("hook")))
check("a program gets the notice too", sent["reason"] == REASON, sent)

# --- trying again
k.notice(8, kind="later", to=["olga@example.com"])
got = by_how([k.told() for _ in range(4)])
check("an error of the moment is tried again",
      got["moody", "olga@example.com"]["sent"] is True and
      Web.turns["/503,200/moody"] == 2, got)
check("a wrong address is not",
      got["absent", "olga@example.com"]["error"] == "the server answered 404"
      and Web.turns["/404/absent"] == 1, got)
check("nor is a redirection followed",
      got["moved", "olga@example.com"]["error"] == "the server answered 302"
      and not any(w[0] == "/200/elsewhere" for w in Web.seen), got)
check("three times is all",
      got["broken", "olga@example.com"]["error"] == "the server answered 503"
      and Web.turns["/503/broken"] == 3, got)
k.notice(8, kind="odd", to=["olga@example.com"])
got = by_how([k.told() for _ in range(3)])
check("a server's word counts, whatever comes after it",
      got["cut", "olga@example.com"]["sent"] is True and
      Web.turns["/200cut/x"] == 1, got)
check("also that it has no such place",
      got["absentcut", "olga@example.com"]["error"] ==
      "the server answered 404" and Web.turns["/404cut/x"] == 1, got)
check("a login that is not possible now is tried again",
      got["login", "olga@example.com"]["sent"] is True and Mail.logins == 2,
      got)
k.notice(9, kind="unheard-of", to=["olga@example.com"])
ident, t = k.told()
check("a notice that no channel is for says so",
      ident == 9 and t["how"] == "none" and t["sent"] is False, t)
k.notice(9, to=[])
check("one for nobody has an answer all the same",
      k.told()[1]["person"] == "nobody")

# --- bad peers
for name, kind, payload in (
        ("a notice that is not JSON", NOTICE, b"\0\0\0\x01x"),
        ("a notice with bytes after it", NOTICE, b"\0\0\0\0x"),
        ("a frame of another pair", CALL, b""),
        ("a notice too long", NOTICE, b"\0" * 70000)):
    bad = Keeper()
    bad.raw(kind, 1, payload)
    check(name + " ends the connection",
          bad.is_cut_off() and service.until("keeper cut off"), service.log)
bad = Keeper()
bad.s.sendall(b"\0\0\0\1junk")
check("a frame that is none ends the connection",
      bad.is_cut_off() and service.until("keeper cut off"), service.log)
k.notice(10, kind="unheard-of", to=["olga@example.com"])
check("and no other one", k.told()[0] == 10)

# --- a channel that hangs
k.notice(11, kind="slow", to=["olga@example.com"])
ident, t = k.told()
check("one that hangs delays no other", t["how"] == "quick" and t["sent"], t)

# --- signals
configure(GOOD + "  - nonsense: 1\n")
# As root it has become somebody else, and its starter looks at the file.
if os.getuid() != 0:
    service.p.send_signal(signal.SIGHUP)
check("HUP with a wrong file goes on with the old", os.getuid() == 0 or
      service.until("notify.yaml is kept as it was"), service.log)
k.notice(12, kind="unheard-of", to=["olga@example.com"])
check("and serves", k.told()[0] == 12)
service.p.terminate()
code, log = service.ended()
check("TERM ends it, whatever hangs", code == 0, (code, log))
Web.hangs.set()

configure(GOOD)
service = Service()
service.until("ready")
k = Keeper()
configure("channels: []\n")
service.p.send_signal(signal.SIGHUP)
code, log = service.ended()
check("HUP with a good file ends it, to be started again",
      code == 0 and "starting again" in log, (code, log))
os.unlink(DIR + "/notify.yaml")
service = Service()
check("without a file it runs", service.until("ready"), service.log)
k = Keeper()
k.notice(1, to=["tom"])
check("and tells nobody", k.told()[1]["how"] == "none")
service.p.terminate()
check("and ends", service.ended()[0] == 0)
