#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: objects in a bucket of a real S3 server are there, whole
# and locked, an independent client reads them, and each way for a server to
# fail has its own sentence and loses nothing.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

lab=$TOP/tests/lab
blobtool=$O/tools/blobtool
port=$(t_ports 17520) || exit 1
cd "$T" || exit 1

for tool in radosgw ceph-mon ceph-osd s3cmd python3 curl; do
	if ! command -v $tool >/dev/null; then
		t_fail "$tool is installed"
		t_done
	fi
done

trap '"$lab/rgw" stop "$T/rgw" >/dev/null 2>&1; t_cleanup' EXIT
if ! out=$("$lab/rgw" start "$T/rgw" "$port" 2>&1); then
	t_fail 'the S3 server starts' "$out"
	t_done
fi
# shellcheck disable=SC1091
. "$T/rgw/env"

# b URL COMMAND...: locked for a day, at the server itself.
b() {
	"$blobtool" -e "$S3_ENDPOINT" -l 86400 "$@"
}

# signed METHOD PATH [curl option...]: curl signs a request of its own.
signed() {
	local method=$1 path=$2

	shift 2
	curl -s -X "$method" --aws-sigv4 aws:amz:us-east-1:s3 \
		--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@" \
		"$S3_ENDPOINT$path"
}

s3() {
	s3cmd --config=/dev/null --no-progress --no-ssl \
		--host="127.0.0.1:$port" --host-bucket="127.0.0.1:$port" \
		--access_key="$AWS_ACCESS_KEY_ID" \
		--secret_key="$AWS_SECRET_ACCESS_KEY" "$@"
}

# fault -f KIND METHOD REGEX NTH COUNT ...: a faulty server on $faulty, whose
# requests are in $T/log.
faulty='' fault_pid=''
fault() {
	heal
	: >log
	exec 9< <(exec "$lab/s3fault" --upstream "127.0.0.1:$port" \
		--seconds 60 --log "$T/log" "$@")
	fault_pid=$!
	t_stop_later $fault_pid
	read -r -t 60 faulty <&9 || t_fail 's3fault starts'
	faulty=http://127.0.0.1:$faulty
}

heal() {
	[ -z "$fault_pid" ] || kill "$fault_pid" 2>/dev/null
	fault_pid=''
}

# f URL COMMAND...: like b, at the faulty server, with short patience.
f() {
	"$blobtool" -e "$faulty" -l 86400 -t 1500 "$@"
}

# says NAME PART COMMAND...: fails with a sentence that has PART in it.
says() {
	local name=$1 part=$2 out status

	shift 2
	out=$("$@" 2>&1)
	status=$?
	if [ $status -ne 1 ]; then
		t_fail "$name" "status $status: $out"
	else
		t_has "$name" "$out" "$part"
	fi
}

# status NAME WANT COMMAND...
status() {
	local name=$1 want=$2 out got

	shift 2
	out=$("$@" 2>&1)
	got=$?
	if [ $got -eq "$want" ]; then
		t_ok "$name"
	else
		t_fail "$name" "status $got, wanted $want: $out"
	fi
}

versions() {
	b s3://bucket list "$1" | wc -l
}

