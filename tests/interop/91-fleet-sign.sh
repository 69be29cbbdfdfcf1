#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a fleet comes into force when, and only when, the operators
# that the policy asks for have signed it; a job is signed by them and says
# before for whom it is; stock ssh-keygen agrees about every signature.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

writ=$O/writ
cd "$T" || exit 1
export HOME=$T
for who in olga ivan petra pavel paula stranger; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done

fleet() {
	local sub=$1

	shift
	"$writ" fleet -C corp "$sub" "$@"
}

# judged NAMESPACE PERSON FILE: ssh-keygen takes one of FILE's blocks for a
# signature of PERSON over its first line.
judged() {
	local block

	rm -f block.*
	tail -n +2 "$3" | awk '/BEGIN SSH/ { n++ } { print >("block." n) }'
	for block in block.*; do
		head -n 1 "$3" | ssh-keygen -Y verify -f allowed \
			-I "$2" -n "$1" -s "$block" >/dev/null 2>&1 && return
	done
	return 1
}
fleet_files() { find corp/bundle -name 'fleet.*' | sort | xargs; }

"$writ" init corp --officer olga@example.com=olga.pub \
	--officer ivan@example.com=ivan.pub \
	--operator petra@example.com=petra.pub >init.log 2>&1 || exit 1
# Three operators, two of whom sign.
python3 - <<'END'
import re
p = "corp/policy/root.yaml"
s = open(p).read()
key = lambda who: " ".join(open(who + ".pub").read().split()[:2])
more = "".join("  %s@example.com: {keys: [%s]}\n" % (w, key(w))
    for w in ("pavel", "paula"))
s = re.sub(r"(?m)^operators:.*\n", lambda m: m.group(0) + more, s)
s = re.sub(r"fleet: 1", "fleet: 2", s)
open(p, "w").write(s)
END
rm -rf corp/fleet
mkdir -p corp/fleet/states corp/fleet/pillar
cat >corp/fleet/fleet.yaml <<'END'
hosts:
  interval: 30m
  splay: 10m
  confirm_within: 60s
  on_drift: repair
roles:
  web: ["web-*.example.com"]
END
cat >corp/fleet/top.yaml <<'END'
states:
  - match: "*"
    apply: [limits]
pillar:
  - match: "*"
    use: [common]
END
cat >corp/fleet/states/limits.yaml <<'END'
limits:
  pam_limits:
    limits:
      - {domain: "*", type: hard, item: nproc, value: 4000}
END
echo 'shell: {processes: 4000}' >corp/fleet/pillar/common.yaml

# --- before there is a policy
t "nothing is signed before the policy is" ends 6 "no policy has been signed" \
	fleet sign -i petra -y
"$writ" policy sign -C corp -i olga -y >policy.log 2>&1
"$writ" policy sign -C corp -i ivan -y >>policy.log 2>&1
t "the policy is published" grep -q 'is published' policy.log
t "no fleet is in force yet" ends 6 "no fleet has been signed" fleet show
t "the whole is new" ends 0 "+      - {domain:" fleet diff

# --- signatures
t "it asks who signs" ends 2 "-i KEY" fleet sign
t "an officer is no operator" ends 1 "no operator's" fleet sign -i olga -y
t "nor is a stranger" ends 1 "no operator's" fleet sign -i stranger -y
t "nobody is there to ask" ends 1 "not signed" fleet sign -i petra
t_eq "and nothing was begun" "" "$(fleet_files)"
t "the first of two signs, and who is missing is said" \
	ends 0 "1 of 2 signatures (petra@example.com); still to sign, any of: paula@example.com pavel@example.com" \
	fleet sign -i petra -y
t "again he counts once" ends 0 "1 of 2 signatures" fleet sign -i petra -y
t "it is not in force" ends 6 "no fleet has been signed" fleet show
t "with the second it is published" ends 0 "fleet 1 is published" \
	fleet sign -i pavel -y
t_eq "the draft is gone" "corp/bundle/fleet.1" "$(fleet_files)"
t "show names both" ends 0 "signed by petra@example.com pavel@example.com" \
	fleet show
t "as JSON too" ends 0 '"pillar/common.yaml"' fleet show --json
t "nothing has changed" ends 0 "nothing has changed" fleet sign -i petra -y
t "and there is no difference" ends 0 "" fleet diff
t_eq "none at all" "" "$(fleet diff 2>&1)"

# --- ssh-keygen is the judge
"$writ" policy signers -C corp >allowed 2>/dev/null
for who in petra pavel; do
	t "ssh-keygen takes $who's signature of the fleet" \
		judged fleet@writ $who@example.com corp/bundle/fleet.1
done
t_not "not for a job" judged job@writ petra@example.com corp/bundle/fleet.1
t_not "not paula's" judged fleet@writ paula@example.com corp/bundle/fleet.1
t "writ tells it in words" ends 0 "fleet by petra@example.com" \
	"$writ" show corp/bundle/fleet.1
