#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a policy comes into force when, and only when, the persons
# that it asks for have signed it, and there is no way back to an older one.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

writ=$O/writ
cd "$T" || exit 1
export HOME=$T
for who in olga ivan igor petra alice subject; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done

# Not named so: neither status nor the rest matter.
lacks() {
	local part=$1

	shift
	! "$@" 2>&1 </dev/null | grep -qF -- "$part"
}

policy() {
	local sub=$1

	shift
	"$writ" policy "$sub" -C corp "$@"
}
edit_root() { sed -i "$@" corp/policy/root.yaml; }

# --- init
t "init makes a deployment" ends 0 "For the minutes" "$writ" init corp \
	--officer olga@example.com=olga.pub --officer ivan@example.com=ivan.pub \
	--officer igor@example.com=igor.pub --operator petra@example.com=petra.pub
t_eq "its keys are nobody else's to read, but for a public half" \
	"600 600 600 600 600 600 644 corp/keys/transport.pub" \
	"$(stat -c '%a %n' corp/keys/* corp/emergency/keys/* | sort |
		sed 's/^600 .*/600/' | xargs)"
t_eq "it has signed nothing" "" "$(find corp -path '*/bundle/*')"
for name in user_ca host_ca ca_log; do
	t_eq "$name.pub is the public half of keys/$name" \
		"$(ssh-keygen -y -f corp/keys/$name | cut -d' ' -f1,2)" \
		"$(cut -d' ' -f1,2 corp/policy/authorities/$name.pub)"
done
t "init replaces nothing" ends 1 "is there already" "$writ" init corp \
	--officer olga@example.com=olga.pub --officer ivan@example.com=ivan.pub
mkdir half
mkdir half/keys
t "not even a part of one" ends 1 "half/keys is there already" \
	"$writ" init half --officer olga@example.com=olga.pub --single-officer
t_eq "and leaves it as it was" "half/keys" "$(find half -mindepth 1)"
t "one officer alone is refused" ends 1 "--single-officer" \
	"$writ" init single --officer olga@example.com=olga.pub
t_not "without a directory left behind" test -e single
t "one officer with two keys is one officer" ends 1 "--single-officer" \
	"$writ" init single --officer olga@example.com=olga.pub \
	--officer olga@example.com=ivan.pub
t "one officer who says so is enough" ends 0 "" "$writ" init single \
	--officer olga@example.com=olga.pub --single-officer
t "the check warns of him" ends 0 "one officer" \
	"$writ" policy check -C single
t "and his signature publishes" ends 0 "policy 1 is published" \
	"$writ" policy sign -C single -i olga -y

# --- adopting a CA
ssh-keygen -q -t ecdsa -b 384 -N '' -C old -f old_ca
openssl genpkey -algorithm ed25519 -out old.pem 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out sec1.pem 2>/dev/null
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072 -out rsa.pem \
	2>/dev/null