# stored NAME KEY FILE VERSIONS: at the real server, with a lock.
stored() {
	t "$1: is there" cmp <(b s3://bucket get "$2") "$3"
	t_eq "$1: $4 version(s)" "$4" "$(versions "$2")"
	t_has "$1: is locked" "$(signed GET "/bucket/$2?retention=")" \
		'<Mode>COMPLIANCE</Mode>'
}

echo hello >hello
echo other >other
: >empty
head -c 3000000 /dev/urandom >big

# --- buckets
says 'a missing bucket is told by the probe' 'no such bucket' \
	b s3://bucket probe
says 'a missing bucket is told by a put' 'no such bucket' \
	b s3://bucket put k hello
t 'make a bucket with object lock' b s3://bucket make-bucket lock
t 'making it again is fine' b s3://bucket make-bucket lock
t 'the probe is content' b s3://bucket probe
t 'make a bucket without object lock' b s3://nolock make-bucket
says 'no versions is told by the probe' 'not versioned' b s3://nolock probe
says 'no lock is told by a put' 'no object lock' b s3://nolock put k hello
t 'without a retention it is put' "$blobtool" -e "$S3_ENDPOINT" s3://nolock \
	put there hello
says 'no lock is told where the bytes are' 'no object lock' \
	b s3://nolock put there hello
t 'turn versions on' signed PUT '/nolock?versioning=' --fail -d \
	'<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
says 'no lock is told by the probe' 'no object lock' b s3://nolock probe
t 'without a retention no lock is asked for' \
	"$blobtool" -e "$S3_ENDPOINT" s3://nolock probe

# --- put, get, list
t 'put' b s3://bucket put a/b hello
stored 'an object' a/b hello 1
status 'the same bytes again are a success' 0 b s3://bucket put a/b hello
stored 'put again' a/b hello 1
status 'other bytes are told' 3 b s3://bucket put a/b other
stored 'put over foreign bytes' a/b other 2
old=$(b s3://bucket list a/b | awk '$4 == "old" { print $2 }')
t 'the old version is read by its name' \
	cmp <(b s3://bucket get a/b "$old") hello
t 'an empty object' b s3://bucket put empty empty
stored 'an empty object' empty empty 1
status 'it is there' 0 b s3://bucket exists empty
status 'what was not put is not there' 4 b s3://bucket exists nothing
says 'what was not put cannot be read' 'no such object' \
	b s3://bucket get nothing
t 'a large object' b s3://bucket put big big
stored 'a large object' big big 1
for key in 'tile/0/x001/067.p/3' 'A-Z_0.9' '...' '.hidden' 'a..b' \
	"$(printf 'k%.0s' {1..512})"; do
	t "put ${key:0:20}" b s3://bucket put "$key" hello
	t "get ${key:0:20}" cmp <(b s3://bucket get "$key") hello
	t "s3cmd reads ${key:0:20}" \
		cmp <(s3 get "s3://bucket/$key" - 2>/dev/null) hello
done
t 'a prefix is part of the key' b s3://bucket/pre/fix put x hello
t 's3cmd finds it there' cmp <(s3 get s3://bucket/pre/fix/x - 2>/dev/null) hello
t_eq 'a listing leaves the prefix out' 'x 6 latest' \
	"$(b s3://bucket/pre/fix list | cut -d' ' -f1,3-)"
for key in 'od d' 'per%cent' 'a&b<c>"d' 'q?r#s' $'new\nline'; do
	signed PUT "/bucket/odd/$(python3 -c \
		'import sys, urllib.parse as u; print(u.quote(sys.argv[1]))' \
		"$key")" --fail -d x >/dev/null || t_fail "curl puts $key"
done
t_eq 'foreign keys of any bytes are listed' 6 \
	"$(b s3://bucket list odd/ | wc -l)"
t_has 'one of them' "$(b s3://bucket list odd/)" 'odd/a&b<c>"d '
t 'put 1,100 objects' b s3://bucket put-many many 1100 100
t_eq 'they are listed in pages' 1100 "$(versions many/)"
t_eq 'and in order' "$(b s3://bucket list many/ | cut -d' ' -f1 | sort)" \
	"$(b s3://bucket list many/ | cut -d' ' -f1)"
status 'put them again' 0 b s3://bucket put-many many 1100 100
t_eq 'without second versions' 1100 "$(versions many/)"
t 'a checkpoint is replaced' b s3://bucket put checkpoint hello mutable
t 'a checkpoint is replaced again' b s3://bucket put checkpoint other mutable
t 'the newest counts' cmp <(b s3://bucket get checkpoint) other
t_has 'it is not locked' "$(signed GET '/bucket/checkpoint?retention=')" \
	'<Error>'

# --- the lock holds
version=$(b s3://bucket list empty | cut -d' ' -f2)
t_has 'a locked version cannot be deleted' \
	"$(signed DELETE "/bucket/empty?versionId=$version")" AccessDenied
t 'a delete marker can be put on top' signed DELETE /bucket/empty --fail
t_has 'it is listed' "$(b s3://bucket list empty)" 'latest deleted'
status 'a put over a delete marker' 0 b s3://bucket put empty empty
t 'is read' cmp <(b s3://bucket get empty) empty
short=$("$blobtool" -e "$S3_ENDPOINT" -l 86400 s3://bucket put short hello &&
	signed GET '/bucket/short?retention=')
long=$("$blobtool" -e "$S3_ENDPOINT" -l 864000 s3://bucket put short hello &&
	signed GET '/bucket/short?retention=')
t_has 'a short lock' "$short" RetainUntilDate
if [ "$short" != "$long" ] && [[ $long == *COMPLIANCE* ]]; then
	t_ok 'is extended'
else
	t_fail 'is extended' "$short $long"
fi
t_eq 'without a second version' 1 "$(versions short)"
signed PUT /bucket/unlocked --fail -d '@hello' >/dev/null
signed PUT /bucket/unlocked2 --fail --data-binary '@hello' >/dev/null
status 'the right bytes without a lock get one' 0 \
	b s3://bucket put unlocked2 hello
stored 'locked afterwards' unlocked2 hello 1
today=$(date -u -d '+2 days' +%F)
t 'a partial tile' "$blobtool" -e "$S3_ENDPOINT" -l 8640000 -p 172800 \
	s3://bucket put tile/p hello partial
t_has 'is locked for a shorter time' \
	"$(signed GET '/bucket/tile/p?retention=')" "<RetainUntilDate>$today"

# --- who is asking
says 'a wrong access key' 'does not know this access key' \
	env AWS_ACCESS_KEY_ID=NOBODY "$blobtool" -e "$S3_ENDPOINT" \
	s3://bucket put k hello
says 'a wrong secret' 'not the one of this access key' \
	env AWS_SECRET_ACCESS_KEY=wrong "$blobtool" -e "$S3_ENDPOINT" \
	s3://bucket get a/b
says 'no credentials' 'expected AWS_ACCESS_KEY_ID' \
	env -u AWS_ACCESS_KEY_ID "$blobtool" -e "$S3_ENDPOINT" s3://bucket probe
printf '[default]\naws_access_key_id=NOBODY\naws_secret_access_key=x\n[w]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
	"$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >creds
t 'credentials from a file' env -u AWS_ACCESS_KEY_ID \
	"$blobtool" -e "$S3_ENDPOINT" -c "file:creds#w" s3://bucket probe
# Wrong at first, right when asked again: what happens when keys are rotated.
cat >rotate <<EOF
#!/bin/sh
id=$AWS_ACCESS_KEY_ID
[ -e "\$1" ] || id=OLD
: >"\$1"
printf '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}' \
	"\$id" '$AWS_SECRET_ACCESS_KEY'
EOF
chmod +x rotate
t 'credentials from a program, read again on 403' env -u AWS_ACCESS_KEY_ID \
	"$blobtool" -e "$S3_ENDPOINT" -c "process:$T/rotate $T/mark" -l 86400 \
	s3://bucket put rotated hello
stored 'put with rotated credentials' rotated hello 1
if ldd "$blobtool" | grep -q libasan; then
	t_skip 'a wrong clock' 'the address sanitizer must be preloaded first'
elif command -v faketime >/dev/null; then
	says 'a clock two hours behind' "clock is 2 hours 0 minutes behind" \
		faketime -f -7230 "$blobtool" -e "$S3_ENDPOINT" s3://bucket get a/b
	says 'a clock twenty minutes ahead' 'clock is 20 minutes ahead of' \
		faketime -f +20m "$blobtool" -e "$S3_ENDPOINT" -l 86400 \
		s3://bucket put k hello
else
	t_skip 'a wrong clock' 'faketime is not installed'
fi

# --- nobody there
says 'connection refused' 'Connection refused' \
	"$blobtool" -e http://127.0.0.1:1 s3://bucket get a/b
says 'a name that does not resolve' 'cannot resolve' \
	"$blobtool" -e http://nobody.invalid s3://bucket get a/b
says 'no TLS' 'no safe TLS connection' \
	"$blobtool" -e "https://127.0.0.1:$port" s3://bucket get a/b

# --- faults
fault -f slowdown PUT /slow 1 2
t 'two SlowDowns are survived' f s3://bucket put slow hello
stored 'after two SlowDowns' slow hello 1
fault -f slowdown ANY . 1 0
says 'SlowDown without end' 'overloaded' f s3://bucket put slow2 hello
fault -f internal HEAD . 1 1 -f internal PUT . 1 1
t 'internal errors are survived' f s3://bucket put ise hello
stored 'after internal errors' ise hello 1

fault -f reset-request PUT /reset 1 1
t 'a reset in the middle of the body is survived' \
	f s3://bucket put reset big
stored 'after a reset' reset big 1
fault -f reset-answer PUT /landed 1 1
t 'a write that landed before the reset' f s3://bucket put landed hello
stored 'landed before the reset' landed hello 1
t_eq 'is not written twice' 1 "$(grep -c ^PUT log)"
fault -f hang-after PUT /late 1 1
t 'a write that landed without an answer' f s3://bucket put late hello
stored 'landed without an answer' late hello 1
fault -f hang-after PUT /later 1 0 -f hang-before HEAD /later 2 0
says 'a server that hangs' 'did not answer in time' \
	f s3://bucket put later hello
status 'the put can be repeated' 0 b s3://bucket put later hello
stored 'repeated' later hello 1
fault -f truncate GET /a/b 1 1
t 'an answer cut short is read again' cmp <(f s3://bucket get a/b) other
fault -f truncate GET /a/b 1 0
says 'answers cut short for ever' 'broke off' f s3://bucket get a/b

fault -f skew ANY . 1 0
says 'a wrong clock' 'clock is 2 hours 0 minutes behind' \
	f s3://bucket put skew hello
fault -f expired ANY . 1 0
says 'an expired token' 'token has expired' f s3://bucket put k hello
fault -f denied PUT . 1 0
says 'no permission' 'not allowed to do that' f s3://bucket put k2 hello
fault -f region ANY . 1 0
says 'another region' 'in another region' f s3://bucket get a/b
fault -f not-xml GET . 1 0
says 'an answer that is not S3' 'not what S3 says' f s3://bucket probe
says 'a list that is not S3' 'malformed' f s3://bucket list

# A list that never ends ends here, and not with the test's patience.
lists() { timeout 20 "$blobtool" -e "$faulty" s3://bucket list; }
fault -f same-page GET versions= 1 0
says 'a list that stands still' 'lists the same page again' lists
fault -f turning-keys GET versions= 1 0
says 'a list that goes back' "goes on at 'a' after 'b'" lists
fault -f turning-versions GET versions= 1 0
says 'a list that turns within a key' 'lists the same page again' lists

fault -f garbage PUT /garbage 1 1
status 'garbage written a moment earlier never stops a log' 0 \
	f s3://bucket put garbage hello
stored 'over garbage' garbage hello 2
fault -f garbage PUT /garbage2 1 1 -f if-none-match PUT /garbage2 1 0
status 'a server that honours If-None-Match tells of garbage' 3 \
	f s3://bucket put garbage2 hello
stored 'over garbage' garbage2 hello 2
fault -f same-first PUT /same 1 1
status 'the same bytes a moment earlier' 0 f s3://bucket put same hello
stored 'the same bytes' same hello 1
fault -f not-implemented PUT . 1 0
t 'a server without If-None-Match' f s3://bucket put-many noinm 40 100
t_eq 'is not asked for it again and again' 40 \
	"$(versions noinm/)"
fault -f conflict PUT /conflict 1 2
t 'a conflict is repeated' f s3://bucket put conflict hello
stored 'after a conflict' conflict hello 1

fault -f no-lock ANY . 1 0
says 'a lock silently ignored' 'ignores object locks' \
	f s3://bucket put ignored hello
fault -f deaf ANY . 1 0
says 'a server without locks' 'ignores object locks' f s3://bucket put deaf hello
says 'of a large object' 'ignores object locks' f s3://bucket put large big
says 'is asked again' 'ignores object locks' f s3://bucket put deaf hello
t 'and what is there stays: it may take a lock for an object' \
	cmp <(b s3://bucket get deaf) hello
t_eq 'once' 1 "$(versions deaf)"
says 'as the probe says before' 'does not know object locks' f s3://bucket probe
fault -f no-lock-config GET object-lock 1 0
says 'no lock configuration' 'no object lock' f s3://bucket probe
fault -f no-lock-headers HEAD . 1 0
t 'a lock that is not in the headers is asked for' \
	f s3://bucket put headless hello
stored 'lock asked for' headless hello 1
fault -f odd-etag HEAD . 1 0
t 'an ETag that is no MD5: the bytes are read back' \
	f s3://bucket put etag hello
t_has 'by a GET' "$(cat log)" 'GET /bucket/etag?versionId='
fault -f odd-etag HEAD . 1 0 -f flip GET /flip 1 0
says 'other bytes read back' 'other bytes than were put' \
	f s3://bucket put flip hello

# --- https
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=s3 -addext subjectAltName=IP:127.0.0.1 -keyout tls.pem \
	-out ca.pem 2>/dev/null
cat ca.pem >>tls.pem
fault --tls tls.pem
faulty=https${faulty#http}
says 'a certificate of an unknown authority' 'no safe TLS connection' \
	f s3://bucket put tls hello
t 'a certificate of a known one' env AWS_CA_BUNDLE="$T/ca.pem" \
	"$blobtool" -e "$faulty" -l 86400 s3://bucket put-many tls 40 1000
t_eq 'put over https' 40 "$(versions tls/)"
says 'a certificate of another host' 'no safe TLS connection' \
	env AWS_CA_BUNDLE="$T/ca.pem" "$blobtool" \
	-e "https://localhost:${faulty##*:}" s3://bucket get tls/1

# --- outages of the real server
"$lab/rgw" osd-freeze "$T/rgw"
says 'a frozen store' 'did not answer in time' \
	"$blobtool" -e "$S3_ENDPOINT" -l 86400 -t 1000 s3://bucket put frozen hello
"$lab/rgw" osd-thaw "$T/rgw"
status 'put again after the thaw' 0 b s3://bucket put frozen hello
stored 'after the thaw' frozen hello 1
"$lab/rgw" gw-kill "$T/rgw"
says 'a killed gateway' 'Connection refused' b s3://bucket put killed hello
t 'the gateway is back' "$lab/rgw" gw-start "$T/rgw"
t 'put again' b s3://bucket put killed hello
stored 'after the outage' killed hello 1

t_not 'libcurl is not linked' grep -q libcurl <(ldd "$blobtool")
heal
t_done
