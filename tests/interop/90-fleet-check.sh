#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what is wrong with the policy of a fleet is said with its
# place, before anything is signed, and what is right is shown as it will be.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

writ=$O/writ
cd "$T" || exit 1
export HOME=$T

# --- the program
for who in olga ivan petra; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done
"$writ" init corp --officer olga@example.com=olga.pub \
	--officer ivan@example.com=ivan.pub \
	--operator petra@example.com=petra.pub >/dev/null
t "a new deployment has a fleet that is right" ends 0 "fleet works: 0 states" \
	"$writ" fleet check -C corp
t "which gets -C from before it too" ends 0 "and with the policy" \
	"$writ" -C corp fleet check
t "init replaces no fleet" ends 1 "half/fleet is there already" \
	sh -c "mkdir -p half/fleet && '$writ' init half --single-officer \
	--officer olga@example.com=olga.pub"
t "writ fleet has its own -h" ends 0 "usage: writ fleet check" \
	"$writ" fleet check -h
t "a word it does not know is its to refuse" ends 2 \
	"writ fleet: unknown command 'nope'" "$writ" fleet nope
t "no fleet there" ends 6 "none/fleet/" "$writ" fleet check -C none
mkdir bin libexec libexec/writ
cp "$writ" bin/writ
t "without writ-fleet it says where it looked" ends 6 \
	"writ-fleet is neither in" bin/writ fleet check
cp "$O/writ-fleet" libexec/writ/
t "installed, it is in libexec" ends 0 "fleet works" \
	bin/writ fleet check -C corp
rm -rf bin libexec

# --- a fleet that works
good() {
	rm -rf corp/fleet
	mkdir -p corp/fleet/states corp/fleet/pillar
	cat >corp/fleet/fleet.yaml <<'END'
hosts: {interval: 30m, splay: 10m}
roles:
  web: ["web-*.example.com"]
  build: [ci-1.example.com]
END
	cat >corp/fleet/top.yaml <<'END'
states:
  - match: "*"
    apply: [base]
  - match: "role == 'web' and os == 'debian'"
    apply: [web]
pillar:
  - match: "*"
    use: [common]
  - match: "role == 'web'"
    use: [web]
END
	cat >corp/fleet/states/base.yaml <<'END'
no-fork-bombs:
  pam_limits:
    limits:
      - {domain: "@users", type: hard, item: nproc, value: "${pillar.nproc}"}
  exceptions:
    - {match: "role == 'build'", reason: many jobs, owner: petra@example.com, expires: 2037-01-31}
  when: "not role == 'web'"
  cis: ["1.2.3"]
  why: one user must not stop a host
END
	cat >corp/fleet/states/web.yaml <<'END'
webapp:
  pam_limits:
    limits:
      - {domain: webapp, type: hard, item: nproc, value: "${pillar.nproc}"}
  require: [no-fork-bombs]
END
	echo 'nproc: 200' >corp/fleet/pillar/common.yaml
	echo 'nproc: 100' >corp/fleet/pillar/web.yaml
}
good
t "it works" ends 0 "fleet works: 2 states, 4 different highstates of 6 hosts" \
	"$writ" fleet check -C corp

plan() { "$writ" fleet plan -C corp --host "$@" 2>&1; }
t_has "a host gets what is for all" "$(plan ci-1.example.com)" "value: 200"
t_has "and is spared what is excepted" "$(plan ci-1.example.com)" \
	"# spared until 2037-01-31 by petra@example.com: many jobs"
t_has "a role's pillar comes last" "$(plan web-1.example.com)" "value: 100"
t_has "a role may be said" "$(plan x.example.com --role web)" "value: 100"
t_has "what was not said is said" "$(plan x.example.com)" \
	"not said, so taken: arch=x86_64"
t_eq "a grain tells hosts apart" "no-fork-bombs" "$("$writ" fleet plan -C corp \
	--host web-1.example.com --grain os=ubuntu --json |
	python3 -c 'import json, sys
