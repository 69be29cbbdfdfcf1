#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the baseline that policies/ ships for a fleet can be adopted
# as it is, beside the policy that `writ init` makes.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

for person in olga ivan petra; do
	ssh-keygen -q -t ed25519 -N '' -f "$person" -C "$person"
done
t 'init' "$O/writ" init corp --officer olga@example.com=olga.pub \
    --officer ivan@example.com=ivan.pub --operator petra@example.com=petra.pub
rm -rf corp/fleet
cp -r "$TOP/policies/debian-12/fleet" corp/
t 'the baseline works' "$O/writ" fleet check -C corp
plan() {
	"$O/writ" fleet plan -C corp --host "$1" --grain os=debian
}
plan web-1.example.com >web.plan
plan db-1.example.com >db.plan
t_has 'a web server opens its ports' "$(sed -n '/^firewall-web:/,/^$/p' web.plan)" \
    'port: [80, 443]'
t_not 'and another host does not' grep -q 'port: \[80, 443\]' \
    <(sed '/# not here/,/^$/d' db.plan)
t_has 'the pillar is put in' "$(cat db.plan)" 'Port: 22'
t_has 'and the id of the host' "$(cat db.plan)" 'deploy@db-1.example.com'
while read -r word; do
	t "$word has a reason" grep -q '^  why: ' \
	    <(sed -n "/^$word:/,/^$/p" corp/fleet/states/*.yaml)
done < <(sed -n 's/^\([a-z][a-z0-9-]*\):.*/\1/p' corp/fleet/states/*.yaml)
t_done
