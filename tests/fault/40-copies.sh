#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a copy of the log that is away is a warning and catches up
# by itself; with max_lag it stops issuing in time; one that is ahead, or of
# another log, is never overtaken.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"

lab=$TOP/tests/lab
port=$(t_ports 17640) || exit 1
t_need radosgw ceph-mon ceph-osd curl

trap '"$lab/rgw" stop "$T/rgw" >/dev/null 2>&1; t_cleanup' EXIT
if ! out=$("$lab/rgw" start "$T/rgw" "$port" 2>&1); then
	t_fail 'the S3 server starts' "$out"
	t_done
fi
# shellcheck disable=SC1091
. "$T/rgw/env"

blob() {
	"$O/tools/blobtool" -e "$S3_ENDPOINT" "$@"
}
endpoint() {
	sed -i "s,endpoint: .*,endpoint: \"$1\"," d/writ.yaml
}
away=http://127.0.0.1:1

t 'a bucket with object lock' blob s3://bucket make-bucket lock
if ! out=$(deploy d --copy s3://bucket/copy --retention 1d \
	--endpoint "$S3_ENDPOINT" --region us-east-1 2>&1); then
	t_fail 'a deployment is made' "$out"
	t_done
fi
for i in {1..8}; do
	ask d "r$i" >/dev/null 2>&1 || t_fail "request $i is made"
done

sign() {
	"$writ" sign -C d "$1.req"
}
# same NAME: the copy's checkpoint is the log's.
same() {
	t "$1" cmp <(blob s3://bucket/copy get checkpoint) d/log/checkpoint
}

t 'with its copy' sign r1
same 'the copy has it'

endpoint $away
says 'a copy that is down is a warning' 0 'warning: copy s3://bucket/copy' \
	sign r2
t 'the certificate is there' test -s r2-cert.pub
t 'signs on while it is down' sign r3
whole 'while the copy is down' d d/log ./*-cert.pub
endpoint "$S3_ENDPOINT"
t 'signs when it is back' sign r4
same 'it caught up by itself'

AWS_SECRET_ACCESS_KEY=wrong says 'a wrong secret is a warning' 0 'secret key' \
	sign r5
t 'and catches up with the right one' sign r5
same 'with the right one'

# --- too far behind -----------------------------------------------------------

echo 'max_lag: 2s' >>d/writ.yaml
endpoint $away
t 'within max_lag it signs' sign r6
sleep 4
says 'past max_lag it stops' 5 'behind for more than 2 s' sign r7
t 'and nothing is out' test ! -e r7-cert.pub
endpoint "$S3_ENDPOINT"
t 'once the copy is back it signs' sign r7
same 'after max_lag'
t 'the copy verifies by itself' "$writ" audit verify -C d \
	--log s3://bucket/copy --endpoint "$S3_ENDPOINT" --region us-east-1

# --- ahead, and of another log ------------------------------------------------

# The whole machine restored from an older backup: nothing on it knows better,
# the copy does.
cp -a d d.old
t 'one certificate more' sign r8
rm -rf d.now
mv d d.now
mv d.old d
ask d back >/dev/null 2>&1
says 'a machine restored: the copy is ahead' 1 'writ-ca rebuild --from' \
	sign back
t 'a machine restored: nothing is out' test ! -e back-cert.pub
rm -rf d
mv d.now d
t 'the machine as it was signs' sign back

# Two deployments with one copy by mistake: neither is stopped by the other.
t 'another deployment writes to the same copy' deploy other \
	--copy s3://bucket/copy --retention 1d --endpoint "$S3_ENDPOINT" \
	--region us-east-1
ask d after >/dev/null 2>&1
t 'and the first signs on' sign after
same 'and its copy is its own again'

whole 'in the end' d d/log ./*-cert.pub
t_done