print(*[s["id"] for s in json.load(sys.stdin)["states"]])')"
t_eq "JSON has the order and the values" \
	"no-fork-bombs False webapp 100 ['no-fork-bombs']" \
	"$("$writ" fleet plan -C corp --host web-1.example.com --json |
		python3 -c 'import json, sys
a, b = json.load(sys.stdin)["states"]
print(a["id"], a["applies"], b["id"],
      b["params"]["limits"][0]["value"], b["require"])')"
t "a host must be said" ends 2 "for which host? --host ID" \
	"$writ" fleet plan -C corp
t "and be one" ends 2 "'Web 1' is no id of a host" \
	"$writ" fleet plan -C corp --host 'Web 1'
t "an unknown role" ends 2 "there is no role 'dbb' in fleet.yaml" \
	"$writ" fleet plan -C corp --host x --role dbb
t "an unknown grain" ends 2 "there is no grain 'osx'" \
	"$writ" fleet plan -C corp --host x --grain osx=1
t "a grain without a value" ends 2 "--grain wants NAME=VALUE" \
	"$writ" fleet plan -C corp --host x --grain os

# --- what is wrong
# bad NAME FILE WANT: the good fleet, with FILE as standard input has it.
bad() {
	local name=$1 file=$2 want=$3

	good
	cat >"corp/fleet/$file"
	t "$name" ends 1 "$want" "$writ" fleet check -C corp
}

bad "what is no YAML" states/base.yaml "states/base.yaml:2:1: not YAML" <<<'a: ['
bad "an unknown kind of state" states/base.yaml \
	"states/base.yaml:1:20: unknown kind of state 'pam_limit', expected one of" \
	<<<'no-fork-bombs: {   pam_limit: {}}'
bad "an unknown key of a kind" states/base.yaml "unknown key 'limit'" \
	<<<'no-fork-bombs: {pam_limits: {limit: []}}'
bad "an unknown key of fleet.yaml" fleet.yaml \
	"fleet.yaml:1:1: unknown key 'host', expected one of masters, hosts, roles" \
	<<<'host: {}'
bad "an unknown key of top.yaml" top.yaml \
	"top.yaml:2:1: unknown key 'pillars', expected one of states, pillar" \
	<<<$'states: []\npillars: []'
bad "an unknown key of an entry" top.yaml \
	"top.yaml:1:24: unknown key 'aply', expected one of match, apply" \
	<<<'states: [{match: "*",  aply: [base]}]'
bad "a value that is none" pillar/common.yaml "pillar/common.yaml:1:8: " \
	<<<'nproc: banana'
bad "a time of a jail that is none" states/base.yaml \
	"states/base.yaml:1:58: 'bantime' is 'banana', expected a span such as 1h" \
	<<<'no-fork-bombs: {fail2ban: {jails: {sshd: {bantime:       banana}}}}'
bad "a pillar cycle" pillar/common.yaml \
	"pillar/common.yaml:2:6: pillar cycle: pillar.nproc -> pillar.max -> pillar.nproc" \
	<<<$'nproc: "${pillar.max}"\nmax: ${pillar.nproc}'
bad "a requisite cycle" states/base.yaml \
	"states/base.yaml:2:58: requisite cycle: no-fork-bombs -> b -> no-fork-bombs" \
	<<'END'
no-fork-bombs: {pam_limits: {limits: [{domain: a, type: hard, item: nproc, value: 1}]}, require: [b]}
b: {pam_limits: {ensure: absent},              require: [no-fork-bombs]}
END
bad "an include cycle" states/base.yaml \
	"states/base.yaml: include cycle: base -> base" <<'END'
include: [base]
no-fork-bombs: {pam_limits: {limits: [{domain: a, type: hard, item: nproc, value: 1}]}}
END
bad "an unknown role" top.yaml \
	"top.yaml:1:18: there is no role 'dbb', expected one that fleet.yaml gives" \
	<<<"states: [{match: \"role == 'dbb'\", apply: [base]}]"
