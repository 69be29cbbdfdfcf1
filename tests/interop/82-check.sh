#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: writ-ca check finds what would keep the service from
# working, one line each, and nothing where all is well; writ-ca status says
# when there is nobody to ask.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
ca_make corp || t_fail 'a deployment is made' "$(cat "$ca_log")"
port=$(t_ports 22600)
printf 'service: {listen: ["127.0.0.1:%s"]}\n' "$port" >>corp/writ.yaml
(umask 077 && echo 'channels: [{exec: [/bin/true]}]' >corp/notify.yaml)

check() { "$O/writ-ca" check -C corp "$@" 2>&1; }
# finds NAME STATUS LINE COMMAND...: check ends so and prints that (an extended
# regular expression).
finds() {
	local name=$1 want=$2 line=$3 out status

	shift 3
	out=$("$@" 2>&1)
	status=$?
	if [ $status -eq "$want" ] && grep -qE -- "$line" <<<"$out"; then
		t_ok "$name"
	else
		t_fail "$name" "status $status, wanted $want and $line"$'\n'"$out"
	fi
}

# --- all is well
out=$(check)
t_eq 'a good deployment passes' 0 $?
t_eq 'each line is a result, a thing, a sentence' '' \
	"$(grep -vE '^(ok|warn|fail) +[a-z_]+ +[^ ]' <<<"$out")"
t_eq 'nothing fails' '' "$(grep ^fail <<<"$out")"
for what in config policy user_ca host_ca ca_log transport files notify clock disk log \
	port; do
	t_has "$what is looked at" "$out" "ok    $what"
done
t_eq 'the same as JSON' "$(grep -c . <<<"$out")" "$(check --json | jq length)"
t_eq 'with the same results' "$(cut -d' ' -f1 <<<"$out" | sort | xargs)" \
	"$(check --json | jq -r '.[].result' | sort | xargs)"

# --- policy
if ldd "$O/writ-ca" | grep -q libasan; then
	t_skip 'other hours' 'the address sanitizer must be preloaded first'
else
	finds 'a policy that ends soon is a warning' 0 \
		'^warn +expiry +soon: policy expires in [0-9]+ days' \
		faketime -f '+175d' "$O/writ-ca" check -C corp
	finds 'one that has ended is a fault' 1 \
		'^fail +expiry +policy expired at .* and its grace is over' \
		faketime -f '+200d' "$O/writ-ca" check -C corp
	finds 'so is a clock behind the log' 1 \
		'^fail +clock +the log has a leaf of .* ahead of this clock' \
		faketime -f '-2h' "$O/writ-ca" check -C corp
fi

# --- keys
cp corp/keys/user_ca kept
cp corp/keys/host_ca corp/keys/user_ca
finds 'a key that is not in the policy' 1 \
	'^fail +user_ca +key of user_ca is not the one in the signed policy' check
cp kept corp/keys/user_ca
ssh-keygen -q -p -N secret -f corp/keys/user_ca >/dev/null
finds 'a key that wants a passphrase' 1 '^fail +user_ca +.*encrypted' check
cp kept corp/keys/user_ca
chmod 640 corp/keys/user_ca
finds 'a key that others may read' 1 \
	'^fail +files +corp/keys/user_ca has mode 0640, expected 0600' check
chmod 600 corp/keys/user_ca
mv corp/keys/user_ca away
finds 'a key that is missing' 1 '^fail +user_ca +key of user_ca: ' check
mv away corp/keys/user_ca

mv corp/keys/transport away
finds 'a transport key that is missing' 1 \
	'^fail +transport +corp/keys/transport: .*make one: ssh-keygen' check
ssh-keygen -q -t ecdsa -N '' -f corp/keys/transport
finds 'one of another type' 1 '^fail +transport +.*must be an Ed25519 key' check
rm corp/keys/transport.pub
mv away corp/keys/transport
sed -i 's/^service:.*/service: {transport: \/run\/credentials\/u\/transport, users: {signer: daemon}}/' \
	corp/writ.yaml
[ "$(id -u)" != 0 ] || chown daemon corp/keys/transport
finds 'as a credential of systemd it is the file that this is made of' 0 \
	"^ok +transport +$(ssh-keygen -lf corp/keys/transport | cut -d' ' -f2 |
		sed 's/+/[+]/g')" check
[ "$(id -u)" != 0 ] || chown 0 corp/keys/transport
sed -i "s/^service:.*/service: {listen: [\"127.0.0.1:$port\"]}/" corp/writ.yaml

