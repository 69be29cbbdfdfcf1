#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a copy of the log that takes a request and never answers
# delays no certificate, no revocation and no checkpoint at home, nor a start that
# has a policy to log. It gets what it lacks once it is one that answers, records
# too.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/service.sh
. "$(dirname "$0")/service.sh"

cd "$T" || exit 1
port=$(t_ports 21700)
ca_people
t 'a deployment' ca_make ca
mkdir -m 700 ca/run
mkdir copy
# As a crash leaves it between storing a policy and logging it.
cp -r ca next
sed -i 's/max: 8h/max: 7h/' next/policy/ca.yaml
for who in olga ivan; do
	"$writ" policy sign -C next -i $who -y >>"$ca_log" 2>&1
done
cp -r next/bundle/. ca/bundle/
t 'a policy that is not in the log yet' test -f ca/bundle/policy.2
cp ca/writ.yaml kept.yaml
python3 "$TOP/tests/interop/slowbucket.py" "$port" >heard 2>heard.err &
bucket=$!
t_stop_later $bucket
here 'a bucket listens' until_ok bash -c ": </dev/tcp/127.0.0.1/$port"

status() {
	"$O/tools/calltool" -c ca/run/control.sock '' '{"call":"status"}'
}
published() {
	status | jq -e '.log_size == .log_published' >/dev/null
}

cat >>ca/writ.yaml <<END
copies: ["s3://bucket/log", "dir:$T/copy"]
s3:
  endpoint: "http://127.0.0.1:$port"
END
export AWS_ACCESS_KEY_ID=somebody AWS_SECRET_ACCESS_KEY=something
here 'a signer is there' signer_starts ca
here 'a keeper with a copy that is slow' keeper_starts
t_has 'has logged the policy' "$("$writ" policy log -C ca)" 2
t 'a certificate is issued' issued k1
here 'and the copy is waited for' until_ok says heard put
t 'meanwhile another is issued' issued k2
revocation olga@example.com "\"serials\":[\"$(ca_serial k1-cert.pub)\"]" >out.rev
t_eq 'one is revoked' 0 "$(submit olga@example.com out.rev |
	field results.0.status)"
t 'and a third is issued' issued k3
here 'and all of it is published at home' until_ok published
t_eq 'before the wait for the copy has ended' put "$(cat heard)"
t_has 'what copies have is told' "$(status)" \
	'"copies":[{"url":"s3://bucket/log","size":"0",'

# The bucket comes to its end: whoever waits for it hears of that, and goes on
# to the other copy.
kill $bucket
wait $bucket 2>/dev/null
same() { cmp -s copy/checkpoint ca/log/checkpoint; }
here 'the next copy gets all of it' until_ok same
t 'another is issued' issued k4
here 'and gets there too' until_ok same
ends "$keeper"
t_eq 'the keeper ends in order' 0 $?
t_has 'having said what is behind' "$(cat keeper.log)" \
	'copy s3://bucket/log is behind: '
cp kept.yaml ca/writ.yaml
t 'the auditor finds nothing' "$writ" audit verify -C ca
t 'nor in the copy' "$writ" audit verify -C ca --log "dir:$T/copy"
t 'which has each record' diff -r copy/records ca/log/records
t_done
