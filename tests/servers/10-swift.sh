#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: at an S3 server that is not Ceph, and that has no object lock,
# objects go in and come out whole, an auditor proves a log that lies there, and
# no log is written there: each program says why, changes nothing that is there,
# and issues nothing that is not recorded.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$here/../interop/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$here/../interop/ca.sh"

lab=$TOP/tests/lab
port=$(t_ports 17680) || exit 1
cd "$T" || exit 1
for tool in s3cmd curl faketime jq; do
	if ! command -v $tool >/dev/null; then
		t_fail "$tool is installed"
		t_done
	fi
done

trap '"$lab/swift" stop "$T/swift"; t_cleanup' EXIT
if ! out=$(S3_PAGE=25 "$lab/swift" start "$T/swift" "$port" 2>&1); then
	t_fail 'the S3 server starts' "$out"
	t_done
fi
# shellcheck disable=SC1091
. "$T/swift/env"
t 'it runs' "$lab/swift" status "$T/swift"

b() { "$O/tools/blobtool" -e "$S3_ENDPOINT" "$@"; }
s3() {
	s3cmd --config=/dev/null --no-progress --no-ssl \
		--host="127.0.0.1:$port" --host-bucket="127.0.0.1:$port" \
		--access_key="$AWS_ACCESS_KEY_ID" \
		--secret_key="$AWS_SECRET_ACCESS_KEY" "$@"
}
got() { s3 get "$1" - 2>/dev/null; }
# An access key of Swift has a colon, which --user of curl does not take.
signed() { # METHOD PATH [curl option...]
	local who

	who=$(jq -rn --arg id "$AWS_ACCESS_KEY_ID" \
		--arg secret "$AWS_SECRET_ACCESS_KEY" '"\($id|@uri):\($secret|@uri)"')
	curl -s -X "$1" --aws-sigv4 aws:amz:us-east-1:s3 \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "${@:3}" \
		"${S3_ENDPOINT/:\/\//:\/\/$who@}$2"
}

