#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: who signs a policy is told what it is that others began, and no
# signature that cannot count is taken for one that does; what is shown of a policy
# is what it says.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

writ=$O/writ
cd "$T" || exit 1
export HOME=$T
for who in olga ivan igor dora further alice; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done

policy() {
	local sub=$1

	shift
	"$writ" policy "$sub" -C corp "$@"
}

# The draft of ivan, with this done to its first line.
forge_draft() {
	head -n 1 corp/bundle/draft.policy | sed "$1" >forged
	rm -f forged.sig
	ssh-keygen -q -Y sign -f ivan -n policy@writ forged 2>/dev/null
	cat forged forged.sig >corp/bundle/draft.policy
}

"$writ" init corp --officer olga@example.com=olga.pub \
	--officer ivan@example.com=ivan.pub --officer igor@example.com=igor.pub \
	>/dev/null 2>&1
sed -i 's/policy: 1/policy: 2/' corp/policy/root.yaml
sed -i '/^grants:/,$d' corp/policy/ca.yaml
cat >>corp/policy/ca.yaml <<'END'
grants:
  deploy:
    to: [alice@example.com]
    principals: [deploy]
    max: 8h
    hours: {days: mon-fri, from: "07:00", to: "20:00", zone: Europe/Vilnius}
    verify_required: yes
    extensions: [permit-pty, permit-port-forwarding]
    approve: none
END
printf 'keys: ["%s"]\n' "$(cat alice.pub)" \
	>corp/policy/people/alice@example.com.yaml

# --- until when
for past in 2020-01-01 "$(date -u -d yesterday +%F)"; do
	t "$past is no end of what is signed now" ends 2 \
		"--expires is '$past', which is past" \
		policy sign -i ivan -y --expires "$past"
done
t_not "nor is it a draft" test -e corp/bundle/draft.policy

# --- a draft that another officer began
t "ivan signs" ends 0 "policy 1: 1 of 2" policy sign -i ivan -y
cp corp/bundle/draft.policy honest
forge_draft 's/EET-2EEST/EET-9EEST/'
t "a rule of a time zone that he made up is not signed after him" ends 1 \
	"time zone Europe/Vilnius has the rule EET-9EEST" \
	policy sign -i olga -y
t_eq "nothing of it" 1 "$(grep -c BEGIN corp/bundle/draft.policy)"
cp honest corp/bundle/draft.policy
forge_draft 's/"expires":"20/"expires":"90/'
t "until when is said before it is signed" ends 1 \
	"policy 1 counts until 90" setsid "$writ" policy sign -C corp -i olga
t "  and who began it" says out "ivan@example.com"
cp honest corp/bundle/draft.policy
t "what is honest is signed" ends 0 "policy 1 is published" \
	policy sign -i igor -y

# --- a key that root.yaml does not have
cp corp/policy/ca.yaml ca.yaml
sed -i "s|\"olga@example.com\": {|&keys: [\"$(cat further.pub)\"], |" \
	corp/policy/ca.yaml
t "a further key of an officer's signs no policy" ends 1 \
	"of olga@example.com is not in root.yaml" policy sign -i further -y
t_not "not a draft either" test -e corp/bundle/draft.policy
policy sign -i olga -y >/dev/null 2>&1
t "her key there does" ends 0 "policy 2 is published" policy sign -i igor -y
policy signers >allowed_signers 2>/dev/null
further=$(cut -d' ' -f2 further.pub)
t "the file for ssh-keygen has both" test \
	"$(grep -c '^olga@example.com ' allowed_signers)" = 2
t_eq "with the further one for what it counts for" \
	'namespaces="request@writ,decision@writ,revoke@writ,key@writ"' \
	"$(grep -F "$further" allowed_signers | cut -d' ' -f2)"

# --- what is shown
t "who: the days belong to the hours" ends 0 \
	"mon,tue,wed,thu,fri 07:00-20:00 Europe/Vilnius" \
	policy who --principal deploy
t "who: a key that must ask for its user" says out "PIN or finger at each login"

# --- igor goes, dora comes; he is the first to sign
sed -i "/igor@example.com/,/ssh-ed25519/d; s/^version: 1/version: 2/" \
	corp/policy/root.yaml
sed -i "s|^officers:|&\n  dora@example.com:\n    keys: [\"$(cat dora.pub)\"]|" \
	corp/policy/root.yaml
sed -i '/igor@example.com": {groups/d' corp/policy/ca.yaml
t "who leaves signs" ends 0 "policy 3: 0 of 2 signatures ()" \
	policy sign -i igor -y
t "the root" grep -q '"by":"igor@example.com"' corp/bundle/draft.root
t_not "and not the policy, of which he has no say" \
	test -e corp/bundle/draft.policy
t "then the others" ends 0 "policy 3: 1 of 2" policy sign -i olga -y
t "complete both" ends 0 "policy 3 is published" policy sign -i dora -y
t_eq "the log has those who signed each by the root of its time" \
	"igor@example.com ivan@example.com, dora@example.com olga@example.com" \
	"$(policy log --json | jq -r '[.[0, 2].signed_by | split(" ") | sort |
		join(" ")] | join(", ")')"
t_done
