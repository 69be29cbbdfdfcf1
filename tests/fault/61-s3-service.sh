#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the bucket is away for an hour under a running service, and
# back.  As a copy of the log it stops nothing until max_lag, then issuing, with a
# sentence; as the log's home it stops issuing at once.  Nothing that was
# acknowledged is lost, and all goes on by itself.  A log at home there goes on
# under another key, and the old one is of no use to a thief.
#
# The hour is one of the clocks of service and bucket alone: see s_clock.
#
# Needs locked memory.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$TOP/tests/interop/ca.sh"
S_PORT=17800
# shellcheck source=tests/interop/running.sh
. "$TOP/tests/interop/running.sh"

cd "$T" || exit 1
lab=$TOP/tests/lab
rgw_port=$((s_port + 1))
t_need radosgw ceph-mon ceph-osd curl ssh pgrep

trap '"$lab/rgw" stop "$T/rgw" >/dev/null 2>&1; t_cleanup' EXIT
if ! out=$("$lab/rgw" start "$T/rgw" "$rgw_port" 2>&1); then
	t_fail 'the S3 server starts' "$out"
	t_done
fi
# shellcheck disable=SC1091
. "$T/rgw/env"
s_fake
# shellcheck disable=SC2086 # words
faked() { env $s_env "$@"; }
blob() { faked "$O/tools/blobtool" -e "$S3_ENDPOINT" "$@"; }
away() { "$lab/rgw" gw-kill "$T/rgw"; }
# It has the clock of the service.
back() { faked "$lab/rgw" gw-start "$T/rgw"; }

ca_people
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  careful:
	    to: [engineers]
	    principals: [admin]
	    max: 8h
	    approve: [{approvers: 1}]
	END
}
blob s3://bucket make-bucket lock >/dev/null
s3=(--retention 1d --endpoint "$S3_ENDPOINT" --region us-east-1)
if ! ca_make copied --copy s3://bucket/copy "${s3[@]}" ||
    ! ca_make home --log s3://bucket/log "${s3[@]}"; then
	t_fail 'two deployments are made' "$(cat "$ca_log")"
	t_done
fi
copy_label='writ_copy_behind_seconds{copy="s3:\/\/bucket\/copy"}'

# --- a copy ---------------------------------------------------------------------

echo 'max_lag: 50m' >>copied/writ.yaml
s_config copied 'metrics: "127.0.0.1:'$((s_port + 62))'"'
if ! s_start copied; then
	t_fail 'the service starts' "$(tail -n 20 copied.log)"
	t_done