t_eq "MANIFEST names what sha256sum says" "" \
	"$(cd corp/fleet && while read -r hash size path; do
		[ "$(sha256sum <"$path")" = "$hash  -" ] &&
			[ "$(wc -c <"$path")" = "$size" ] || echo "$path"
	done <../bundle/"$(jq -r .manifest <<<"$(head -n 1 ../bundle/fleet.1)")")"

# --- the next version
sed -i 's/value: 4000/value: 2000/' corp/fleet/states/limits.yaml
t "the change is shown" ends 0 "+      - {domain: \"*\", type: hard, item: nproc, value: 2000}" \
	fleet diff
t "signed by one" ends 0 "fleet 2: 1 of 2" fleet sign -i petra -y
sed -i 's/value: 2000/value: 1000/' corp/fleet/states/limits.yaml
t "another change makes his signature void" ends 0 "are void" \
	fleet sign -i paula -y
t "the other signs what is there now" ends 0 "fleet 2 is published" \
	fleet sign -i petra -y
t_eq "it names the one before by its first line" \
	"$(head -n 1 corp/bundle/fleet.1 | sha256sum | cut -d' ' -f1)" \
	"$(head -n 1 corp/bundle/fleet.2 | jq -r .previous)"
t "a given end makes a new version" ends 0 "fleet 3: 1 of 2" \
	fleet sign -i petra -y --expires 2030-01-01
t "of the other operator too" ends 0 "fleet 3 is published" \
	fleet sign -i pavel -y --expires 2030-01-01
t_eq "with that end" 2030-01-01T23:59:59Z \
	"$(head -n 1 corp/bundle/fleet.3 | jq -r .expires)"

# --- what is not signed
cp -a corp/fleet good.fleet
restore() { rm -rf corp/fleet && cp -a good.fleet corp/fleet; }
echo x >corp/fleet/run.sh
t "a file that does not belong is refused" ends 4 "run.sh" \
	fleet sign -i petra -y
restore
sed -i 's/nproc/nprocs/' corp/fleet/states/limits.yaml
t "an error of the policy is refused, with its place" \
	ends 1 "states/limits.yaml:" fleet sign -i petra -y
restore
echo x >>corp/bundle/"$(head -n 1 corp/bundle/fleet.3 | jq -r .manifest)"
t "a MANIFEST that was touched is found" ends 5 "differs from its name" \
	fleet show
sed -i '$d' corp/bundle/"$(head -n 1 corp/bundle/fleet.3 | jq -r .manifest)"
t "and whole again it is in force" ends 0 "fleet  3" fleet show
mv corp/bundle/fleet.3 kept
awk '{ print } /END SSH SIGNATURE/ { exit }' kept >corp/bundle/fleet.3
t "one signer short is not in force" ends 1 "expected 2 of the operators" \
	fleet show
mv kept corp/bundle/fleet.3

# --- jobs
printf '%s\n' web-1.example.com 'web-2.example.com since May' '# none' \
	db-1.example.com >hosts
seq -f 'h-%03g.example.com' 100 >many
job() { fleet job -i petra -y "$@"; }
t "a job wants to know for whom" ends 2 "for which hosts" job -o j0
t "and where it goes" ends 2 "-o FILE" job --hosts hosts
t "nobody is never everybody" ends 2 "never for nobody" \
	job --hosts hosts --on "role == 'build'" -o j0
t "what a host says of itself is not asked" ends 2 "id and role alone" \
	job --hosts hosts --on "os == 'debian'" -o j0
t "an expression that is none is refused" ends 4 "--on:1:" \
	job --hosts hosts --on "role =" -o j0
t "so is a step that is none" ends 2 "1,10%" \
	job --hosts hosts --batch 0 -o j0
t "so is no id" ends 2 "no id of a host" job --host '../x' -o j0
t "an officer orders nothing" ends 1 "no operator's" \
	fleet job -i olga -y --hosts hosts -o j0
t_not "none of them left a file" test -e j0 -o -e j0.targets
t "before the key is used it says for whom" \
	ends 0 "enforce fleet 3 on 2 hosts, in batches of 1, 1; at most 0 may fail" \
	job --hosts hosts --on "role == 'web'" -o j1
t_eq "the targets are those" "1 web-1.example.com
2 web-2.example.com" "$(cat j1.targets)"
t_eq "which the job names" "$(sha256sum <j1.targets | cut -d' ' -f1)" \
	"$(head -n 1 j1 | jq -r .targets)"
t_eq "and the fleet" "$(head -n 1 corp/bundle/fleet.3 | sha256sum | cut -d' ' -f1)" \
	"$(head -n 1 j1 | jq -r .bundle)"
t "ssh-keygen takes its signature" judged job@writ petra@example.com j1
t "it replaces nothing" ends 1 "is there already" job --hosts hosts -o j1
t "the second operator sees it and signs" \
	ends 0 "2 web-2.example.com" fleet job -i paula -y --add j1
t "now it has its signatures" ends 0 "j1 has its signatures" \
	fleet job -i paula -y --add j1
t "ssh-keygen takes his too" judged job@writ paula@example.com j1
t "writ tells it in words" ends 0 "mode         enforce" "$writ" show j1
sed -i 's/web-2/web-3/' j1.targets
t "targets that were touched are found" ends 4 "differs from what" \
	fleet job -i pavel -y --add j1
