#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a master that is not honest can have a host do nothing that
# operators have not signed, and is found out: each attack of the table in
# hostilemaster.py changes nothing on the host, and raises one alarm.
# In a mount namespace of its own: states write to /etc.  Nor does the agent's
# link become another user in what a user namespace makes of somebody.
#
# Needs root.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1-}" != inside ]; then
	way=(unshare --mount)
	if ! "${way[@]}" true 2>/dev/null; then
		t_skip 'hostile master' 'no mount namespace can be had here'
		t_done
		exit
	fi
	rm -rf "$T" # the one inside has its own
	exec "${way[@]}" bash "$TOP/tests/interop/93-hostile-master.sh" inside
fi

# shellcheck source=tests/interop/fleet.sh
. "$(dirname "$0")/fleet.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$T" || exit 1
mkdir etc-limits
mount --make-rprivate / && mount --bind etc-limits /etc/security/limits.d || exit 1

fleet_people
for who in ivan stranger master other hostkey otherhost; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done
{
	"$O/writ" init corp --officer olga@example.com=olga.pub \
	    --officer ivan@example.com=ivan.pub \
	    --operator petra@example.com=petra.pub \
	    --operator piet@example.com=piet.pub
	sed -i 's/^\( *policy:\) [0-9]*/\1 2/; s/^\( *fleet:\) [0-9]*/\1 2/' corp/policy/root.yaml
	cp master.pub corp/policy/authorities/master_1.pub
} >setup.log 2>&1
python3 - <<'END' >>setup.log 2>&1
p = 'corp/policy/ca.yaml'
s = open(p).read()
s = s.replace('  log: [', '  master: [master_1]\n  log: [', 1)
open(p, 'w').write(s)
END
for who in olga ivan; do
	"$O/writ" policy sign -C corp -i "$who" -y >>setup.log 2>&1 </dev/null
done
cp -a corp/fleet fleet.before 2>/dev/null

fleet_make elsewhere

as=root
[ "$(id -u)" -ne 0 ] || ! id nobody >/dev/null 2>&1 || as=nobody
[ -e /proc/self/uid_map ] && ! grep -q 4294967295 /proc/self/uid_map && as=root
[ "$as" = root ] || chmod 711 "$T"
PORT=$(t_ports 25100) ROOT=$(fleet_root corp) AS=$as \
    python3 -B "$here/hostilemaster.py" "$T" >table.out 2>table.err
while IFS= read -r line; do
	case $line in
	'ok '*) t_ok "${line#ok }" ;;
	'FAIL '*) t_fail "${line#FAIL }" ;;
	*) printf '    %s\n' "$line" ;;
	esac
done <table.out
[ -s table.err ] && sed 's/^/    /' table.err
t_eq 'the table is gone through' '' "$(cat table.err)"
t_done
