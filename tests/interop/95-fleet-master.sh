#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: an operator's day with a master as it is run, all of its
# processes, over ssh: what is published is pushed, hosts ask in and are accepted,
# an order goes through its batches and stops where too many fail.  Hosts are
# played, each with its own keys, through stock ssh.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/fleet.sh
. "$(dirname "$0")/fleet.sh"

writ=$O/writ
cd "$T" || exit 1
port=$(t_ports 2823)

fleet() {
	"$writ" fleet -C corp "$@" -i petra
}
within() { # for at most twenty seconds
	local i

	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

# --- hosts, played

host_keys() { # NAME
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1.host"
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1.link"
	head -c 16 /dev/urandom | xxd -p >"$1.boot"
}

# say TYPE BY KEYS MEMBERS: a statement on standard output
say() {
	local file key

	file=$(mktemp "$T/say-XXXXXX")
	printf '{"v":1,"type":"%s","realm":"%s","by":"%s","at":"%s","nonce":"%s",%s}\n' \
		"$1" "$(fleet_hash <corp/bundle/root.1.yaml)" "$2" \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		"$(head -c 16 /dev/urandom | xxd -p)" "$4" >"$file"
	cat "$file"
	for key in $3; do
		rm -f "$file.sig"
		ssh-keygen -q -Y sign -f "$key" -n "$1@writ" "$file" 2>/dev/null
		cat "$file.sig"
	done
	rm -f "$file" "$file.sig"
}

# host_says NAME JSON: one call of a host; its answer on standard output
host_says() {
	python3 - "$port" "$1.link" "$2" <<'END'
import json, struct, subprocess, sys
port, key, call = sys.argv[1:]
ssh = subprocess.Popen(
    ["ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
     "-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlias=writ-master",
     "-o", "UserKnownHostsFile=known", "-i", key, "-p", port,
     "-l", "writ-agent", "-s", "127.0.0.1", "writ"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
data = call.encode()
ssh.stdin.write(struct.pack(">II", len(data) + 4, 1) + data)
ssh.stdin.flush()
head = ssh.stdout.read(10)
size, _, last, status = struct.unpack(">IIBB", head)
print(ssh.stdout.read(size - 6).decode())
ssh.stdin.close()
ssh.kill()
END
}
wrapped() { # CALL FILE: {"call":CALL,"statement":what FILE holds}
	jq -cn --arg c "$1" --rawfile s "$2" '{call:$c,statement:$s}'
}
enrol() { # NAME ID
	[ -s "$1.enrol" ] || say enrol "$2" "$1.host $1.link" \
		"\"host_key\":\"$(cut -d' ' -f1,2 "$1.host.pub")\",\"transport_key\":\"$(cut -d' ' -f1,2 "$1.link.pub")\",\"hostname\":\"$1\",\"grains\":{\"os\":\"debian\"},\"boot_id\":\"$(cat "$1.boot")\"" >"$1.enrol"
	host_says "$1" "$(wrapped enrol "$1.enrol")"
}
reports() { # NAME ID MEMBERS: its next report
	local seq=1 previous=''

	if [ -s "$1.report" ]; then
		seq=$(($(head -n 1 "$1.report" | jq -r .seq) + 1))
		previous="\"previous\":\"$(head -n 1 "$1.report" | fleet_hash)\","
	fi
	say report "$2" "$1.host" "\"seq\":\"$seq\",$previous$3,\"boot_id\":\"$(cat "$1.boot")\",\"root_version\":\"1\",\"policy_version\":\"1\",\"fleet_version\":\"3\",\"krl_version\":\"0\",\"quiet\":\"0\"" \
		>"$1.next"
	mv "$1.next" "$1.report"
	host_says "$1" "$(wrapped report "$1.report")"
}
report() { # NAME ID OUTCOME JOB: of a run
	local changes=''

	[ "$3" = unchanged ] ||
		changes=',"changes":[{"state":"limits","kind":"pam_limits","result":"done"}]'
	reports "$1" "$2" "\"kind\":\"run\",\"job\":\"$4\",\"mode\":\"enforce\",\"outcome\":\"$3\",\"states\":\"1\"$changes"
}
# attends NAME: it is there, and hears what it is to have
attends() {
	python3 - "$port" "$1.link" "$(cat "$1.boot")" >"$1.news" 2>&1 <<'END' &
import json, struct, subprocess, sys
port, key, boot = sys.argv[1:]
ssh = subprocess.Popen(
    ["ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
     "-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlias=writ-master",
     "-o", "UserKnownHostsFile=known", "-i", key, "-p", port,
     "-l", "writ-agent", "-s", "127.0.0.1", "writ"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
data = json.dumps({"call": "attend", "boot_id": boot, "root_version": "1",
                   "policy_version": "1", "fleet_version": "0",
                   "krl_version": "0"}).encode()
ssh.stdin.write(struct.pack(">II", len(data) + 4, 1) + data)
ssh.stdin.flush()
while True:
    head = ssh.stdout.read(10)
    if len(head) < 10:
        break
    size, _, last, status = struct.unpack(">IIBB", head)
    print(ssh.stdout.read(size - 6).decode(), flush=True)
END
	t_stop_later $!
}
# has_job NAME: its batch is open, and this is the job
has_job() { tail -n 1 "$1.news" | jq -re .job.statement; }

# --- the deployment and its master

fleet_people
if ! {
	"$writ" init corp --single-officer --officer olga@example.com=olga.pub \
		--operator petra@example.com=petra.pub &&
		"$writ" policy sign -C corp -i olga -y
} >make.log 2>&1; then
	t_fail 'a deployment' "$(cat make.log)"
	t_done
fi
mkdir m
t "a master is made" ends 0 "authorities/" \
	"$O/writ-master" -C m init --name m1 --root "$(fleet_root corp)"
printf 'listen: ["127.0.0.1:%s"]\n' "$port" >>m/master.yaml
cp m/keys/*.pub corp/policy/authorities/
sed -i 's/^  log: \[\(.*\)\]$/  log: [\1, m1_log]\n  master: [m1]/' \
	corp/policy/ca.yaml
"$writ" policy sign -C corp -i olga -y >policy.log 2>&1
t "the policy knows it" grep -q 'policy 2 is published' policy.log
cp -r corp/bundle m/bundle
rm -rf corp/fleet
mkdir -p corp/fleet/states corp/fleet/pillar
cat >corp/fleet/fleet.yaml <<END
masters: [{address: "127.0.0.1:$port", key: m1}]
END
printf 'states:\n  - {match: "*", apply: [base]}\n' >corp/fleet/top.yaml
cat >corp/fleet/states/base.yaml <<'END'
limits:
  pam_limits:
    limits: [{domain: webapp, type: hard, item: nproc, value: 20}]
END
"$writ" fleet -C corp sign -i petra -y >sign.log 2>&1
"$O/writ-master" -C m run >m.log 2>&1 &
t_stop_later $!
if ! within fleet keys; then
	t_fail 'the master serves' "$(cat m.log; fleet keys 2>&1)"
	t_done
fi
t_ok 'the master serves'
printf 'writ-master %s\n' "$(cut -d' ' -f1,2 m/keys/m1.pub)" >known

# --- what is published
t "the fleet is pushed" ends 0 "has fleet 1 now" fleet push
t "with a policy that it has" grep -q 'has policy 2 already' out
t "again there is nothing to do" ends 0 "has fleet 1 already" fleet push
sed -i 's/value: 20/value: 30/' corp/fleet/states/base.yaml
"$writ" fleet -C corp sign -i petra -y >sign.log 2>&1
sed -i 's/value: 30/value: 40/' corp/fleet/states/base.yaml
"$writ" fleet -C corp sign -i petra -y >sign.log 2>&1
t "two versions at once, each in turn" ends 0 "has fleet 3 now" fleet push

# --- hosts
for h in web-1 web-2 web-3 db-1 dup; do
	host_keys $h
done
t_eq "a host asks in, and waits" waiting \
	"$(enrol web-1 web-1.example.com | jq -r .state)"
for h in web-2 web-3 db-1; do
	enrol $h $h.example.com >/dev/null
done
t "keys has it" ends 0 "waiting  web-1.example.com" fleet keys
t "it is accepted" ends 0 "web-1.example.com is accepted: entry" \
	fleet accept web-1.example.com --role web -y
t_eq "and is told so" "accepted web-1.example.com" \
	"$(enrol web-1 web-1.example.com | jq -r '"\(.state) \(.host)"')"
t "others by a glob" ends 0 "web-3.example.com is accepted" \
	fleet accept --all 'web-*' --role web -y
t "one is not" ends 0 "db-1 is rejected" fleet reject db-1 -m unknown -y
t_eq "and is told so too" rejected \
	"$(enrol db-1 db-1.example.com | jq -r .state)"
t "keys has all of them" ends 0 "accepted  web-2.example.com" fleet keys
t "with the reason" grep -q 'rejected .*unknown' out
enrol dup web-1.example.com >/dev/null
t "an id is not given twice" ends 1 "a host already" fleet accept dup -y
t "he who would have it is refused" ends 0 "dup is rejected" \
	fleet reject dup -m 'not that one' -y
t "a token is made" ends 0 "lets in 2 hosts" \
	fleet token new 'new-*' --count 2 --key tok --role web -y
t "and listed" ends 0 "new-*  2     2" fleet token list
t "facts are told" ends 0 "grains.os" fleet facts web-1.example.com

# --- an order
for h in web-1 web-2 web-3; do
	attends $h
done
connected() { fleet status --json | jq -e 'map(select(.connected == "yes")) | length == 3'; }
t "status has who is there" within connected
t "an order is given" ends 0 "enforce fleet 3 on 3 hosts, in batches of 1, 1, 1" \
	fleet apply --on "role == 'web'" --batch 1,1 -y --detach
t "that touches a way in" grep -q 'PAM: limits (pam_limits) is new' out
job=$(sed -n 's/^job //p' out)
within has_job web-1
full=$(has_job web-1)
t_eq "the first host hears of it" "$job" "${full:0:12}"
t_not "the second does not" has_job web-2
"$writ" fleet -C corp watch "$job" -i petra >watch.out 2>&1 </dev/null &
watching=$!
t_stop_later $watching
t_eq "the first reports" 1 \
	"$(report web-1 web-1.example.com changed "$full" | jq -r .seq)"
t "and the second hears" within has_job web-2
t "who watches sees it" within grep -q '1/3  web-1.example.com  changed: limits' \
	watch.out
t "jobs has it" ends 0 "running  3      1" fleet jobs
report web-2 web-2.example.com unchanged "$full" >/dev/null
within has_job web-3
report web-3 web-3.example.com changed "$full" >/dev/null
wait $watching
t_eq "it ends well" 0 "$?"
t "and says so" grep -q '^3 hosts: 1 unchanged, 2 changed; done$' watch.out
t "it can be looked at again" ends 0 "3 hosts: 1 unchanged, 2 changed; done" \
	fleet watch "$job"

# --- one that fails stops the next
sleep 1.1 # an order is newer than the last by its second
t "another order" ends 0 "job " \
	fleet apply --on '*' --batch 1,1 -y --detach
job=$(sed -n 's/^job //p' out)
next_job() { [[ $(has_job "$1") == "$job"* ]]; }
t "reaches the first" within next_job web-1
report web-1 web-1.example.com undone "$(has_job web-1)" >/dev/null
t "which undoes it: the rest is spared" \
	ends 1 "3 hosts: 1 undone, 2 not heard of; stopped" \
	fleet watch "$job" --junit junit.xml
t "as JUnit has it" grep -q 'failures="1" errors="0" skipped="2"' junit.xml
t "who failed comes first" ends 0 "1 behind" fleet status
t_eq "that one" web-1.example.com "$(sed -n 2p out | cut -d' ' -f1)"

# --- who logged in
saw() { # NAME SECONDS-AGO...: a login of each
	local ago at events=''

	for ago in "${@:2}"; do
		printf -v at '%(%Y-%m-%dT%H:%M:%SZ)T' $((EPOCHSECONDS - ago))
		events+="${events:+,}{\"what\":\"login\",\"at\":\"$at\",\"source\":\"journal\",\"account\":\"deploy\",\"from\":\"192.0.2.7\",\"method\":\"password\"}"
	done
	reports "$1" "$1.example.com" "\"kind\":\"logins\",\"events\":[$events]"
}
many() { seq "$1" "$2" | tac; }
mapfile -t lots < <(many 3701 3900)
saw web-1 "${lots[@]}" >/dev/null
mapfile -t lots < <(many 101 300)
for name in web-3 web-2 web-3 web-2 web-3; do
	saw $name "${lots[@]}" >/dev/null
done
t_eq "each login of each report is counted, over pages" 1200 \
	"$(fleet logins --json | jq length)"
t_eq "those of an hour, on a host" 600 \
	"$(fleet logins --since 1h --host web-3.example.com --json | jq length)"
t "a login has its line" ends 0 "web-1.example.com  login  deploy   192.0.2.7  password" \
	fleet logins --until 1h
t_eq "two hundred of them" 201 "$(wc -l <out)"

# --- names
t "a host is renamed" ends 0 "is www.example.com now" \
	fleet rename web-3.example.com www.example.com -y
t "and forgotten" ends 0 "is forgotten" \
	fleet forget www.example.com -m scrapped -y
t_not "keys has it no more" sh -c "'$writ' fleet -C corp keys -i petra |
	grep -q 'www\|web-3'"
t "what the master refuses is said in its words" \
	ends 6 "no host" fleet forget www.example.com -m scrapped -y
t_eq "who logged in is not forgotten with the host" 600 \
	"$(fleet logins --host web-3.example.com --json | jq length)"

t_done
