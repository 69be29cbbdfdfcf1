#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the line of a host to its master is cut for longer than reports
# are kept.  What went is counted, by reports and by lines, what is left comes in its
# order, each once, and without a pause.
# Needs root.

# shellcheck source=tests/system/logins.sh
. "$(dirname "$0")/../system/logins.sh"

[ "${FAULT_MODE:-all}" = all ] || {
	t_skip 'a line cut for long' 'it takes a minute: make fault'
	t_done
}
kept=10000 # REPORTS_KEPT
in_time 'the log of the host is read' began
no_journal
in_time 'which is auth.log' reads_file
master_ends
logs 250 early
are_early() { [ "$(unsent | grep -o '"account":"early"' | wc -l)" -eq 250 ]; }
in_time 'more logins than a report carries wait for a master' are_early
on web systemctl stop writ-agent.service
# Each made as a heartbeat is, by the applier, and not sent.
cat >beats.py <<'END'
import json, socket, struct, subprocess, sys
ours, theirs = socket.socketpair()
subprocess.Popen(["/usr/bin/writ-agent", "applier", "--config",
    "/etc/writ/agent.yaml", "--state", "/var/lib/writ/agent"], stdin=theirs)
theirs.close()
f = ours.makefile("rwb")
for i in range(int(sys.argv[1])):
    f.write(struct.pack(">IHI2s", 8, 12, i + 1, b"{}")) # VERB_REPORT
    f.flush()
    size, = struct.unpack(">I", f.read(4))
    answer = json.loads(f.read(size)[6:])
    assert "error" not in answer, answer
END
hosts put web /root beats.py
t 'nobody takes reports for as many as are kept' on web python3 /root/beats.py \
    "$kept"
t_eq 'no more are kept, and the oldest went' "$kept" \
    "$(on web ls /var/lib/writ/agent/reports | wc -l)"
logs 1200 late
on web systemctl start writ-agent.service
are_late() { [ "$(unsent | grep -o '"account":"late"' | wc -l)" -eq 1200 ]; }
in_time 'what comes then is kept' are_late
first=$(on web ls -v /var/lib/writ/agent/reports | head -n 1)
master_starts
late() { fleet logins -i petra --account late --json >late.json; }
has_late() { late && [ "$(jq length late.json)" -ge 1200 ]; }
in_time 'a master that is back gets it' has_late
t_eq 'each once' "$(seq 1200)" "$(jq -r '.[].port' late.json | sort -n)"
t_eq 'and none of what went' '[]' \
    "$(fleet logins -i petra --account early --json | jq -c .)"
alarms=$(fleet status --json -i petra | jq -r '.[0].alarms')
# The log has the same gap, as an auditor sees it.
gap=$("$O/writ" audit verify --log "dir:$PWD/m/log" --root "$root" |
    grep -o "[0-9]* to $((first - 1)) are missing")
t_has 'which is counted by reports' "$alarms" \
    "are missing, $((first - ${gap%% *})) of them"
# And one for the journal, which was read before.
t_has 'and by lines' "$alarms" '251 lines about logins could not be kept'
[ "$t_failed" -eq 0 ] || tail -n 20 master.log
t_done
