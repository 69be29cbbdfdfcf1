#!/bin/sh
# SPDX-License-Identifier: ISC
# Make the files of this directory anew: keys, certificates, signatures and
# revocation lists by stock ssh-keygen, for the unit tests to read.
#
# The private keys are for tests and have no passphrase.  They are made once
# and committed: run this only to add something, and commit what changes.
# The keys of security keys are built from plain ones, since there is no token
# here; nobody can sign with them, but a CA can certify them.
set -eu
cd "$(dirname "$0")"
TZ=UTC
export TZ
types="ed25519 ecdsa256 ecdsa384 ecdsa521 rsa3072"

keygen() { # FILE ARGUMENT...
	file=$1
	shift
	[ -f "$file" ] || ssh-keygen -q -N '' -C "$file@example.com" -f "$file" "$@"
}

# The same point with another type in front and an application behind.
sk() { # FROM TO TYPE
	python3 - "$1" "$2" "$3" <<'PY'
import base64, struct, sys
plain, to, name = sys.argv[1:]
blob = base64.b64decode(open(plain).read().split()[1])
n = struct.unpack(">I", blob[:4])[0]
s = lambda b: struct.pack(">I", len(b)) + b
new = s(name.encode()) + blob[4 + n:] + s(b"ssh:")
open(to, "w").write("%s %s %s@example.com\n" % (
    name, base64.b64encode(new).decode(), to.split(".")[0]))
PY
}

# ssh-keygen writes SUBJECT-cert.pub; keep it under a name of ours.
certify() { # NAME SUBJECT ARGUMENT...
	name=$1
	subject=$2
	shift 2
	cp "$subject.pub" tmp.pub
	ssh-keygen -q "$@" tmp.pub
	mv tmp-cert.pub "$name.cert"
	ssh-keygen -L -f "$name.cert" | sed 1d >"$name.show"
	rm tmp.pub
}

keygen ed25519 -t ed25519
keygen ecdsa256 -t ecdsa -b 256
keygen ecdsa384 -t ecdsa -b 384
keygen ecdsa521 -t ecdsa -b 521
keygen rsa3072 -t rsa -b 3072
keygen rsa2048 -t rsa -b 2048
keygen rsa1024 -t rsa -b 1024
keygen ed25519-2 -t ed25519
sk ed25519.pub sk-ed25519.pub sk-ssh-ed25519@openssh.com
sk ecdsa256.pub sk-ecdsa256.pub sk-ecdsa-sha2-nistp256@openssh.com

validity=20260101000000Z:20260101080000Z
serial=1000
for ca in $types; do
	for subject in $types sk-ed25519 sk-ecdsa256; do
		serial=$((serial + 1))
		certify "user-$ca-$subject" "$subject" -s "$ca" \
		    -I "alice/$subject" -n alice,deploy -z $serial \
		    -V $validity -O source-address=10.0.0.0/8,192.0.2.1/32 \
		    -O force-command='echo "hello, world"'
	done
	serial=$((serial + 1))
	certify "host-$ca" ed25519 -s "$ca" -h -I web1 -z $serial \
	    -n web1.example.com,192.0.2.1 -V $validity
done
certify rsa-sha256 ed25519 -s rsa3072 -t rsa-sha2-256 -I sha256 -n a \
    -V $validity
certify rsa-sha1 ed25519 -s rsa3072 -t ssh-rsa -I sha1 -n a -V $validity
certify forever ed25519-2 -s ed25519 -I forever -n a
certify before ed25519-2 -s ed25519 -I before -n a -V always:20300101
certify after ed25519-2 -s ed25519 -I after -n a -V 20260101:forever
certify bare ed25519-2 -s ed25519 -I '' -O clear -V $validity
certify unknown ed25519-2 -s ed25519 -I unknown -n a -V $validity \
    -O clear -O extension:reason@example.com=why -O extension:flag@example.com \
    -O critical:must@example.com=42 -O critical:flag@example.com
certify verify sk-ed25519 -s ed25519 -I verify -n a -V $validity \
    -O verify-required -O no-touch-required

printf 'a message\nof two lines\n' >message
for key in $types; do
	for hash in sha256 sha512; do
		ssh-keygen -q -Y sign -n test@writ -O hashalg=$hash \
		    -f "$key" <message >"$key.$hash.sig" 2>/dev/null
	done
done

krl() { # NAME CA|- SPECIFICATION
	printf '%b' "$3" >spec
	if [ "$2" = - ]; then
		ssh-keygen -q -k -f "$1.krl" -z 7 spec
	else
		ssh-keygen -q -k -f "$1.krl" -z 7 -s "$2" spec
	fi
	rm spec
}
krl empty - ''
krl serials ed25519.pub 'serial: 5\nserial: 100000\nserial: 18446744073709551615\n'
krl range ed25519.pub 'serial: 10-4000000000\n'
krl bitmap ed25519.pub \
    "$(i=1000; while [ $i -lt 1400 ]; do printf 'serial: %d\\n' $i; i=$((i + 2 + i % 3)); done)"
krl ids ed25519.pub 'id: alice/one\nid: bob two\n'
krl key - "key: $(cat ecdsa256.pub)\n"
krl sha1 - "sha1: $(cat ecdsa256.pub)\n"
krl sha256 - "sha256: $(cat ecdsa256.pub)\n"
krl mixed rsa3072.pub \
    "serial: 3\nserial: 7-9\nid: mallory\nkey: $(cat ecdsa384.pub)\nsha256: $(cat ed25519-2.pub)\n"
