#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the service as packaging has it. What `make install` puts
# down is booted by a real systemd, each process in its unit's sandbox and as its
# user; people ask, approve and log in with stock ssh; restarts, deaths, reloads
# and a boot lose no request; and it stops in order.
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/interop/ca.sh
. "$here/../interop/ca.sh"
# shellcheck source=tests/system/units.sh
. "$here/units.sh"

readonly UNITS=(signer notify keeper front)
readonly HOME_OF_CA=/var/lib/writ

# state PROPERTY NAME: of a unit of the service.
state() {
	on ca systemctl show --value -p "$1" "writ-ca-$2"
}

# another NAME PID: it runs, and is not the process that it was.
another() {
	[ "$(state ActiveState "$1")" = active ] &&
	    [ "$(state MainPID "$1")" != "$2" ]
}

# ask_ca NAME WORD...: stock ssh as that person.
ask_ca() {
	local who=$1

	shift
	near timeout 30 ssh -F none -p 2022 -o BatchMode=yes \
	    -o IdentitiesOnly=yes -o IdentityFile="$T/$who" \
	    -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$T/known" \
	    -o LogLevel=ERROR "$address" "$@"
}

# written NAME: alice's request for a key NAME, in NAME.req; its id is $id.
written() {
	ca_key ed25519 "$1"
	"$writ" request -C corp -m "a reason for $1" -i alice \
	    --key "$1.pub" -o "$1.req" \
	    --grant careful deploy >>"$ca_log" 2>&1 ||
	    tail -n 3 "$ca_log"
	id=$(head -n 1 "$1.req" | sha256sum | cut -c1-64)
}

asked() {
	ask_ca alice submit <"$1.req"
}

# approved NAME ID: by olga, with ssh and ssh-keygen alone; NAME-cert.pub.
approved() {
	rm -f d d.sig
	ask_ca olga decision "$2" approve </dev/null >d || return
	ssh-keygen -q -Y sign -n decision@writ -f olga d 2>/dev/null || return
	cat d d.sig | ask_ca olga submit || return
	ask_ca alice fetch "$2" </dev/null | grep -o \
	    '^ssh-ed25519-cert-v01@openssh.com [^ ]*' >"$1-cert.pub"
}

waits() {
	ask_ca olga pending </dev/null | grep -qF "${1:0:8}"
}

logs_in() {
	near ssh -F none -i "$T/$1" -o CertificateFile="$T/$1-cert.pub" \
	    -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	    "deploy@$address" true </dev/null
}

# --- a deployment as an officer makes it, and a machine for it
ca_people
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  careful:
	    to: [engineers]
	    principals: [deploy]
	    max: 1h
	    approve: [{approvers: 1}]
	END
}
if ! ca_make corp; then
	t_fail 'a CA is made' "$(cat "$ca_log")"
	t_done
fi
"$writ" config sshd -C corp -o sshd --account deploy=deploy \
    >>"$ca_log" 2>&1
# It names the place that it wrote to, and that is the host's here.
sed -i "s,$T/sshd,/etc/ssh/writ," sshd/writ.conf
sed -i 's, sshd/, /etc/ssh/writ/,' sshd/writ.conf
[ -f corp/keys/transport ] || ca_key ed25519 corp/keys/transport
ca_service corp/writ.yaml
cat >corp/notify.yaml <<'END'
channels:
  - {name: first, exec: [/usr/bin/true]}
END
hosts_up ca
address=$(hosts ip ca)
echo "[$address]:2022 $(ssh-keygen -y -f corp/keys/transport)" >known

# --- what packaging does
installed ca
packed corp | into ca $HOME_OF_CA
packed sshd | into ca /etc/ssh/writ
on ca sh -c 'useradd -m deploy; cp /etc/ssh/writ/writ.conf \
    /etc/ssh/sshd_config.d/; systemctl reload ssh' >host.out 2>&1
may_lock ca ca
# As writ-ca(8) says, word for word.
t 'users and directories are made' \
    on ca sh -c 'systemd-sysusers && systemd-tmpfiles --create'
t 'the log gets its owner' on ca chown -R writ-keeper: $HOME_OF_CA/log
t 'check has no fault to name before the start' \
    on ca writ-ca check -C $HOME_OF_CA
t 'one command starts it' on ca systemctl enable --now writ-ca.target
for name in "${UNITS[@]}"; do
	t "the $name is ready" until_ok \
	    on ca systemctl is-active -q "writ-ca-$name"
	t_eq "and has its user" "writ-$name" \
	    "$(on ca ps -o user:20= -p "$(state MainPID "$name")" | xargs)"
done
t_eq 'nothing of it failed' '' \
    "$(on ca systemctl list-units --failed --plain --no-legend 'writ-*')"

# --- a person asks, an officer approves, and the certificate is a login
if [ "$t_failed" -gt 0 ] || ! until_ok ask_ca alice help; then
	t_fail 'the service serves' "$(on ca journalctl -q --no-pager -u 'writ-ca-*' | tail -n 15)"
	t_done
fi
written first
t 'a request is taken' asked first
t 'it waits' waits "$id"
t 'it is approved, and fetched' approved first "$id"
t 'the machine'\''s own sshd lets it in' logs_in first
t_has 'status has it, for root' "$(on ca writ-ca status -C $HOME_OF_CA)" \
    'policy'
