# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after lib.sh: deployments in directories, and certificates of them.
#
#	ca_people		keys of olga and ivan, officers, and of alice, in
#				the current directory
#	ca_make DIR [OPTION...]	DIR with policy 1 in force; OPTIONs are those of
#				writ init; HOST_CA=KEY adopts a host CA as well
#	ca_cert DIR KEY [OPTION...]	alice's request for KEY.pub, and what
#				comes of it: KEY.req and KEY-cert.pub; OPTIONs
#				are those of writ request
#	ca_key TYPE FILE	a key: ed25519 ecdsa256 ecdsa384 ecdsa521 rsa3072
#	ca_serial CERT		its serial, as ssh-keygen has it
#	ca_signed_by FILE KEY.pub	the one signature of a checkpoint is by
#				that key
#
# What goes wrong is in $ca_log.

writ=$O/writ
ca_log=$T/ca.log
export HOME=$T TZ=UTC

ca_key() {
	case $1 in
	ecdsa*) set -- ecdsa "${1#ecdsa}" "$2" ;;
	rsa*) set -- rsa "${1#rsa}" "$2" ;;
	*) set -- "$1" 256 "$2" ;;
	esac
	ssh-keygen -q -t "$1" -b "$2" -N '' -C "$3" -f "$3"
}

ca_people() {
	local who

	for who in olga ivan alice; do
		ca_key ed25519 $who
	done
}

# Nobody needs to approve: who may ask for what is tried elsewhere.
ca_policy() {
	sed -i '/^grants:/,$d' "$1/ca.yaml"
	cat >>"$1/ca.yaml" <<-'END'
	grants:
	  work:
	    to: [engineers]
	    principals: [deploy, viewer]
	    max: 8h
	    extensions: [permit-X11-forwarding, permit-agent-forwarding,
	      permit-port-forwarding, permit-pty, permit-user-rc]
	    approve: none
	  limited:
	    to: [engineers]
	    principals: [limited]
	    max: 1h
	    source: [127.0.0.0/8, "::1"]
	    force_command: echo by policy
	    extensions: []
	    approve: none
	  pinned:
	    to: [engineers]
	    principals: [pinned]
	    max: 1h
	    verify_required: yes
	    approve: none
	  untouched:
	    to: [engineers]
	    principals: [untouched]
	    max: 1h
	    extensions: [no-touch-required]
	    approve: none
	  hosts:
	    kind: host
	    to: [engineers]
	    principals: ["*.example.com"]
	    max: 90d
	    approve: none
	END
	printf 'keys: ["%s"]\ngroups: [engineers]\n' "$(cat alice.pub)" \
		>"$1/people/alice@example.com.yaml"
}

ca_make() {
	local dir=$1

	shift
	{
		"$writ" init "$dir" --officer olga@example.com=olga.pub \
			--officer ivan@example.com=ivan.pub "$@" || return 1
		if [ -n "${HOST_CA:-}" ]; then
			cp -p "$HOST_CA" "$dir/keys/host_ca"
			cp "$HOST_CA.pub" "$dir/policy/authorities/host_ca.pub"
		fi
		ca_policy "$dir/policy"
		"$writ" policy sign -C "$dir" -i olga -y &&
			"$writ" policy sign -C "$dir" -i ivan -y
	} >>"$ca_log" 2>&1
}

ca_cert() {
	local dir=$1 key=$2

	shift 2
	rm -f "$key.req" "$key-cert.pub"
	{
		"$writ" request -C "$dir" -m 'a test of logins' -i alice \
			--key "$key.pub" -o "$key.req" "$@" &&
			"$writ" sign -C "${CA_SIGN:-$dir}" "$key.req" \
				-o "$key-cert.pub"
	} >>"$ca_log" 2>&1
}

ca_serial() {
	ssh-keygen -L -f "$1" | awk '$1 == "Serial:" { print $2 }'
}

# As c2sp.org/signed-note has it, the id of a key is the hash of name and key.
ca_signed_by() {
	python3 - "$1" "$2" <<'END'
import base64, hashlib, sys
note = open(sys.argv[1]).read()
origin = note.split("\n")[0]
blob = base64.b64decode(open(sys.argv[2]).read().split()[1])
want = hashlib.sha256(origin.encode() + b"\n\x01" + blob[-32:]).digest()[:4]
line = note.rstrip("\n").split("\n")[-1].split(" ")
assert line[0] == "\u2014" and line[1] == origin, line
assert base64.b64decode(line[2])[:4] == want
END
}