bad "an unknown grain" top.yaml "top.yaml:1:18: there is no grain 'osx'" \
	<<<"states: [{match: \"osx == 'dbb'\", apply: [base]}]"
bad "pillar by what a host says" top.yaml \
	"top.yaml:2:18: pillar is matched by what a host says of itself" \
	<<<$'states: []\npillar: [{match: "os == \'debian\'", use: [common]}]'
bad "an empty list of files" top.yaml \
	"'apply' is an empty list, expected a list of files below states/" \
	<<<'states: [{match: "*", apply: []}]'
bad "an empty role" fleet.yaml "'roles' is an empty list" \
	<<<'roles: {web: [], build: [x]}'
bad "an empty list in an expression" top.yaml "an empty list, expected a value" \
	<<<'states: [{match: "id in []", apply: [base]}]'
bad "a file that is not there" top.yaml \
	"there is no states/bass.yaml, expected the name of a file there" \
	<<<'states: [{match: "*", apply: [bass]}]'
bad "a secret" pillar/common.yaml \
	"pillar/common.yaml:2:11: 'password' looks like a secret" \
	<<<$'nproc: 200\npassword: hunter2'
bad "a private key" pillar/common.yaml "looks like a private key" <<END
nproc: 200
key: |
$(sed 's/^/  /' olga)
END
bad "a master whose key nobody knows" fleet.yaml \
	"the policy has no authorities/master_1.pub" <<'END'
masters: [{address: master.example.com, key: master_1}]
roles: {web: [x], build: [y]}
END
bad "an exception without an end" states/base.yaml \
	"an exception has no 'expires'" <<'END'
no-fork-bombs:
  pam_limits: {limits: [{domain: a, type: hard, item: nproc, value: 1}]}
  exceptions: [{match: "*", reason: r, owner: petra@example.com}]
END
bad "contradictory states on one file, of some hosts" states/web.yaml \
	"states/web.yaml:2:1: 'b' and 'a' (states/web.yaml:1:1) both own /etc/security/limits.d/zzz-writ.conf, expected one state for it (on web-0.example.com, os debian)" <<'END'
a: {pam_limits: {limits: [{domain: "@users", type: hard, item: nproc, value: 1}]}}
b: {pam_limits: {limits: [{domain: "@users", type: hard, item: nproc, value: 2}]}}
END
bad "pillar that only one role has" top.yaml \
	"there is no 'pillar.nproc', expected a name of the pillar that this host gets (on" \
	<<'END'
states: [{match: "*", apply: [base]}]
pillar: [{match: "role == 'web'", use: [common]}]
END

good
echo x >corp/fleet/notes.txt
t "a file that does not belong there" ends 4 \
	"fleet/notes.txt: does not belong there" "$writ" fleet check -C corp
rm corp/fleet/notes.txt
echo '{}' >corp/fleet/states/Web.yaml
t "a file with a name that is none" ends 1 \
	"'states/Web.yaml' is not a file of a fleet" "$writ" fleet check -C corp
good
t_eq "JSON says it for programs" "False 1 1 draft" "$(
	echo 'nproc: banana' >corp/fleet/pillar/web.yaml
	echo 'x: {pam_limits: {}}' >corp/fleet/states/unused.yaml
	sed -i 's/pam_limits: {}/pam_limits: {limits: [{domain: a, type: hard, item: nproc, value: 1}]}/' \
		corp/fleet/states/unused.yaml
	"$writ" fleet check -C corp --json 2>/dev/null | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["works"], len(d["errors"]), len(d["warnings"]), d["policy"])')"

# --- with the policy
# sshd SETTINGS: the good fleet, whose hosts let a certificate for deploy in.
sshd() {
	good
	sed -i 's/\[base\]/[base, ssh]/' corp/fleet/top.yaml
	cat >corp/fleet/states/ssh.yaml <<END
trust:
  ssh_ca:
    accounts:
      deploy: [deploy, "deploy@\${host.id}"]
sshd-baseline:
  sshd_config:
    settings: {PasswordAuthentication: no, $1}
END
}
refused="which has principals (states/ssh.yaml:4:7), expected"
sshd 'AllowUsers: "root deploy"'
t "an account that sshd lets in" ends 0 "fleet works" \
	"$writ" fleet check -C corp
