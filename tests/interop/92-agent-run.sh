#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what is always there starts an applier when the link asks,
# and where appliers do not come about, as while a package is half unpacked, it
# does not try as fast as it can.  Link and applier are scripts of this test.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$T" || exit 1
# Descriptor 0 is the socket between the two.
cat >./link <<'END'
#!/bin/bash
printf ask1 >&0
until [ -e more ]; do sleep 0.05; done
printf ask2 >&0
exec sleep 30
END
cat >agent <<'END'
#!/bin/bash
echo "$*" >>started
[ ! -e broken ] || exit 1
head -c 4 <&0 >>heard
END
chmod +x link agent
: >broken
"$O/writ-agent-run" -c agent.yaml -s state -u nobody -a ./agent -l ./link \
	2>run.log &
run=$!
t_stop_later $run
n_started() { wc -l <started; }
n_are() { [ "$(n_started 2>/dev/null)" -ge "$1" ]; }
here 'an applier is started when the link asks' until_ok n_are 2
t_eq 'to serve' 'applier --config agent.yaml --state state' \
	"$(head -n 1 started)"
t 'one that ends badly is said' says run.log 'an applier ended badly'
sleep 3
n=$(n_started)
# After 0.1, 0.2, 0.4, 0.8, 1.6 and 3.2 seconds.
t "it is not started as often as can be: $n" test "$n" -le 8
rm broken
heard() { [ "$(cat heard 2>/dev/null)" = "$1" ]; }
here 'once it can be, what was asked is heard' until_ok heard ask1
n=$(n_started)
: >./more
here 'and the next thing too' until_ok heard ask1ask2
t_eq 'at the first try' $((n + 1)) "$(n_started)"
kill $run
wait $run
t_eq 'it ends when it is told to' 0 $?

# A link that asks something the moment both are told to end.
cat >./link <<'END'
#!/bin/bash
trap 'printf ask3 >&0; head -c 1 <&0 >rest; exit 0' TERM
: >ready
while :; do sleep 0.05; done
END
n=$(n_started)
"$O/writ-agent-run" -c agent.yaml -s state -u nobody -a ./agent -l ./link \
	2>>run.log &
run=$!
t_stop_later $run
here 'another link runs' until_ok test -e ready
kill $run
gone() { ! kill -0 "$run" 2>/dev/null; }
here 'what it asks while both end keeps neither' until_ok gone
t_eq 'and starts nobody' "$n" "$(n_started)"

# --- what sshd hands to PAM

if [ "$(id -u)" -ne 0 ]; then
	t_skip 'what sshd hands to PAM' 'it is root who keeps it'
	t_done
	exit
fi
ssh-keygen -q -t ed25519 -N '' -f ca
ssh-keygen -q -s ca -I kid -z 41 -n deploy -V +1h ca.pub
cert=$(cut -d' ' -f1,2 ca-cert.pub)
pam() { # TYPE INFO
	PAM_TYPE=$1 PAM_USER=deploy SSH_AUTH_INFO_0=$2 "$O/writ-agent" seen \
		--state state
}
t 'an end of a session keeps nothing' pam close_session "publickey $cert"
t 'nor does a password' pam open_session password
t_not 'nothing is there' test -e state/pam
pam open_session "password
publickey $cert"
t_eq 'a certificate is kept' 0 $?
t_eq 'by the process that PAM is in, for root alone' "$$ 600 700" \
	"$(ls state/pam) $(stat -c %a state/pam/$$) $(stat -c %a state/pam)"
t_eq 'with whose it is' "deploy
$cert" "$(cut -d' ' -f3- state/pam/$$ | head -n 1
	tail -n 1 state/pam/$$)"
# As another user, who may read what is built.
mine() {
	PAM_TYPE=open_session PAM_USER=deploy SSH_AUTH_INFO_0="publickey $cert" \
		setpriv --reuid=65534 --clear-groups "$T/seen" seen --state "$1"
}
install -m 755 "$O/writ-agent" seen
install -d -o 65534 mine
chmod 711 "$T"
t_has 'a user has no say in it' "$(mine "$T/mine" 2>&1)" 'this is for PAM to run'
t_eq 'nor in a place of his own' '' "$(ls mine)"
t_done
