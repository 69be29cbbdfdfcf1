#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the bucket that the log lives in takes what a certificate
# needs and then nothing more for a while. What is tried again meanwhile is in the
# log once, when the bucket is back.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/service.sh
. "$(dirname "$0")/service.sh"

cd "$T" || exit 1
port=$(t_ports 21750)
python3 "$TOP/tests/interop/bucket.py" "$port" stop >heard 2>heard.err &
t_stop_later $!
here 'a bucket listens' until_ok bash -c ": </dev/tcp/127.0.0.1/$port"
export AWS_ACCESS_KEY_ID=somebody AWS_SECRET_ACCESS_KEY=something
ca_people
t 'a deployment with its log there' ca_make ca --log s3://bucket/log \
	--retention 1d --endpoint "http://127.0.0.1:$port" --region us-east-1
mkdir -m 700 ca/run
here 'a signer is there' signer_starts ca
here 'a keeper is' keeper_starts

size() {
	"$O/tools/calltool" -c ca/run/control.sock '' '{"call":"status"}' |
		jq -r ".log_$1"
}
published() { [ "$(size size)" = "$(size published)" ]; }
refused() { [ "$(wc -l <heard)" -ge "$1" ]; }

t 'a certificate is issued' issued k1
here 'and published' until_ok published
before=$(size size)
: >stop
t 'another is, with the last that the bucket takes' issued k2
here 'its own leaf is refused, again and again' until_ok refused 3
rm stop
here 'the bucket is back: all is published' until_ok published
t_eq 'the request, what it gives and the certificate are leaves once' 3 \
	$(($(size size) - before))
ends "$keeper"
t_eq 'the keeper ends in order' 0 $?
t 'the auditor finds nothing' "$writ" audit verify -C ca
t_done