t "a test says so" ends 0 "test fleet 3 on 1 host" \
	job --host web-1.example.com --test -o j2
t_eq "in its mode" test "$(head -n 1 j2 | jq -r .mode)"
t "steps are one, a tenth, the rest" ends 0 "batches of 1, 10, 89;" \
	job --hosts many -o j3
t "or what was said" ends 0 "batches of 5, 25, 50, 20; at most 3 may fail" \
	job --hosts many --batch 5,25%,50% --max-failures 3 -o j4

# --- export
t "a directory for hosts without a master" ends 0 "policy 1 and fleet 3" \
	fleet export exported
t_eq "all statements are there, for those that were off" \
	"fleet.1 fleet.2 fleet.3 policy.1" \
	"$(cd exported/bundle && find . -name '*.[0-9]' -printf '%f\n' | grep -v root | sort | xargs)"
t "it is judged there as here" ends 0 "fleet  3" \
	"$writ" fleet -C exported show
t "again it changes nothing" ends 0 "fleet 3" fleet export exported

# --- an operator leaves
cp -a corp gone
t "a fleet that has ended is not signed" ends 2 "which is past" \
	"$writ" fleet -C gone sign -i pavel -y --expires 2026-01-01
t "until when one counts is said" ends 0 "fleet 4 counts until 2" \
	"$writ" fleet -C gone sign -i pavel -y --expires 50d
t "and to the next one, who began it" ends 1 ", as begun by pavel@example.com" \
	setsid "$writ" fleet -C gone sign -i petra
sed -i -e 's/^version: 1/version: 2/' -e '/pavel@example.com/d' \
	gone/policy/root.yaml
"$writ" policy sign -C gone -i olga -y >gone.log 2>&1
"$writ" policy sign -C gone -i ivan -y >>gone.log 2>&1
t "policy 2 is published" grep -q 'policy 2 is published' gone.log
t "what he signed counts no more where nothing is held" \
	ends 1 "expected 2 of the operators of root 2" \
	"$writ" fleet -C gone show
t "what he began is begun anew" ends 0 "are void" \
	"$writ" fleet -C gone sign -i petra -y
t "those who are left sign the next" ends 0 "fleet 4: 1 of 2" \
	"$writ" fleet -C gone sign -i petra -y --expires 60d
draft_end=$(head -n 1 gone/bundle/draft.fleet | jq -r .expires)
t "and it is in force" ends 0 "fleet 4 is published" \
	"$writ" fleet -C gone sign -i paula -y --expires "$draft_end"
t "he himself does not" ends 1 "no operator's" \
	"$writ" fleet -C gone sign -i pavel -y

# --- what hosts and operators say, each signed by ssh-keygen
realm=$(head -n 1 corp/bundle/fleet.1 | jq -r .realm)
host_key=$(cut -d' ' -f1,2 stranger.pub)
link_key=$(cut -d' ' -f1,2 paula.pub)
# statement TYPE FIELDS: a message of that type in the file TYPE.
statement() {
	printf '{"v":1,"type":"%s","realm":"%s","by":"%s","at":"%s","nonce":"%032d",%s}\n' \
		"$1" "$realm" petra@example.com 2026-03-02T10:00:00Z 7 "$2" >"$1"
}
keys="\"host_key\":\"$host_key\",\"transport_key\":\"$link_key\""
boot='"boot_id":"00000000000000000000000000000001"'
statement enrol "$keys,\"hostname\":\"web-1\",$boot"
statement accept "\"host\":\"web-1\",\"enrol\":\"$realm\",$keys,\"names\":[\"web-1\"],\"renew_until\":\"2027-03-02T10:00:00Z\""
statement reject "\"enrol\":\"$realm\",\"reason\":\"unknown\""
statement rename '"host":"web-1","to":"web-2","names":["web-2"]'
statement forget '"host":"web-1","reason":"scrapped"'
statement token "\"key\":\"$host_key\",\"hosts\":\"web-*\",\"count\":\"1\",\"expires\":\"2026-03-02T18:00:00Z\""
statement renew "\"accept\":\"$realm\",\"key\":\"$host_key\""
statement report "\"seq\":\"1\",\"kind\":\"heartbeat\",$boot,\"root_version\":\"1\",\"policy_version\":\"1\",\"fleet_version\":\"3\",\"krl_version\":\"0\",\"quiet\":\"0\""
for type in enrol accept reject rename forget token renew report; do
	ssh-keygen -q -Y sign -n "$type@writ" -f petra <"$type" >block
	cat "$type" block >"$type.signed"
	t "$type: ssh-keygen signs, writ verifies and tells" \
		ends 0 "$type by petra@example.com" "$writ" show "$type.signed"
	ssh-keygen -q -Y sign -n job@writ -f petra <"$type" >block
	cat "$type" block >"$type.other"
	t "$type: a job's signature does not count" \
		ends 4 "signature 1" "$writ" show "$type.other"
done

t_done
