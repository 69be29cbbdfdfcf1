# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests of what a host says of its logins, after hosts.sh: a master in
# the fleet's network and a host `web` that it has accepted, with alice, who has a
# certificate's CA and a password, and bob, who has a key.
#
#	master_ends	the master, and wait until it has ended
#	unsent		what the host has reported and no master has, a line each
#	logs N ACCOUNT	N logins to ACCOUNT into the host's auth.log
#	began		is its log read by now?
#	no_journal	the host keeps none from now on; reads_file: has that
#			been seen?

# shellcheck source=tests/system/hosts.sh
. "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"

export HOME=$T
for key in olga petra ca alice plain; do
	ssh-keygen -q -t ed25519 -N '' -f "$key" -C "$key"
done

# --- a master, and a host that it has accepted --------------------------------

here 'a deployment is made' corp_make olga petra
cat >corp/fleet/states/base.yaml <<'END'
limits:
  pam_limits:
    limits: [{domain: alice, type: hard, item: nproc, value: 90}]
END
t 'policy and fleet are signed' corp_sign olga petra

hosts_up web
# Another one has to wait for its sockets.
master_ends() {
	local pid

	pid=$(cat master.pid)
	kill "$pid"
	for _ in {1..300}; do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}
master_starts
hosts put web /usr/bin "$O/writ-agent" "$O/writ-agent-run" "$O/writ-agent-link"
hosts put web /etc/systemd/system "$TOP"/packaging/systemd/writ-agent.service
cat >agent.yaml <<END
root: "$root"
masters:
  - {address: "10.77.0.1:2023", key: "$(cut -d' ' -f1,2 m/keys/master_1.pub)"}
END
on web mkdir -p /etc/writ
hosts put web /etc/writ agent.yaml
hosts put web /etc/ssh ca.pub plain.pub
on web sh -c 'useradd -r -s /usr/sbin/nologin writ-agent
    useradd -u 41021 -m -s /bin/bash alice
    useradd -u 41022 -m -s /bin/bash bob
    echo alice:correct-horse | chpasswd
    echo "alice ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/alice
    install -d -o bob -m 700 /home/bob/.ssh
    install -o bob -m 600 /etc/ssh/plain.pub /home/bob/.ssh/authorized_keys
    printf "TrustedUserCAKeys /etc/ssh/ca.pub\nPasswordAuthentication yes\n" \
        >/etc/ssh/sshd_config.d/00-test.conf
    chmod 644 /etc/ssh/ca.pub
    sed -i "0,/^session/s,,session optional pam_exec.so quiet /usr/bin/writ-agent seen\n&," \
        /etc/pam.d/sshd
    echo "SSH_AUTH_INFO_0=publickey x" | tee /home/alice/.pam_environment \
        >/home/bob/.pam_environment
    systemctl restart ssh; systemctl daemon-reload
    systemctl start writ-agent.service' >web.out 2>&1

waits() {
	fleet keys -i petra --json >keys.json && jq -er \
	    '[.[] | select(.state == "waiting")][0].enrol' keys.json >enrol
}
in_time 'the host waits' waits
t 'and is accepted' fleet accept -i petra --id web.example.com -y "$(cat enrol)"
began() { on web sh -c 'ls /var/lib/writ/agent/logins/*'; }
# In the order of their numbers.
unsent() {
	# shellcheck disable=SC2016 # for the shell there
	on web sh -c 'cd /var/lib/writ/agent/reports && cat $(ls -v)' 2>/dev/null
}
# From then on auth.log is read.
no_journal() {
	on web sh -c 'mkdir -p /etc/systemd/journald.conf.d
    printf "[Journal]\nStorage=none\nForwardToSyslog=yes\n" \
        >/etc/systemd/journald.conf.d/test.conf
    systemctl restart systemd-journald
    rm -rf /var/log/journal /run/log/journal
    systemctl restart writ-agent.service'
}
reads_file() { on web grep -q '"source":"file"' -r /var/lib/writ/agent/logins; }
# logs N ACCOUNT
logs() {
	awk -v at="$(date -u +%Y-%m-%dT%H:%M:%SZ)" -v n="$1" -v to="$2" 'BEGIN {
	    for (i = 1; i <= n; i++)
	        printf "%s web sshd[%d]: Accepted password for %s from " \
	            "192.0.2.1 port %d ssh2\n", at, 100000 + i, to, i }' >lines
	on web sh -c 'cat >>/var/log/auth.log' <lines
}
