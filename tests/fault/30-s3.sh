#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: where the log is in a bucket, each way for the bucket to
# fail has its sentence and its exit status, lets no certificate out before its
# leaf is locked there, and loses nothing.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"

lab=$TOP/tests/lab
port=$(t_ports 17560) || exit 1
t_need radosgw ceph-mon ceph-osd curl s3cmd

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

t 'a bucket with object lock' blob s3://bucket make-bucket lock
t 'a bucket without' blob s3://plain make-bucket
if ! out=$(deploy d --log s3://bucket/log --retention 1d \
	--endpoint "$S3_ENDPOINT" --region us-east-1 2>&1); then
	t_fail 'a deployment is made' "$out"
	t_done
fi

# --- faults -------------------------------------------------------------------

endpoint() {
	sed -i "s,endpoint: .*,endpoint: \"$1\"," d/writ.yaml
}

# faulty -f KIND METHOD REGEX NTH COUNT ...: the deployment's server is that.
fault_pid=''
faulty() {
	local at

	exec 9< <(exec "$lab/s3fault" --upstream "127.0.0.1:$port" \
		--seconds 240 --log "$T/faults" "$@")
	fault_pid=$!
	t_stop_later $fault_pid
	read -r -t 60 at <&9 || t_fail 's3fault starts'
	endpoint "http://127.0.0.1:$at"
}
well() {
	[ -z "$fault_pid" ] || kill "$fault_pid" 2>/dev/null
	fault_pid=''
	endpoint "$S3_ENDPOINT"
}

sign() {
	"$writ" sign -C d "$1.req"
}

# refused NAME PART COMMAND...: exit 5 and a sentence; nothing is out; later it
# is signed, and twice gives the same.
n=0
refused() {
	local name=$1 part=$2 file out status

	shift 2
	n=$((n + 1))
	file=r$n
	out=$(ask d $file 2>&1) || t_fail "$name: asked" "$out"
	break_it
	out=$("$@" $file 2>&1)
	status=$?
	mend_it
	if [ $status -ne 5 ]; then
		t_fail "$name: refused" "status $status: $out"
	else
		t_has "$name: refused" "$out" "$part"
	fi
	t_has "$name: says that nothing is issued" "$out" 'not issued'
	t "$name: no certificate" test ! -e "$file-cert.pub"
	again "$name" "$file"
}

again() {
	local name=$1 file=$2

	t "$name: later it is signed" sign "$file"
	cp "$file-cert.pub" first 2>/dev/null
	rm -f "$file-cert.pub"
	t "$name: and again" sign "$file"
	t "$name: the same certificate" cmp first "$file-cert.pub"
}

# passes NAME FAULT...: signs in spite of it.
passes() {
	local name=$1 file

	shift
	n=$((n + 1))
	file=r$n
	ask d $file >/dev/null 2>&1
	faulty "$@"
	t "$name: signed" sign $file
	well
	again "$name" $file
}

# late NAME PART FAULT...: the certificate is out and recorded, and what comes
# after is late and says so.
late() {
	local name=$1 part=$2 file out

	shift 2
	n=$((n + 1))
	file=r$n
	ask d $file >/dev/null 2>&1
	faulty "$@"
	out=$(sign $file 2>&1) && t_fail "$name: says so" "$out"
	well
	t_has "$name: says so" "$out" "$part"
	t_has "$name: says that it is recorded" "$out" \
		'is recorded, but not published'
	again "$name" $file
}

# fault KIND METHOD REGEX NTH COUNT NAME PART
fault() {
	local args=("${@:1:5}")

	break_it() { faulty -f "${args[@]}"; }
	mend_it() { well; }
	refused "$6" "$7" sign
}

fault skew ANY . 1 0 'a wrong clock' "this machine's clock is"
fault denied ANY . 1 0 'no permission' 'not allowed'
fault expired ANY . 1 0 'an old token' 'token has expired'
fault no-lock ANY . 1 0 'a lock that is ignored' 'ignores object locks'
fault no-lock-config ANY . 1 0 'a bucket that lost its lock' 'no object lock'
fault slowdown ANY . 1 0 'a server that is overloaded' 'SlowDown'
if all; then
	fault reset-request PUT . 1 0 'resets in the middle' 'broke off'
	fault internal PUT . 1 0 'a server that is broken' 'InternalError'
	fault truncate GET . 1 0 'answers cut short' 'broke off'
	fault flip GET . 1 0 'answers of other bytes' 'malformed'
	fault not-xml ANY . 1 0 'a server that is none' 'malformed'
	fault region ANY . 1 0 'another region' 'another region'
	fault conflict PUT . 1 0 'conflicts without end' 'Conflict'
	fault hang-before PUT . 1 0 'no answers' 'answer'