# --- files
chmod 777 corp/bundle
finds 'a directory that others may write' 1 \
	'^fail +files +corp/bundle has mode 0777, expected 0755' check
chmod 755 corp/bundle
if [ "$(id -u)" = 0 ]; then
	chown 65534 corp/signer
	finds 'an owner that is nobody of ours' 0 \
		'^warn +files +corp/signer belongs to user 65534' check
	chown 0 corp/signer
else
	t_skip 'an owner that is nobody of ours' 'not root'
fi
sed -i 's/^service:.*/service: {users: {signer: no-such-user}}/' corp/writ.yaml
finds 'a user that is not there' 1 "^fail +users +no user 'no-such-user'" check
sed -i "s/^service:.*/service: {listen: [\"127.0.0.1:$port\"]}/" corp/writ.yaml
chmod 644 corp/notify.yaml
finds 'credentials that others may read' 1 '^fail +notify +.*mode 0644' check
chmod 600 corp/notify.yaml
echo 'channels: [{exec: [true]}]' >corp/notify.yaml
finds 'a fault in notify.yaml' 1 \
	'^fail +notify +corp/notify.yaml:1:20: .exec. wants the absolute' check
rm corp/notify.yaml
finds 'no notify.yaml is a warning' 0 '^warn +notify +.*nobody is told' check

# --- ports
python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
time.sleep(600)' "$port" >listening &
t_stop_later $!
while [ ! -s listening ]; do sleep 0.05; done
finds 'a port in use by another' 1 \
	"^fail +port +127.0.0.1:$port is in use by python3" check
sed -i 's/^service:.*/service: {listen: ["192.0.2.77:2022"]}/' corp/writ.yaml
finds 'an address that is not ours' 1 '^fail +port +listen at 192.0.2.77' check
sed -i '/^service:/d' corp/writ.yaml

# --- stores and disk
cp corp/writ.yaml writ.yaml.kept
cat >>corp/writ.yaml <<END
copies: ["s3://bucket/ca"]
s3: {endpoint: "http://127.0.0.1:1", region: x, credentials: env}
END
finds 'a bucket that is not there' 1 '^fail +copy +' \
	env AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b \
	"$O/writ-ca" check -C corp
cp writ.yaml.kept corp/writ.yaml
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	mkdir kept-log
	cat >nearly-full <<-'END'
	mv corp/log/* kept-log/ &&
	mount -t tmpfs -o size=16m none corp/log &&
	cp -a kept-log/. corp/log/ && "$O/writ-ca" check -C corp
	END
	finds 'a disk that is nearly full' 1 \
		'^fail +disk +corp/log: [0-9]+ MiB free' unshare -m sh nearly-full
	mv kept-log/* corp/log/
else
	t_skip 'a disk that is nearly full' 'not root'
fi
mv corp/bundle unsigned
finds 'a policy that nobody has signed' 1 \
	'^fail +policy +corp: no policy has been signed yet' check
mv unsigned corp/bundle
echo 'nonsense: 1' >>corp/writ.yaml
finds 'a fault in writ.yaml' 1 \
	"^fail +config +corp/writ.yaml:[0-9]+:1: unknown key 'nonsense'" check
cp writ.yaml.kept corp/writ.yaml

# --- nobody to ask
finds 'status says that the keeper is away' 6 '^keeper +away: nobody listens' \
	"$O/writ-ca" status -C corp
finds 'and what the directory tells' 6 '^log +[0-9]+ leaves$' \
	"$O/writ-ca" status -C corp
t_eq 'as JSON too' false "$("$O/writ-ca" status -C corp --json | jq .ok)"
finds 'metrics says so' 6 'the keeper does not answer: nobody listens' \
	"$O/writ-ca" metrics -C corp
finds 'a directory that is none is no keeper that is away' 6 \
	'writ init' "$O/writ-ca" status -C nowhere
# --- credentials from a program --------------------------------------------------
cp corp/writ.yaml kept.yaml
printf 's3: {credentials: "process:/bin/true"}\n' >>corp/writ.yaml
finds 'a program for credentials is named, and what to do instead' 1 \
	'^fail +s3 .*the keeper starts none \(let a timer run it' check
out=$(timeout 20 "$O/writ-ca-keeper" -C corp 2>&1)
t_eq 'the keeper does not start with one' 1 $?
t_has 'and says so' "$out" 'names a program, and the keeper starts none'
cp kept.yaml corp/writ.yaml
t_done