fi
t 'it issues' s_issued copied alice viewer a1
level() {
	cmp -s <(blob s3://bucket/copy get checkpoint) copied/log/checkpoint
}
t 'and the copy has it' s_until 10 level
t_eq 'the gauges say so' 0 "$(s_metric copied "$copy_label")"

away
t 'the bucket is away: it issues' s_issued copied alice viewer a2
t 'and says what is behind' s_until 10 s_says copied \
	'copy s3://bucket/copy is behind: '
s_clock 1800
t 'after half an hour it issues' s_issued copied alice viewer a3
lag() { [ "$(s_metric copied "$copy_label")" -ge "$1" ]; }
t 'the gauges say how long' s_until 10 lag 1795
t_has 'status too' "$("$O/writ-ca" status -C copied)" \
	'copy        s3://bucket/copy is behind for 18'
s_clock 3600
s_ask copied alice viewer a4
out=$(s_send alice a4.req)
t_eq 'after an hour it is past max_lag and issues nothing' 5 $?
t_has 'with words that say why' "$out" \
	'copy s3://bucket/copy is behind for more than 3000 s'
t_not 'nothing is out' s_fetch alice a4
# Whatever else happens in the service meanwhile.
ups() {
	for ((i = 0; i < 20; i++)); do
		s_metric copied writ_up
		sleep 0.2
	done | sort -u
}
t_eq 'writ_up is 0, and stays so' 0 "$(ups)"
t_has 'status says why' "$("$O/writ-ca" status -C copied)" \
	'FAILING     nothing is recorded while copy s3://bucket/copy is behind'
back >/dev/null
t 'the bucket is back: the service issues by itself' s_until 20 s_send alice \
	a4.req
t 'what was asked for meanwhile' s_fetch alice a4
t 'the copy catches up by itself' s_until 10 level
caught_up() {
	[ "$(s_metric copied "$copy_label")" = 0 ] &&
		[ "$(s_metric copied writ_up)" = 1 ]
}
t 'the gauges are well' s_until 10 caught_up

# While it is there: each gauge is in the manual.
page=$TOP/ca/daemon/writ-ca.8
lacks=''
for name in $(curl -s "http://127.0.0.1:$((s_port + 62))/metrics" |
	grep -o '^writ_[a-z_]*' | sort -u); do
	grep -q "$name" "$page" || lacks="$lacks $name"
done
t_eq 'the manual names each gauge' '' "$lacks"
s_stop
whole 'log and certificates' copied copied/log a?-cert.pub
t 'the copy verifies by itself' faked "$writ" audit verify -C copied \
	--log s3://bucket/copy --endpoint "$S3_ENDPOINT" --region us-east-1

# --- the home ---------------------------------------------------------------------

s_config home
if ! s_start home; then
	t_fail 'the service with its log in the bucket starts' \
		"$(tail -n 20 home.log)"
	t_done
fi
t 'a log in the bucket: it issues' s_issued home alice viewer b1
s_ask home alice admin b2
s_send alice b2.req >/dev/null
id=$(s_id b2.req)

away
s_ask home alice viewer b3
out=$(s_send alice b3.req)
t_eq 'the bucket is away: nothing is issued' 5 $?
t_has 'with words' "$out" 'Connection refused'
t_has 'that say what follows' "$out" 'not issued'
t_not 'no certificate is out' s_fetch alice b3
t_has 'an approval is told so too' "$(s_decide olga "$id" approve 2>&1)" \
	'Connection refused'
t 'people are answered meanwhile' s_call alice status </dev/null
t_has 'a certificate of before can be fetched' "$(s_call alice fetch "$(
	s_id b1.req)" </dev/null)" ssh-ed25519-cert-v01@openssh.com
# Whether what is recorded may be signed is asked of the log as it is opened anew.
t 'the keeper opens its log again' s_until 20 s_says home 'log and signer are back'
s_clock 7200
t_has 'an hour later still, and asked again it says what is missing' \
	"$(s_send alice b3.req)" 'recorded and not signed yet'
t_not 'nothing is out' s_fetch alice b3
back >/dev/null
t 'the bucket is back: the service issues by itself' s_until 20 \
	s_issued home alice viewer b4
t 'what was asked for meanwhile has its certificate' s_until 20 s_fetch alice b3
# An approval that was not acknowledged may count or not; once more it does.
cat olga.d olga.d.sig >olga.dec
t 'what was approved meanwhile too, once it is sent again' s_until 20 \
	s_send olga olga.dec
t 'and has its certificate' s_until 10 s_fetch alice b2
s_stop
t_eq 'it stops in order' 0 $?
t 'the bucket verifies' faked "$writ" audit verify -C home

# --- another key for it ---------------------------------------------------------
# In a directory: 73-log-key of tests/interop.

w() { faked "$writ" "$@" >>"$ca_log" 2>&1; }
# heads NAME KEY: the newest checkpoint of the bucket is signed by it.
heads() {
	blob s3://bucket/log get checkpoint >top
	t "$1" ca_signed_by top "$2"
}
cp home/policy/authorities/ca_log.pub old.pub
t 'a further key of the log is made' w ca new -C home ca_log.2 --for log
t 'the policy with it is signed' w policy sign -C home -i olga -y
cp -a home stolen
heads 'by the old key' old.pub
t 'the new one is to sign' w ca use -C home --now ca_log.2
if ! s_start home; then
	t_fail 'the service starts with it' "$(tail -n 20 home.log)"
	t_done
fi
t 'it issues' s_issued home alice viewer b5
s_stop
heads 'under a checkpoint of the new key' home/policy/authorities/ca_log.2.pub
t 'the bucket verifies' faked "$writ" audit verify -C home
sed -i 's/log: \[ca_log.2, ca_log, /log: [ca_log.2, /' home/policy/ca.yaml
rm home/policy/authorities/ca_log.pub
t 'the policy without the old key is signed' w policy sign -C home -i olga -y
t 'the bucket verifies' faked "$writ" audit verify -C home
rm home/log/index
mv home/log/journal kept
t 'the journal is made anew from the bucket' faked "$O/writ-ca" rebuild -C home

# Somebody with the old key and the bucket's: a larger log of his own.
sed -i 's,^log: .*,log: dir:log,' stolen/writ.yaml
rm -r stolen/log
faked "$O/writ-ca" rebuild -C stolen --from s3://bucket/log >>"$ca_log" 2>&1
size=$(blob s3://bucket/log get checkpoint | sed -n 2p)
(
	# shellcheck disable=SC2086,SC2163 # words
	export $s_env
	for i in 1 2 3 4 5 6; do
		CA_SIGN=stolen ca_cert stolen b1 viewer
		[ "$(sed -n 2p stolen/log/checkpoint)" -le "$size" ] || break
	done
)
t 'a thief of the old key signs on' [ "$(sed -n 2p stolen/log/checkpoint)" \
	-gt "$size" ]
blob s3://bucket/log put checkpoint stolen/log/checkpoint mutable >/dev/null
heads 'and puts his checkpoint on top' old.pub
if ! s_start home; then
	t_fail 'the service starts in spite of it' "$(tail -n 20 home.log)"
	t_done
fi
t 'and issues' s_issued home alice viewer b6
s_stop
heads 'its own checkpoint is on top again' \
	home/policy/authorities/ca_log.2.pub
out=$(faked "$writ" audit verify -C home 2>&1)
t_eq 'the bucket verifies' 0 $?
t_has 'and the audit tells of versions' "$out" 'checkpoint: has '
t_done