t "a principal that nobody is granted" ends 0 \
	"warning: states/ssh.yaml:4:16: principal 'deploy' of account 'deploy' is in no grant" \
	"$writ" fleet check -C corp
sshd 'AllowUsers: "root alice"'
t "an account that sshd does not let in" ends 1 \
	"states/ssh.yaml:7:56: AllowUsers refuses account 'deploy', $refused" \
	"$writ" fleet check -C corp
sshd 'DenyUsers: "d*"'
t "an account that sshd keeps out" ends 1 \
	"states/ssh.yaml:7:55: DenyUsers refuses account 'deploy', $refused" \
	"$writ" fleet check -C corp
sshd 'AllowGroups: wheel'
t "a group that nobody here knows" ends 0 \
	"warning: states/ssh.yaml:7:57: AllowGroups refuses account 'deploy'" \
	"$writ" fleet check -C corp
sshd 'MaxAuthTries: banana'
t "a value that sshd would not take" ends 1 \
	"states/ssh.yaml:7:58: MaxAuthTries is 'banana', expected" \
	"$writ" fleet check -C corp

# The contract's fleet, with the contract's policy, as soon as its master has a
# key there.
mkdir contract
cp -a "$TOP/tests/data/fleet/contract" contract/fleet
cp -a "$TOP/tests/data/policy/contract" contract/policy
chmod -R u+w contract
t "a master without a key" ends 1 \
	"fleet.yaml:3:5: the policy has no authorities/master_1.pub" \
	"$writ" fleet check -C contract
cp petra.pub contract/policy/authorities/master_1.pub
sed -i 's/^  # master:/  master:/' contract/policy/ca.yaml
t "the contract works" ends 0 ", and with the policy" \
	"$writ" fleet check -C contract
t_has "but for grants of other fleets" \
	"$("$writ" fleet check -C contract 2>&1)" \
	"grant 'root-change' gives principal 'root-change', which no host"

# What hosts go by is what is signed, not what is about to be.
"$writ" policy sign -C corp -i olga -y >/dev/null 2>&1
"$writ" policy sign -C corp -i ivan -y >/dev/null 2>&1
good
t "a policy in force" ends 0 "and with the policy in force" \
	"$writ" fleet check -C corp
cp petra.pub corp/policy/authorities/master_1.pub
sed -i 's/^  log: .*/&\n  master: [master_1]/' corp/policy/ca.yaml
sed -i '1i masters: [{address: master.example.com, key: master_1}]' \
	corp/fleet/fleet.yaml
t "a master whose key is not signed yet" ends 1 \
	"fleet.yaml:1:11: the policy has no authorities/master_1.pub" \
	"$writ" fleet check -C corp
cp -a corp/bundle/policy.1 kept
sed -i '1s/"realm":"./"realm":"0/' corp/bundle/policy.1
t_not "a policy that is damaged is not passed over" \
	"$writ" fleet check -C corp
cp -a kept corp/bundle/policy.1

# --- hosts that are enrolled
good
printf '%s\n' '# ours' 'web-1.example.com  accepted' >hosts
t "an id that nobody has" ends 0 \
	"warning: fleet.yaml:4:3: no enrolled host is 'ci-1.example.com'" \
	"$writ" fleet check -C corp --hosts hosts
echo ci-1.example.com >>hosts
t_eq "and one that somebody has" "" \
	"$("$writ" fleet check -C corp --hosts hosts 2>&1 >/dev/null)"
echo 'Web 1' >>hosts
t "a list of hosts that is none" ends 4 "hosts:4:1: 'Web' is no id of a host" \
	"$writ" fleet check -C corp --hosts hosts

t_done
