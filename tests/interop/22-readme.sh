#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what README.md tells a newcomer to type first works as it
# stands there, at a terminal at which he says yes.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$T" || exit 1
export HOME=$T PATH=$O:$PATH
for who in olga ivan ssh_host_ed25519_key; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done

# block HEADING: the commands that follow it.
block() {
	sed -n "/^## $1\$/,/^## /s/^    //p" "$TOP/README.md"
}

# says_yes COMMAND...: at a terminal, y to each question; what it shows, and its
# status.
says_yes() {
	python3 - "$@" <<'END'
import os, pty, signal, sys
signal.alarm(120)
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b""
try:
    while some := os.read(fd, 4096):
        shown += some
        if shown.endswith(b"[y/N] "):
            os.write(fd, b"y\n")
except OSError:
    pass
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

block 'Five lines' >lines
t_eq "five lines are five" 5 "$(wc -l <lines)"
t "they run to their end" says_yes bash -ex lines
t "and give a certificate that ssh-keygen reads" \
	ssh-keygen -L -f ssh_host_ed25519_key-cert.pub
t_has "of a host" "$(ssh-keygen -L -f ssh_host_ed25519_key-cert.pub)" \
	"host certificate"
t_has "that the log has, with its reason" "$(writ audit list -C corp)" \
	"new web server"
t "which is whole" writ audit verify -C corp

t_done
