# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after lib.sh: a deployment with a fleet, and its bundle signed by stock
# ssh-keygen, which is all that it takes.
#
#	fleet_people		keys of olga, an officer, and of petra and piet,
#				operators, in the current directory
#	fleet_make DIR		DIR with policy 1 in force; DIR/fleet is empty
#	fleet_sign DIR KEY	DIR/fleet as the next version, by the operator KEY
#	fleet_corp		after ca.sh: corp, whose policy is the one of ca_policy
#				and names a master, master_1.pub; petra signs its fleet
#	fleet_root DIR		the root's fingerprint, as hosts are told it
#
# What goes wrong is in $fleet_log.

fleet_log=$T/fleet.log
export HOME=$T TZ=UTC

fleet_people() {
	local who

	for who in olga petra piet; do
		ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
	done
}

fleet_make() {
	{
		"$O/writ" init "$1" --single-officer \
		    --officer olga@example.com=olga.pub \
		    --operator petra@example.com=petra.pub \
		    --operator piet@example.com=piet.pub &&
		    "$O/writ" policy sign -C "$1" -i olga -y
	} >>"$fleet_log" 2>&1 </dev/null && rm -rf "$1/fleet" &&
	    mkdir -p "$1/fleet/states" "$1/fleet/pillar"
}

fleet_corp() {
	ca_people
	ca_key ed25519 petra
	ca_key ed25519 master_1
	"$O/writ" init corp --single-officer --officer olga@example.com=olga.pub \
	    --operator petra@example.com=petra.pub
	ca_policy corp/policy
	cp master_1.pub corp/policy/authorities/
	sed -i 's/^  log: \(.*\)$/  log: \1\n  master: [master_1]/' \
	    corp/policy/ca.yaml
	"$O/writ" policy sign -C corp -i olga -y
	rm -rf corp/fleet
	mkdir -p corp/fleet/states corp/fleet/pillar
	printf 'masters: [{address: m1.example.com, key: master_1}]\n' \
	    >corp/fleet/fleet.yaml
	printf 'states: []\n' >corp/fleet/top.yaml
	fleet_sign corp petra
} >>"$fleet_log" 2>&1 </dev/null

fleet_hash() {
	sha256sum | cut -d' ' -f1
}

fleet_root() {
	printf 'SHA256:%s\n' "$(sha256sum "$1/bundle/root.1.yaml" |
	    cut -d' ' -f1 | xxd -r -p | base64 | tr -d =)"
}

# The files go in under their hashes, and what names them last.
fleet_sign() {
	local dir=$1 key=$2 n=1 previous='' path manifest line field size

	while [ -e "$dir/bundle/fleet.$n" ]; do
		previous=$(head -n 1 "$dir/bundle/fleet.$n" | fleet_hash)
		n=$((n + 1))
	done
	manifest=$(cd "$dir/fleet" && find . -type f | sed 's,^\./,,' |
	    LC_ALL=C sort | while read -r path; do
		size=$(stat -c %s "$path")
		field=$(fleet_hash <"$path")
		cp "$path" "../bundle/$field"
		printf '%s %s %s\n' "$field" "$size" "$path"
	done)
	printf '%s\n' "$manifest" >"$dir/bundle/manifest.tmp"
	field=$(fleet_hash <"$dir/bundle/manifest.tmp")
	size=$(stat -c %s "$dir/bundle/manifest.tmp")
	mv "$dir/bundle/manifest.tmp" "$dir/bundle/$field"
	line='{"v":1,"type":"fleet"'
	line+=",\"realm\":\"$(fleet_hash <"$dir/bundle/root.1.yaml")\""
	line+=",\"by\":\"$key@example.com\""
	line+=",\"at\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\""
	line+=",\"nonce\":\"$(head -c 16 /dev/urandom | xxd -p)\""
	line+=",\"version\":\"$n\""
	line+=",\"expires\":\"$(date -u -d '+90 days' +%Y-%m-%dT%H:%M:%SZ)\""
	line+=",\"manifest\":\"$field\",\"size\":\"$size\""
	[ -z "$previous" ] || line+=",\"previous\":\"$previous\""
	line+='}'
	printf '%s\n' "$line" >statement.tmp
	ssh-keygen -q -Y sign -f "$key" -n fleet@writ statement.tmp \
	    2>>"$fleet_log"
	cat statement.tmp statement.tmp.sig >"$dir/bundle/fleet.$n"
	rm -f statement.tmp statement.tmp.sig
}
