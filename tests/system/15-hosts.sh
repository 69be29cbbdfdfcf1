#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the hosts that other tests stand on are what those believe
# they are - whole, apart from each other and from this machine, and there again
# with their files after a power cut.
# Needs root.

. "$(dirname "$0")/hosts.sh"

before=$(md5sum /etc/passwd /etc/hosts /etc/fstab 2>/dev/null; ip -o link; iptables-save 2>/dev/null | grep -v '^#')
hosts_up a b

t_eq 'systemd is up' running "$(on a systemctl is-system-running)"
t 'one host reaches another' on b ping -c 1 -W 2 a
on a sh -c 'echo kept > /etc/kept; echo gone > /run/gone'
keys=$(on a cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id)
names=$(on a stat -c %z /etc/hosts)
hosts stop a
t_not 'a host that was stopped is not there' on b ping -c 1 -W 1 a
t 'it starts again' hosts start a
t_eq 'with its files' kept "$(on a cat /etc/kept)"
t_not 'and not what was in memory' on a test -e /run/gone
t_eq 'as the same host' "$keys" \
    "$(on a cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id)"
t_eq 'and names that are right are not written again' "$names" \
    "$(on a stat -c %z /etc/hosts)"
hosts cut a b
t_not 'a cut host hears nothing' on b ping -c 1 -W 1 a
hosts heal a
t 'and hears again' on b ping -c 1 -W 2 a
t_not 'a file of one host is not the other one'\''s' on b test -e /etc/kept
hosts down
after=$(md5sum /etc/passwd /etc/hosts /etc/fstab 2>/dev/null; ip -o link; iptables-save 2>/dev/null | grep -v '^#')
t_eq 'this machine is as before' "$before" "$after"
t_done