# --- objects
echo hello >hello
echo other >other
: >empty
head -c 300000 /dev/urandom >big
t 'a missing bucket' ends 1 'no such bucket' b s3://logs probe
t 'a bucket' b s3://logs make-bucket
t 'again' b s3://logs make-bucket
t 'it is not versioned' ends 1 'not versioned' b s3://logs probe
t 'versions' signed PUT '/logs?versioning=' --fail -d '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'
t 'the probe is content' b s3://logs probe
for key in a/b A-Z_0.9 ... .hidden a..b "$(printf 'k%.0s' {1..512})"; do
	t "put ${key:0:20}" b s3://logs put "$key" hello
	t "get ${key:0:20}" cmp <(b s3://logs get "$key") hello
	t "s3cmd reads ${key:0:20}" cmp <(got "s3://logs/$key") hello
done
t 'an empty object' b s3://logs put empty empty
t 'is there' b s3://logs exists empty
t 'a large one' b s3://logs put big big
t 's3cmd reads it' cmp <(got s3://logs/big) big
t 'what was not put is not there' ends 4 '' b s3://logs exists nothing
t 'the same bytes again' b s3://logs put a/b hello
t_eq 'are one version' 1 "$(b s3://logs list a/b | wc -l)"
t 'other bytes are told' ends 3 '' b s3://logs put a/b other
t_eq 'and are a version' 2 "$(b s3://logs list a/b | wc -l)"
old=$(b s3://logs list a/b | awk '$4 == "old" { print $2 }')
t 'the old one is read by its name' cmp <(b s3://logs get a/b "$old") hello
t 's3cmd deletes it' s3 del s3://logs/a/b
t_has 'which is a marker' "$(b s3://logs list a/b)" 'latest deleted'
t 'put over it' b s3://logs put a/b hello
t 'is read' cmp <(b s3://logs get a/b) hello
t 'a checkpoint is replaced' b s3://logs put checkpoint hello mutable
t 'and again' b s3://logs put checkpoint other mutable
t 'the newest counts' cmp <(got s3://logs/checkpoint) other

# --- lists
for key in 'od d' 'per%cent' 'a&b<c>"d' 'q?r#s' 'plus+' $'\u65e5\u672c'; do
	signed PUT "/logs/odd/$(jq -rn --arg k "$key" '$k|@uri')" --fail \
		-d x >/dev/null || t_fail "curl puts $key"
done
t_eq 'foreign keys of any bytes are listed' 6 \
	"$(b s3://logs list odd/ | wc -l)"
t_has 'one of them' "$(b s3://logs list odd/)" 'odd/a&b<c>"d '
t 'put 60 objects, where a page has 25' b s3://logs put-many many 60 100
for ((i = 0; i < 12; i++)); do
	echo "$i" >number
	b s3://logs put many/23 number mutable || t_fail "version $i is put"
done
list=$(b s3://logs list many/)
t_eq 'all are listed, and each version' 72 "$(wc -l <<<"$list")"
t_eq 'once' 72 "$(awk '{print $1, $2}' <<<"$list" | sort -u | wc -l)"
t_eq 'in order' "$(cut -d' ' -f1 <<<"$list" | sort)" \
	"$(cut -d' ' -f1 <<<"$list")"
t_eq 'with one that counts each' 60 "$(grep -c ' latest$' <<<"$list")"

# --- who is asking
wrong() { AWS_SECRET_ACCESS_KEY=wrong b "$@"; }
nobody() { AWS_ACCESS_KEY_ID=writ:nobody b "$@"; }
clock() { faketime -f "$1" "$O/tools/blobtool" -e "$S3_ENDPOINT" "${@:2}"; }
for what in 'get a/b' 'put new hello' probe list; do
	read -ra words <<<"$what"
	t "$what: a wrong secret" ends 1 'not the one of this access key' \
		wrong s3://logs "${words[@]}"
	t "$what: another region" ends 1 \
		'in another region (400 AuthorizationHeaderMalformed)' \
		b -r eu-north-1 s3://logs "${words[@]}"
	if ldd "$O/tools/blobtool" | grep -q libasan; then
		continue # it must be preloaded first
	fi
	t "$what: a clock behind" ends 1 'clock is 2 hours 0 minutes behind' \
		clock -7230 s3://logs "${words[@]}"
done
t 'a wrong access key' ends 1 'not the one of this access key' \
	nobody s3://logs get a/b
printf '[w]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
	"$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >creds
t 'credentials with a colon, from a file' env -u AWS_ACCESS_KEY_ID \
	"$O/tools/blobtool" -e "$S3_ENDPOINT" -c 'file:creds#w' s3://logs get a/b
t 'nothing came of all that' ends 4 '' b s3://logs exists new

# --- a log is not written where nothing is locked
ca_people
at=(--endpoint "$S3_ENDPOINT" --region us-east-1)
init() {
	"$writ" init "$@" --officer olga@example.com=olga.pub \
		--officer ivan@example.com=ivan.pub "${at[@]}"
}
t 'plain' b s3://plain make-bucket
t 'init: a bucket without versions' ends 5 'it is not versioned' \
	init no --log s3://plain/log
t 'init: a server without locks' ends 5 \
	"127.0.0.1:$port does not know object locks" init no --log s3://logs/log
t 'init: and what would do' says out 'use a server that has object lock'
t_not 'init: nothing is made' test -e no
t_eq 'init: nothing is put' '' "$(b s3://logs list log/)$(b s3://plain list)"

# A deployment that was moved here, by hand.
ca_make d "${at[@]}" || t_fail 'a deployment is made' "$(cat "$ca_log")"
ca_cert d alice deploy || t_fail 'it issues' "$(cat "$ca_log")"
ca_key ed25519 moved
"$writ" request -C d -m 'a test of buckets' -i alice --key moved.pub \
	-o moved.req deploy >>"$ca_log" 2>&1 || t_fail 'asked'
# Its log lies here, as an independent client put it.
t 's3cmd puts its log there' s3 sync --exclude 'lock' --exclude 'journal*' \
	--exclude 'index*' d/log/ s3://logs/log/
content() { (b s3://logs list log/; b s3://logs list copy/) | cut -d' ' -f1,3-; }
before=$(content)
cp d/writ.yaml dir.yaml
sed -i 's,^log: .*,log: "s3://logs/log",' d/writ.yaml
for i in 1 2; do
	t "sign: is refused, $i" ends 5 'the server ignores object locks' \
		"$writ" sign -C d moved.req
	t "sign: and says what that means, $i" grep -q 'not issued\|nothing is issued' out
	t "sign: no certificate, $i" test ! -e moved-cert.pub
done
t_eq 'sign: what is there stays as it is' '' \
	"$(comm -23 <(sort <<<"$before") <(content | sort))"
t 'check: says what the server lacks' ends 1 'does not know object locks' \
	"$O/writ-ca" check -C d
cp dir.yaml d/writ.yaml

# A copy of the log here: the log is at home, so it issues and warns.
sed -i 's,^log: \(.*\),log: \1\ncopies: ["s3://logs/copy"],' d/writ.yaml
for i in 1 2; do
	rm -f moved-cert.pub
	t "copy: is issued, $i" ends 0 'warning: copy s3://logs/copy' \
		"$writ" sign -C d moved.req
	t "copy: says why, $i" says out 'the server ignores object locks'
	t "copy: the certificate, $i" test -s moved-cert.pub
done
b s3://logs list copy/ >listed
t 'copy: something is there' test -s listed
t_eq 'copy: of which nothing is put twice' "$(cut -d' ' -f1 listed | sort -u)" \
	"$(cut -d' ' -f1 listed | sort)"
while read -r key _; do
	t "copy: $key is what the log has" cmp <(got "s3://logs/$key") \
		"d/log/${key#copy/}"
done <listed
t 'copy: check names it' ends 1 'does not know object locks' \
	"$O/writ-ca" check -C d
cp dir.yaml d/writ.yaml

# --- an auditor reads it
t 's3cmd puts the rest' s3 sync --exclude 'lock' --exclude 'journal*' \
	--exclude 'index*' d/log/ s3://logs/log/
audit() { "$writ" audit verify -C d --log s3://logs/log "${at[@]}"; }
t 'it verifies there' audit
t 'and all of it, with who asked and why' ends 0 'a test of logins' \
	"$writ" audit list -C d
wrong_audit() { AWS_SECRET_ACCESS_KEY=wrong audit; }
t 'not with a wrong secret' ends 6 'not the one of this access key' wrong_audit
t_done