chmod 600 ./*.pem
for ca in old_ca old.pem sec1.pem rsa.pem; do
	d=adopt-$ca
	t "init adopts $ca" ends 0 "user_ca" "$writ" init "$d" \
		--single-officer --officer olga@example.com=olga.pub \
		--user-ca $ca
	# What ssh-keygen makes of the copy: the judge of format and of key.
	t_eq "the copy of $ca has the key of user_ca.pub" \
		"$(cut -d' ' -f1,2 "$d/policy/authorities/user_ca.pub")" \
		"$(ssh-keygen -y -f "$d/keys/user_ca" | cut -d' ' -f1,2)"
done
t_eq "it is the same key as before" "$(cut -d' ' -f1,2 old_ca.pub)" \
	"$(cut -d' ' -f1,2 adopt-old_ca/policy/authorities/user_ca.pub)"
ssh-keygen -q -t rsa -b 2048 -N '' -f weak
t "a CA of 2048 bits is refused" ends 1 "3072" "$writ" init weak.d \
	--single-officer --officer olga@example.com=olga.pub --user-ca weak

# --- passphrases, as ssh(1) asks for them without a terminal
cat >askpass <<END
#!/bin/sh
echo "right \$(cat "$T/word")"
END
chmod 755 askpass
echo word >word
export SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=force
t "init encrypts the keys" ends 0 "" "$writ" init secret --passphrase \
	--single-officer --officer olga@example.com=olga.pub
t_not "without the passphrase ssh-keygen cannot read one" \
	ssh-keygen -y -P '' -f secret/keys/user_ca
t "with it, it can" ssh-keygen -y -P 'right word' -f secret/keys/user_ca
t "the key of the log is asked for" ends 0 "policy 1 is published" \
	"$writ" policy sign -C secret -i olga -y
echo wrong >word
echo >>secret/policy/ca.yaml
t "another passphrase publishes nothing" ends 4 "passphrase" \
	"$writ" policy sign -C secret -i olga -y
t "policy 1 stays" ends 0 "policy 1" "$writ" policy show -C secret
unset SSH_ASKPASS SSH_ASKPASS_REQUIRE

# --- the first version: the root threshold, persons and not keys
mkdir empty
for words in "policy show" "policy log" "config sshd" "fleet status"; do
	# shellcheck disable=SC2086 # they are words
	t "$words needs a deployment" ends 6 "'empty' is no deployment" \
		"$writ" $words -C empty
	t "  and says how one is named" says out '-C DIR names one'
	t "  not that something is to be signed" lacks 'policy sign' cat out
done
t "a working copy is looked for there too" ends 6 '-C DIR names' \
	"$writ" policy check -C empty
t "a file is no deployment either" ends 6 'alice.pub' \
	"$writ" policy show -C alice.pub
t "nothing is in force yet" ends 6 "no policy has been signed" policy show
t "the check says that it works" ends 0 "policy works" policy check
t "the difference is all of it" ends 0 "+thresholds:" policy diff
t "olga signs" ends 0 "1 of 2 signatures (olga@example.com)" \
	policy sign -i olga -y
t "who is missing is named" ends 0 \
	"still to sign, any of: igor@example.com ivan@example.com" \
	policy sign -i olga -y
t "signing again adds nothing" ends 0 "1 of 2 signatures" \
	policy sign -i olga -y
t "an operator is no officer" ends 1 "is no officer's" policy sign -i petra -y
t "still nothing is in force" ends 6 "no policy has been signed" policy show
sed -i 's/max: 90d/max: 60d/' corp/policy/ca.yaml
t "a change voids what olga signed of it" ends 0 "signatures are void" \
	policy sign -i ivan -y
t "policy 1 is in force by then" ends 0 "policy 1" policy show
realm=$(python3 -c 'import base64, hashlib, sys
d = hashlib.sha256(open(sys.argv[1], "rb").read()).digest()
print(base64.b64encode(d).decode().rstrip("="))' corp/policy/root.yaml)
t_eq "a SHA-256 in base64 has 43 characters" 43 "${#realm}"
t "the realm is the hash of root.yaml" ends 0 "SHA256:$realm" policy show
t "signing what has not changed is a success" ends 0 "nothing has changed" \
	policy sign -i igor -y
t_eq "there is no difference" "" "$(policy diff)"
# A draft may come from anybody: what it would hide from who looks at it.
cp corp/policy/ca.yaml kept.yaml
printf 'evil: 1\rgood: 1\n# \033[8mhidden\n' >>corp/policy/ca.yaml
t "the difference moves no cursor" ends 0 '+evil: 1\x0dgood: 1' policy diff
t "and hides nothing" ends 0 '+# \x1b[8mhidden' policy diff
mv kept.yaml corp/policy/ca.yaml

# --- the next ones: one officer is enough for what is not root.yaml
cat >>corp/policy/ca.yaml <<'END'
  deploy:
    to: [alice@example.com]
    principals: [deploy]
    max: 8h
    approve: [{approvers: 1}]
END
printf 'keys: ["%s"]\n' "$(cat alice.pub)" \
	>corp/policy/people/alice@example.com.yaml
t "the difference names the file and the line" ends 0 \
	"+    principals: [deploy]" policy diff
t "nobody answers, nothing is signed" ends 1 "not signed" \
	setsid "$writ" policy sign -C corp -i igor
t_not "no draft is left" test -e corp/bundle/draft.policy
t "one officer publishes version 2" ends 0 "policy 2 is published" \
	policy sign -i igor -y
t_eq "the emergency directory has it" \
	"$(sha256sum <corp/bundle/policy.2)" \
	"$(sha256sum <corp/emergency/bundle/policy.2)"
t_eq "log lists both, and who signed" "1 2 igor@example.com" \
	"$(policy log --json | jq -r '[.[0].version, .[1].version,
		.[1].signed_by] | map(tostring) | join(" ")')"
t_eq "csv has a line each" 3 "$(policy log --csv | wc -l)"
t "who: for a principal" ends 0 "alice@example.com" policy who \
	--principal deploy
t "who: a principal on one host as well" ends 0 "alice@example.com" \
	policy who --principal deploy@web1
t "who: not for another" lacks alice policy who --principal root
t "who: for a person" ends 0 "deploy" policy who --person alice@example.com
t "who: nobody of that name" ends 6 "is nobody in the policy" \
	policy who --person mallory@example.com
t_eq "show has the grant in JSON" "8h" "$(policy show --json |
	jq -r '.grants[] | select(.name == "deploy") | .max')"

# --- signers: the file that stock ssh-keygen wants
policy signers >allowed_signers 2>/dev/null
head -n 1 corp/bundle/policy.2 >message
tail -n +2 corp/bundle/policy.2 >message.sig
t "ssh-keygen verifies the policy with it" sh -c \
	'ssh-keygen -Y verify -f allowed_signers -I igor@example.com \
	-n policy@writ -s message.sig <message'
t_not "an engineer's key does not sign policy in it" grep -q \
	'^alice@example.com .*policy@writ' allowed_signers
t "a key of the log signs revocation lists alone" grep -q \
	'^ca_log namespaces="krl@writ" ' allowed_signers

# --- expiry
t "an expiry may be said" ends 0 "policy 3 is published" \
	policy sign -i olga -y --expires 20d
t "it is near, and each command says so" ends 0 "warning" policy show
t "without a change it can be signed again near its end" ends 0 \
	"policy 4 is published" policy sign -i olga -y
t "an expiry that is none" ends 2 "--expires is 'soon'" \
	policy sign -i olga -y --expires soon

# --- root rotation: igor goes; the old and the new threshold
cp corp/policy/root.yaml root.1
edit_root '/igor@example.com/,/ssh-ed25519/d'
t "who has no key any more is named" ends 1 "'igor@example.com' has no keys" \
	policy check
sed -i '/igor@example.com": {groups/d; s/to: \["igor/to: ["ivan/' \
	corp/policy/ca.yaml
t "root.yaml without its next version is refused" ends 1 "expected 2" \
	policy sign -i olga -y
edit_root 's/^version: 1/version: 3/'
t "nor with the one after that" ends 1 "expected 2" policy sign -i olga -y
edit_root 's/^version: 3/version: 2/'
t "olga's is one of the two" ends 0 \
	"root.yaml 2: 1 of 2 signatures (olga@example.com)" \
	policy sign -i olga -y
t "igor's counts for the old root and not for the new" ends 0 \
	"still to sign, any of: ivan@example.com" policy sign -i igor -y
t "policy 4 is still in force" ends 0 "policy 4" policy show
t "ivan's completes both" ends 0 "policy 5 is published" \
	policy sign -i ivan -y
t "root 2 is in force" ends 0 "root   2" policy show
t "the realm stays" ends 0 "SHA256:${realm%=}" policy show
policy signers >allowed_signers 2>/dev/null
t_not "igor is nobody" grep -q '^igor@' allowed_signers
echo '# one more' >>corp/policy/ca.yaml
t "igor signs nothing any more" ends 1 "is no officer's" \
	policy sign -i igor -y

# --- a threshold raised: two for policy, too
edit_root 's/^version: 2/version: 3/; s/policy: 1/policy: 2/'
policy sign -i olga -y >/dev/null 2>&1
t "root 3 raises the threshold of policy" ends 0 "policy 6 is published" \
	policy sign -i ivan -y
echo '# and more' >>corp/policy/ca.yaml
t "from then on one is not enough" ends 0 "policy 7: 1 of 2 signatures" \
	policy sign -i olga -y
t "two are" ends 0 "policy 7 is published" policy sign -i ivan -y

# --- no way back
cp -a corp saved
rm corp/bundle/policy.7
t "a bundle taken back is refused where something is signed" ends 1 \
	"policy version 6 is older than 7" "$writ" krl -C corp -o list.krl
rm -rf corp
cp -a saved corp
rm -f corp/bundle/policy.[34567] corp/bundle/root.[23]*
t "with its root as well" ends 1 \
	"older" "$writ" krl -C corp -o list.krl
t_not "and nothing was written" test -e list.krl
rm -rf corp
cp -a saved corp
cp saved/bundle/policy.5 corp/bundle/policy.8
t "an old version under a new name is refused" ends 1 "" \
	"$writ" krl -C corp -o list.krl
rm corp/bundle/policy.8
t "and all is well without it" ends 0 "policy 7" policy show

# --- the contract's policy, every construct, with real keys
mkdir contract
cp -a "$TOP/tests/data/policy/contract" contract/policy
t "the contract's policy is accepted" ends 0 "policy works" \
	"$writ" policy check -C contract
t "with warnings" ends 0 "warning:" "$writ" policy check -C contract
cp -a "$TOP/policies/small-company" company
t "the small company's has placeholders for keys, each named" ends 1 \
	"placeholder" "$writ" policy check -C company
t_done
