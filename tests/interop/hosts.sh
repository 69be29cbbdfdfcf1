# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after lib.sh: what hosts and operators say, signed by stock ssh-keygen,
# of the deployment in `ca`.
#
#	hosts_make		that deployment, with petra, an operator, and the
#				master master_1; after ca.sh
#	hosts_grant FILE	a ca.yaml's grant for hosts, in place of another
#	host_key NAME		keys NAME.hk and NAME.tk, host's and transport's
#	said FILE TYPE BY FIELDS KEY...	a statement by BY, signed by each KEY;
#				FIELDS is '"host":"web-1",...'; WHEN is its time
#	id_of FILE		its name
#	key_of FILE		a public key as statements have it
#	enrols NAME		NAME.enrol
#	accepts NAME ID BY [FIELDS [NAMES]]	NAME.accept by the operator BY
#	renews NAME ID [KEY]	NAME.renew on NAME.accept

: "${writ?}" "${ca_log?}"

host_realm() { sha256sum <ca/bundle/root.1.yaml | cut -c1-64; }
id_of() { head -n 1 "$1" | sha256sum | cut -c1-64; }
key_of() { cut -d' ' -f1,2 "$1.pub"; }
in_days() { date -u -d "+$1 days" +%Y-%m-%dT%H:%M:%SZ; }

host_key() {
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1.hk" &&
		ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1.tk"
}

said() {
	local file=$1 type=$2 by=$3 fields=$4 key at

	shift 4
	at=${WHEN:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}
	printf '{"v":1,"type":"%s","realm":"%s","by":"%s","at":"%s","nonce":"%s",%s}\n' \
		"$type" "$(host_realm)" "$by" "$at" \
		"$(head -c 16 /dev/urandom | xxd -p)" "$fields" >said.tmp
	cp said.tmp "$file"
	for key; do
		rm -f said.tmp.sig
		ssh-keygen -q -Y sign -n "$type@writ" -f "$key" said.tmp \
			2>/dev/null || return
		cat said.tmp.sig >>"$file"
	done
	rm -f said.tmp said.tmp.sig
}

enrols() {
	said "$1.enrol" enrol "$1.example.com" \
		"\"host_key\":\"$(key_of "$1.hk")\",\"transport_key\":\"$(
		key_of "$1.tk")\",\"hostname\":\"$1\",\"boot_id\":\"$(
		head -c 16 /dev/urandom | xxd -p)\"" "$1.hk" "$1.tk"
}

accepts() {
	said "$1.accept" accept "$3@example.com" "\"host\":\"$2\",\"enrol\":\"$(
		id_of "$1.enrol")\",\"host_key\":\"$(key_of "$1.hk")\",\
\"transport_key\":\"$(key_of "$1.tk")\",\"names\":${5:-[\"$2\"]},\
\"renew_until\":\"$(in_days "${UNTIL:-365}")\"${4:+,$4}" "$3"
}

renews() {
	said "$1.renew" renew "$2" "\"accept\":\"$(id_of "$1.accept")\",\
\"key\":\"$(key_of "${3:-$1.hk}")\"" "${3:-$1.hk}"
}

hosts_grant() {
	sed -i '/^  hosts:/,$d' "$1"
	cat >>"$1" <<-'END'
	  hosts:
	    kind: host
	    to: [petra@example.com]
	    principals: ["*.example.com"]
	    accepted_hosts: yes
	    max: 30d
	    approve: [{approvers: 1}]
	END
}

hosts_make() {
	ca_people
	ca_key ed25519 petra
	ca_key ed25519 master_1
	{
		"$writ" init ca --officer olga@example.com=olga.pub \
			--officer ivan@example.com=ivan.pub \
			--operator petra@example.com=petra.pub || return
		ca_policy ca/policy
		hosts_grant ca/policy/ca.yaml
		cp master_1.pub ca/policy/authorities/
		sed -i 's/^  log: .*/&\n  master: [master_1]/' ca/policy/ca.yaml
		sed -i 's/groups: \[engineers\]/groups: [engineers, approvers]/' \
			ca/policy/people/alice@example.com.yaml
		"$writ" policy sign -C ca -i olga -y &&
			"$writ" policy sign -C ca -i ivan -y
	} >>"$ca_log" 2>&1 </dev/null
}