fi

break_it() { endpoint http://127.0.0.1:1; }
mend_it() { well; }
refused 'nobody listens' 'Connection refused' sign

break_it() { :; }
mend_it() { :; }
wrong_secret() {
	AWS_SECRET_ACCESS_KEY=wrong sign "$@"
}
refused 'a wrong secret' 'secret key is not the one' wrong_secret
no_secret() {
	env -u AWS_SECRET_ACCESS_KEY "$writ" sign -C d "$1.req"
}
refused 'no secret' 'AWS_SECRET_ACCESS_KEY' no_secret

break_it() { sed -i 's,s3://bucket/,s3://nowhere/,' d/writ.yaml; }
mend_it() { sed -i 's,s3://nowhere/,s3://bucket/,' d/writ.yaml; }
refused 'a missing bucket' 'no such bucket' sign
break_it() { sed -i 's,s3://bucket/,s3://plain/,' d/writ.yaml; }
mend_it() { sed -i 's,s3://plain/,s3://bucket/,' d/writ.yaml; }
refused 'a bucket without versions' 'not versioned' sign

passes 'two refusals' -f slowdown ANY . 2 2
passes 'a reset after the write landed' -f reset-answer PUT . 1 1
passes 'one reset in the middle' -f reset-request PUT . 1 1
passes 'somebody wrote the same bytes first' -f same-first PUT tile/entries 1 1
late 'the checkpoint is refused' 'InternalError' -f internal PUT \
	'log/checkpoint$' 1 0
if all; then
	passes 'a time-out after the write landed' -f hang-after PUT . 1 1
	late 'every record resets' 'broke off' -f reset-request PUT records 1 0
fi

# --- kill -9 at the network ---------------------------------------------------

if all; then step=1; else step=9; fi
ask d net0 >/dev/null 2>&1
strace -f -b execve -y -s 0 -e trace=sendto -o trace "$writ" sign -C d \
	net0.req >/dev/null 2>&1
calls=$(grep -c sendto trace)
for ((i = 1; i <= calls; i += step)); do
	ask d "net$i" >/dev/null 2>&1
	if ! killed "sendto:$i:" "$writ" sign -C d "net$i.req"; then
		# One fewer, as the log is of another size.
		[ "$i" -gt $((calls - 3)) ] ||
			t_fail "killed at request $i of $calls" "$(cat out)"
		continue
	fi
	if [ -s "net$i-cert.pub" ]; then
		mv "net$i-cert.pub" seen
		t "killed at request $i of $calls: signs again" sign "net$i"
		t "killed at request $i of $calls: the same" cmp seen \
			"net$i-cert.pub"
	else
		t "killed at request $i of $calls: signs again" sign "net$i"
	fi
done

# --- what all of it left ------------------------------------------------------

t 'the bucket verifies' audited d

# What one audit leaves to the next: there are more leaves than a bundle has, and
# what is wrong with the bucket is found as ever.
# Nobody writes to it meanwhile, so that nothing is worth waiting for.
whole_audit() {
	audited d --wait 1s
}
next_audit() {
	audited d --wait 1s --state kept.state
}
many() {
	"$O/tools/mkrequests" -C d -o many -n 100 -k 100 -g deploy -p deploy \
		-i "alice@example.com=$keys/alice" \
		-a "olga@example.com=$keys/olga" &&
		"$writ" sign -C d many/*.req
}
t 'more are issued than a bundle has leaves' many
t 'an audit of the bucket leaves its state' next_audit
t 'another is asked' ask d later
t 'and issued' sign later
out=$(next_audit 2>&1)
t_eq 'the next audit is clean' 0 $?
t_has 'and goes on after the last full bundle' "$out" '(256 judged before)'

# download DIR: the newest versions, by an independent client.
download() {
	s3cmd --config=/dev/null --no-progress --no-ssl \
		--host="127.0.0.1:$port" --host-bucket="127.0.0.1:$port" \
		--access_key="$AWS_ACCESS_KEY_ID" \
		--secret_key="$AWS_SECRET_ACCESS_KEY" \
		get --force --recursive s3://bucket/log/ "$1/" >/dev/null 2>&1
}
if all; then
	mkdir down
	t 'an independent client reads it' download down
	t 'and each certificate is in it' \
		python3 "$here/logcheck" down ./*-cert.pub
	rm -rf down
fi

# --- garbage ------------------------------------------------------------------

# Other versions stay for good, so that the verdict on the bucket names them.
passes 'garbage under the next key' -f garbage PUT tile/entries 1 1
passes 'garbage under every key' -f garbage PUT . 1 0
for audit in whole_audit next_audit; do
	out=$($audit 2>&1)
	t_eq "garbage is a finding: $audit" 1 $?
	t_has "garbage is named: $audit" "$out" 'another version'
done
mkdir down
t 'an independent client reads what counts' download down
t 'and garbage counts for nothing' python3 "$here/logcheck" down ./*-cert.pub

# --- row: the credential of who writes to the bucket -----------------------------
# He has the very one that the CA has.
signed() { # METHOD PATH [curl option...]
	curl -s -X "$1" --aws-sigv4 aws:amz:us-east-1:s3 \
		--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "${@:3}" \
		"$S3_ENDPOINT/bucket/log/$2"
}
version_of() { # KEY: its newest, which counts
	local list

	list=$(curl -s --aws-sigv4 aws:amz:us-east-1:s3 \
		--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
		"$S3_ENDPOINT/bucket?prefix=log%2F${1//\//%2F}&versions=")
	tr '<' '\n' <<<"$list" | sed -n 's/^VersionId>//p' | head -n 1
}
# What he can do to each object that counts, and what that does not change.
record=$(cd down && find records -name '*.json' | sort | head -n 1)
# Evidence is asked first, while the log can still be read: it says what is wrong
# with the record, and makes nothing.
other=$(cd down && find records -name '*.json' | sort | sed -n 2p)
serial=${other##*/} serial=${serial%.json}
evidence_says() { # NAME STATUS PART
	local out status

	out=$("$writ" audit evidence -C d "$serial" -o ev 2>&1)
	status=$?
	t_eq "$1: status" "$2" $status
	t_has "$1: says so" "$out" "$3"
	t_not "$1: and makes no folder" test -e ev
}
echo forged >forged
t 'S3 writer: puts another record on top' signed PUT "$other" --fail \
	--data-binary @forged
evidence_says 'evidence of a record that was changed' 5 \
	"$other is not what its leaf gives"
t 'S3 writer: and a delete marker on it' signed DELETE "$other" --fail
evidence_says 'evidence of a record that is missing' 6 \
	"s3://bucket/log has no $other"
for key in checkpoint tile/entries/000 "$record"; do
	# The last part of a tile: one before may be left of a server that
	# ignored its lock.
	[ -e "down/$key" ] || key=$(cd down && find "$key"* -type f 2>/dev/null |
		sort -V | tail -n 1)
	[ -n "$key" ] || continue
	v=$(version_of "$key")
	t "S3 writer: sees the versions of $key" [ -n "$v" ]
	if [ "$key" != checkpoint ]; then
		t_has "S3 writer: does not remove $key" \
			"$(signed DELETE "$key?versionId=$v")" AccessDenied
	fi
	t "S3 writer: puts another $key on top" \
		signed PUT "$key" --fail --data-binary @forged
	t "S3 writer: and a delete marker on $key" signed DELETE "$key" --fail
	for audit in whole_audit next_audit; do
		out=$($audit 2>&1)
		t_eq "S3 writer: the $audit fails for $key" 1 $?
		t_has "S3 writer: and names $key" "$out" "$key"
	done
done
# A checkpoint of before is signed, and older than what was seen.
first=$(cd down && find checkpoints -type f | sort -t/ -k2n | head -n 1)
t 'S3 writer: puts an old checkpoint on top' signed PUT checkpoint --fail \
	--data-binary "@down/$first"
t 'S3 writer: asked while all of that is there' ask d after
t 'S3 writer: does not stop issuing' sign after
t 'S3 writer: nor that it is in the log' grep -q . after-cert.pub
t 'S3 writer: adds what is not of the log' signed PUT records/note --fail \
	--data-binary @forged
out=$(whole_audit 2>&1)
t_eq 'S3 writer: does not pass the audit' 1 $?
t_has 'S3 writer: which names what he added' "$out" records/note

t_done
