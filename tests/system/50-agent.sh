#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: an agent without a master brings a real host to what was
# signed, shows before what it will do, does nothing twice, takes nothing older
# or unsigned, and takes back what touched a way in unless somebody who has just
# come in by it says that it is well.
# Needs root.

. "$(dirname "$0")/hosts.sh"
. "$here/../interop/fleet.sh"

agent() {
	on a writ-agent "$@"
}

# ends STATUS PART COMMAND...: it ends so, and says so.
ends() {
	local want=$1 part=$2 out status

	shift 2
	out=$("$@" 2>&1 </dev/null)
	status=$?
	[ "$status" -eq "$want" ] && [[ $out == *"$part"* ]] && return
	printf 'status %s, wanted %s and "%s":\n%s\n' "$status" "$want" \
	    "$part" "$out"
	return 1
}

# What the host's bundle directory holds is what was signed here.
carry() {
	on a rm -rf /srv/writ/bundle
	on a mkdir -p /srv/writ/bundle
	hosts put a /srv/writ/bundle corp/bundle/*
}

# Of all files an administrator looks after.
files() {
	on a sh -c 'cd /etc && find . -path ./mtab -prune -o -type f \
	    -exec sha256sum {} + -exec stat -c "%n %a %u %g" {} + | sort'
}

# A table that is empty is one that is not there.
rules() {
	on a sh -c 'iptables-save; ip6tables-save' |
	    sed 's/\[[0-9:]*\]//' | grep -v -e '^#' -e '^:[A-Z]* ACCEPT $' \
	    -e '^\*' -e '^COMMIT'
}

fleet_people
fleet_make corp || cat "$fleet_log"
cat >corp/fleet/fleet.yaml <<'END'
hosts: {confirm_within: 10s}
END
cat >corp/fleet/top.yaml <<'END'
states:
  - {match: "*", apply: [limits]}
END
cat >corp/fleet/states/limits.yaml <<'END'
few-signals:
  pam_limits:
    limits:
      - {domain: "@users", type: hard, item: sigpending, value: 200}
END
fleet_sign corp petra
hosts_up a
carry
root=$(fleet_root corp)

# --- look, and do what was looked at
before=$(files)
t 'without a root nothing is trusted' ends 2 'nothing is trusted yet' \
    agent test --local /srv/writ
t 'another root is refused' ends 1 'realm' agent test --local /srv/writ \
    --root "SHA256:$(head -c 32 /dev/zero | base64 | tr -d =)"
t 'a dry run shows the file' ends 7 $'+@users\thard\tsigpending\t200' \
    agent test --local /srv/writ --root "$root"
t_eq 'and writes none' "$before" "$(files)"
plan=$(agent test --local /srv/writ | sed -n 's/.*, plan //p')
t 'another plan is not carried out' ends 1 'not the plan' \
    agent apply --local /srv/writ --plan "$(sha256sum </dev/null |
    cut -d' ' -f1)"
t_eq 'still none' "$before" "$(files)"
t 'the plan that was seen is' ends 0 '1 change made' \
    agent apply --local /srv/writ --plan "$plan"
t 'the file is there' on a grep -q sigpending /etc/security/limits.d/zzz-writ.conf
after=$(files)
t 'again there is nothing to do' ends 0 'nothing to change' \
    agent apply --local /srv/writ
t_eq 'and nothing is done' "$after" "$(files)"
t 'status names the run' ends 0 'run 1: done' agent status
t 'drift is mended' sh -c "'$TOP/tests/lab/testhosts' exec a \
    rm /etc/security/limits.d/zzz-writ.conf &&
    '$TOP/tests/lab/testhosts' exec a writ-agent apply --local /srv/writ"
t_eq 'to the byte' "$after" "$(files)"
t 'by hand it is undone' agent undo
t_eq 'to what it was without' "$before" \
    "$(files)"
t 'and done again' agent apply --local /srv/writ --again

# --- what is not signed, or older, is not taken
cp -r corp/bundle signed
fleet_sign corp olga
carry
t 'an officer is no operator' ends 1 'fleet' agent apply --local /srv/writ
rm -r corp/bundle
cp -r signed corp/bundle
sed -i 's/200/300/' corp/fleet/states/limits.yaml
fleet_sign corp piet
carry
t 'a newer fleet is' ends 0 '1 change made' agent apply --local /srv/writ
t 'with its value' on a grep -q 300 /etc/security/limits.d/zzz-writ.conf
cp -r corp/bundle newer
rm -r corp/bundle
cp -r signed corp/bundle
carry
t 'an older one is not' ends 1 'version' agent apply --local /srv/writ
t 'nor is its value' on a grep -q 300 /etc/security/limits.d/zzz-writ.conf
rm -r corp/bundle
cp -r newer corp/bundle

# --- a way in
cat >corp/fleet/states/firewall.yaml <<'END'
firewall:
  iptables:
    input:
      policy: drop
      allow:
        - {port: 22, proto: tcp}
END
sed -i 's/limits\]/limits, firewall]/' corp/fleet/top.yaml
fleet_sign corp petra
carry
free=$(rules)
before=$(files)
t 'what a reboot would not undo is refused' ends 1 \
    'writ-agent-undo.service is not enabled' agent apply --local /srv/writ
t_eq 'with nothing changed' "$free" "$(rules)"
sed 's,/usr/bin,/usr/local/sbin,' \
    "$TOP/packaging/systemd/writ-agent-undo.service" >writ-agent-undo.service
hosts put a /etc/systemd/system writ-agent-undo.service
on a systemctl enable -q writ-agent-undo.service
before=$(files)
t 'with the unit it is done, and to be confirmed' ends 3 'writ-agent confirm' \
    agent apply --local /srv/writ
t_has 'the rules are there' "$(rules)" WRIT
t 'from where we have been it cannot be' ends 1 'no login over ssh' \
    agent confirm
t 'another run has to wait' ends 6 'waits to be confirmed' \
    agent apply --local /srv/writ
for _ in $(seq 40); do
	agent status | grep -q 'undone' && break
	sleep 0.5
done
t 'nobody confirmed it' ends 0 'undone since' agent status
t_eq 'so the rules are as before' "$free" "$(rules)"
t_eq 'and the files' "$before" "$(files)"

ssh-keygen -q -t ed25519 -N '' -f me
on a mkdir -p -m 700 /root/.ssh
hosts put a /root/.ssh me.pub
on a sh -c 'cp /root/.ssh/me.pub /root/.ssh/authorized_keys'
in_by_ssh() {
	near ssh -i "$T/me" -o StrictHostKeyChecking=no -o BatchMode=yes \
	    -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 \
	    "root@$(hosts ip a)" "$@"
}
t 'it is made again' ends 3 'writ-agent confirm' agent apply --local /srv/writ
t 'a new login confirms it' ends 0 'is confirmed, and stays' \
    in_by_ssh writ-agent confirm
sleep 12
t_has 'and it stays' "$(rules)" WRIT

# --- what would shut us out, and a boot in between
state=$(files)
with=$(rules)
sed -i 's/port: 22/port: 23/' corp/fleet/states/firewall.yaml
fleet_sign corp petra
carry
t 'a rule that would shut us out is refused' ends 1 'nothing was changed' \
    agent apply --local /srv/writ
t_eq 'with no rule changed' "$with" "$(rules)"
t_eq 'and no file' "$state" "$(files)"
sed -i 's/port: 23/port: 22/; $a\        - {port: 80, proto: tcp}' \
    corp/fleet/states/firewall.yaml
fleet_sign corp petra
carry
t 'one that opens a port waits' ends 3 'writ-agent confirm' \
    agent apply --local /srv/writ
hosts stop a
hosts start a
t 'after a boot it is undone' ends 0 'before the machine was booted' \
    agent status
t_eq 'to the byte' "$state" "$(files)"
t 'and ssh answers' in_by_ssh true
t_done