t 'check has no fault to name while it runs' \
    on ca writ-ca check -C $HOME_OF_CA

# --- what one process may not, although it runs on the same machine
for name in front notify; do
	t_not "the $name cannot read a key" on ca runuser -u "writ-$name" -- \
	    cat $HOME_OF_CA/keys/user_ca
	t_not "nor reach the signer" on ca runuser -u "writ-$name" -- \
	    python3 -c 'import socket
socket.socket(socket.AF_UNIX).connect("/run/writ/signer.sock")'
done
# inside NAME COMMAND...: as root, but where that unit has its files.
inside() {
	local name=$1

	shift
	on ca nsenter -t "$(state MainPID "$name")" -m -- "$@"
}
for name in keeper front notify; do
	t_not "where the $name is there are no keys" inside "$name" \
	    ls $HOME_OF_CA/keys/user_ca
done
t_not 'where the signer is the system cannot be written' \
    inside signer touch /etc/here
t_eq 'the signer has no network but lo' lo \
    "$(on ca nsenter -t "$(state MainPID signer)" -n -- ip -o link |
	cut -d: -f2 | xargs)"
for name in "${UNITS[@]}"; do
	t_has "the $name has sealed itself" \
	    "$(on ca cat "/proc/$(state MainPID "$name")/status")" \
	    $'Seccomp:\t2'
done

# --- each ends, by hand and by accident, while a request waits
written second
t 'another request is taken' asked second
for name in "${UNITS[@]}"; do
	was=$(state MainPID "$name")
	t "the $name is restarted" on ca systemctl restart "writ-ca-$name"
	t_not "and is another process" test "$was" = "$(state MainPID "$name")"
	t 'nobody is refused' ask_ca olga help </dev/null
	t 'the request waits' until_ok waits "$id"
	was=$(state MainPID "$name")
	on ca systemctl kill -s KILL "writ-ca-$name"
	t "the $name is killed, and comes again" until_ok another "$name" "$was"
	t 'the request waits still' until_ok waits "$id"
done
t 'and is approved' until_ok approved second "$id"
t 'for a login' logs_in second

# --- read anew
pids() {
	for name in signer keeper front; do
		state MainPID "$name"
	done
}
was=$(pids)
notify=$(state MainPID notify)
written third
t 'a request for later' asked third
for name in "${UNITS[@]}"; do
	t "the $name is reloaded" on ca systemctl reload "writ-ca-$name"
done
t 'the request waits through it' until_ok waits "$id"
t_eq 'no process ended for it' "$was" "$(pids)"
t 'but notify, whose file is read at its start' \
    until_ok another notify "$notify"
notify=$(state MainPID notify)
on ca sh -c "echo '  - {name: second, exec: nothing}' \
    >>$HOME_OF_CA/notify.yaml; systemctl reload writ-ca-notify"
says_where() {
	on ca journalctl -q --no-pager -u writ-ca-notify |
	    grep -q 'notify.yaml:3:'
}
t 'a notify.yaml with a fault is named' until_ok says_where
t_eq 'and the old one kept' "$notify" "$(state MainPID notify)"
on ca sed -i 3d $HOME_OF_CA/notify.yaml

# --- a configuration that is wrong, while the front has calls for the keeper
starts() {
	on ca journalctl -q --no-pager -o cat -u writ-ca-keeper |
	    grep -c 'nonsense'
}
tried() {
	[ "$(starts)" -gt 0 ]
}
on ca sh -c "echo 'nonsense: 1' >>$HOME_OF_CA/writ.yaml; \
    systemctl kill -s KILL writ-ca-keeper"
t 'a writ.yaml with a fault is named' until_ok tried
sleep 4
t 'a start that fails is not made again at once' test "$(starts)" -le 2
on ca sed -i '/^nonsense/d' $HOME_OF_CA/writ.yaml
t 'and once it is mended nobody has to start it' until_ok waits "$id"
t_eq 'nor any socket' active "$(on ca systemctl is-active writ-ca-keeper.socket)"

# --- a boot, and the end
hosts stop ca
t 'the power fails, and the machine boots' hosts start ca
t 'the service is there' until_ok ask_ca alice help
t 'with what waits' until_ok waits "$id"
t 'which is approved' until_ok approved third "$id"
t 'for a login' logs_in third
t 'it is stopped' on ca systemctl stop writ-ca.target
for name in "${UNITS[@]}"; do
	t_eq "the $name ended in order" 'inactive success 0' \
	    "$(state ActiveState "$name") $(state Result "$name") $(
	    state ExecMainStatus "$name")"
done
t_not 'and nobody answers' ask_ca alice help </dev/null
t_eq 'no error in its journal' '' \
    "$(on ca journalctl -q --no-pager -p err -u 'writ-ca-*' |
	grep -v -e 'notify.yaml:3:' -e nonsense -e KILL \
	    -e 'Failed to start writ-ca-keeper')"
on ca tar -C $HOME_OF_CA -c . | tar -x -C corp
t 'the record is whole' "$writ" audit verify -C corp
t_eq 'with each certificate' 3 "$("$writ" audit list -C corp --json |
    grep -o '"serial"' | wc -l)"
t_done
