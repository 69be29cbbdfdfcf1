# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/demo/demo after stage.sh: the story, from an empty directory
# to a login whose record is in a bucket.

LAB=$TOP/tests/lab
bucket=writ-log
prefix=prod
port=17480

finish() {
	service_stop
	master_stop
	hosts_stop
	"$LAB/sshd" stop web1
	"$LAB/sshd" stop web1-later
	"$LAB/rgw" stop "$DEMO_HOME/s3" >/dev/null 2>&1
	rm -rf "$DEMO_HOME/s3"
}
# service.sh has another, once there is a service.
service_stop() {
	:
}
# And fleet.sh, once there are hosts.
hosts_stop() {
	:
}
# And master.sh, once there is a master.
master_stop() {
	:
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ask NAME OPTION...: a request of alice, or $who, approved by olga:
# alice/NAME.req.
ask() {
	local by=${who:-alice} name=$1

	shift
	as "$by" writ request -C ca "$@" --key "$by/id_ed25519.pub" \
	    -o "$by/$name.req"
	lines=4 as olga writ approve -C ca -y -i olga/id_ed25519 \
	    "$by/$name.req"
}

serial_of() {
	ssh-keygen -L -f "$1" | awk '$1 == "Serial:" { print $2 }'
}

tell "Eight people: olga and ivan, security officers; alice, bob, lena and tom," \
	"engineers; petra, who runs the machines; anna, who audits.  Each has an SSH key" \
	"and a directory here, $DEMO_HOME.  web1.example.com is this machine" \
	"in namespaces of its own: a network that is loopback alone, its own" \
	"accounts, its own /etc/ssh."

chapter 'A place for the record'
tell 'A real S3 server (Ceph), and a bucket in which nobody, not even its' \
	'owner, can change or delete what is locked.'
as petra "$LAB/rgw" start "$DEMO_HOME/s3" $port
# shellcheck disable=SC1091
. "$DEMO_HOME/s3/env"
as petra "$O/tools/blobtool" -e "$S3_ENDPOINT" s3://$bucket make-bucket lock

chapter 'A CA'
for person in olga ivan petra alice bob lena tom anna; do
	mkdir $person
	ssh-keygen -q -t ed25519 -N '' -C $person -f $person/id_ed25519
done
tell 'petra makes it.  She names the officers by the keys they already have;' \
	'nothing is in force until they sign.  (A lock of one day: for a demo.)'
as petra writ init ca --officer olga@example.com=olga/id_ed25519.pub \
	--officer ivan@example.com=ivan/id_ed25519.pub \
	--operator petra@example.com=petra/id_ed25519.pub \
	--log s3://$bucket/$prefix --endpoint "$S3_ENDPOINT" --retention 1d

chapter 'A policy, signed by two'
tell 'The officers write down who may become what.  alice is an engineer, and' \
	'engineers may deploy for up to eight hours if one approver agrees.'
for person in alice bob lena tom; do
	cat >ca/policy/people/$person@example.com.yaml <<-END
	keys: ["$(cat $person/id_ed25519.pub)"]
	groups: [engineers]
	END
done
grants=$(cat <<'END'
  deploy:
    to: [engineers]
    principals: [deploy]
    max: 8h
    reason: {min: 10}
    approve: [{approvers: 1}]
  read-only:
    to: [engineers]
    principals: [viewer]
    max: 12h
    approve: none
END
)
# In the place of the example that init left in a comment.
sed -i '/^  # deploy:/,$d' ca/policy/ca.yaml
printf '%s\n' "$grants" >>ca/policy/ca.yaml
show ca/policy/ca.yaml ca/policy/people/alice@example.com.yaml
tell 'Is it right, and does it work?  Where one person away blocks everybody,' \
	'it says so.'
as olga writ policy check -C ca
answers 'policy works'
tell 'Each officer sees what changed and signs; the second signature puts it' \
	'in force, and into the log.'
lines=3 as olga writ policy sign -C ca -y -i olga/id_ed25519
out=$(tail -n 1 <<<"$out")
trimmed 1
answers 'still to sign, any of: ivan@example.com'
lines=3 as ivan writ policy sign -C ca -y -i ivan/id_ed25519
out=$(tail -n 2 <<<"$out")
trimmed 2
answers 'policy 1 is published'
root=$(grep -o 'SHA256:.*' <<<"$out")

chapter 'A host'
tell 'web1 needs four things: the CA keys, who may be which account, a list' \
	'of what is revoked, and a line that includes them.  The emergency CA' \
	'is among the keys from the first day.'
as petra writ config sshd -C ca -o /etc/ssh/writ
as petra cp /etc/ssh/writ/writ.conf /etc/ssh/sshd_config.d/
show /etc/ssh/sshd_config.d/writ.conf
tell 'The host gets a certificate too, so that nobody is ever asked whether' \
	'a fingerprint is right: ivan asks for it, olga approves.'
mkdir hosts
as ivan writ request -C ca web1.example.com --host-cert --for 30d \
	--key /etc/ssh/ssh_host_ed25519_key.pub -i ivan/id_ed25519 \
	-m 'New web server' -o hosts/web1.req
lines=4 as olga writ approve -C ca -y -i olga/id_ed25519 hosts/web1.req
as petra writ sign -C ca hosts/web1.req \
	-o /etc/ssh/ssh_host_ed25519_key-cert.pub
echo 'HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub' \
	>>/etc/ssh/sshd_config.d/writ.conf
as petra "$LAB/sshd" start web1 22
cat >alice/ssh_config <<END
Host *.example.com
	IdentityFile alice/id_ed25519
	IdentitiesOnly yes
	UserKnownHostsFile alice/known_hosts
	StrictHostKeyChecking yes
	BatchMode yes
END
echo "@cert-authority *.example.com $(cat ca/policy/authorities/host_ca.pub)" \
	>alice/known_hosts
sed 's,alice/,bob/,; /IdentityFile\|IdentitiesOnly/d; s,alice,bob,' alice/ssh_config \
	>bob/ssh_config
cp alice/known_hosts bob/
show alice/ssh_config

chapter 'alice asks, olga approves'
as alice writ request -C ca deploy --for 1h \
	-m 'Deploy release 4.2 to web1' --key alice/id_ed25519.pub \
	-o alice/r1.req
tell 'Whoever runs the CA cannot give it to her: there is no approval.'
want=3 as petra writ sign -C ca alice/r1.req
answers 'waits for 1 more of approvers'
tell 'olga sees who asks for what and why, checked on her own machine, before' \
	'her key is used.'
as olga writ approve -C ca -y -i olga/id_ed25519 alice/r1.req
as petra writ sign -C ca alice/r1.req
answers 'alice/id_ed25519-cert.pub: serial'
cp alice/id_ed25519-cert.pub alice/r1-cert.pub
serial=$(serial_of alice/r1-cert.pub)
tell 'Stock ssh-keygen reads it.'
as alice ssh-keygen -L -f alice/id_ed25519-cert.pub

chapter 'She logs in'
listen web1.log
as alice ssh -F alice/ssh_config deploy@web1.example.com id
answers 'uid=61000(deploy)'
tell 'The host says by which certificate: the key ID names alice and her' \
	'request, the serial leads to the record.'
host_says "(serial $serial)"
answers 'ID alice@example.com/'

chapter 'And where she may not'
tell 'Another account than the certificate names:'
want=255 as alice ssh -F alice/ssh_config viewer@web1.example.com true
host_says 'principal'
tell 'Two hours later (a second sshd of the same configuration, whose clock' \
	'libfaketime has set; nothing in Writ can):'
SSHD_TIME=+2h "$LAB/sshd" start web1-later 2222 ||
	surprise 'no second sshd'
listen web1-later.log
want=255 as alice ssh -F alice/ssh_config -p 2222 \
	-o HostKeyAlias=web1.example.com deploy@web1.example.com true
host_says 'Certificate invalid: expired'
listen web1.log
tell 'From another place than she asked for herself:'
ask office deploy --for 1h --from 10.20.0.0/16 -m 'Deploy from the office'
as petra writ sign -C ca alice/office.req
want=255 as alice ssh -F alice/ssh_config deploy@web1.example.com true
host_says 'not from a permitted source address'
tell 'And once it is revoked.  Any officer may, at once, alone:'
cp alice/r1-cert.pub alice/id_ed25519-cert.pub
as alice ssh -F alice/ssh_config deploy@web1.example.com true
listen web1.log
as ivan writ revoke -C ca "$serial" --reason 'Laptop left on a train' \
	-y -i ivan/id_ed25519
as petra writ krl -C ca -o /etc/ssh/writ/revoked.krl
want=255 as alice ssh -F alice/ssh_config deploy@web1.example.com true
host_says 'revoked by file'

# shellcheck source=tests/demo/service.sh
. "$TOP/tests/demo/service.sh"

chapter 'The record'
cat >anna/s3cfg <<END
[default]
host_base = 127.0.0.1:$port
host_bucket = 127.0.0.1:$port
use_https = False
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
progress_meter = False
END
tell 'anna trusts neither Writ nor petra.  With an S3 client that is not ours' \
	'she finds the certificate by day and serial:'
lines=8 as anna s3cmd -c anna/s3cfg ls --recursive "s3://$bucket/$prefix/records/"
record=$(grep -o "s3://[^ ]*/$serial.json" <<<"$out") ||
	surprise "no record of $serial in the bucket"
as anna s3cmd -c anna/s3cfg get "$record" anna/
lines=60 show "anna/$serial.json"
answers 'Deploy release 4.2 to web1'
answers olga@example.com
tell 'Who had what, and on whose approval:'
as anna writ audit list -C ca
answers "$serial"
tell 'Is that all there is, and is each of it right?  She needs to read the' \
	'bucket, and the fingerprint that the officers told her.  Every' \
	'certificate is decided again from what people signed.'
as anna writ audit verify -C ca --root "$root"
answers certificates
tell 'Now one byte of the log is changed, in a copy: the reason of alice.'
mkdir anna/copy
as anna s3cmd -q -c anna/s3cfg get --recursive "s3://$bucket/$prefix/" anna/copy/
as anna writ audit verify --log dir:anna/copy --root "$root"
tile=$(grep -rl 'release 4\.2' anna/copy/tile/entries | sort -V | tail -n 1)
[ -n "$tile" ] || surprise 'no tile has the reason, expected one'
as anna sed -i 's/release 4\.2/release 4.3/' "$tile"
want=1 as anna writ audit verify --log dir:anna/copy --root "$root"
answers ': leaf '

chapter 'The bucket is gone'
tell 'S3 is down.  What cannot be recorded is not issued:'
ask night deploy --for 1h -m 'Fix the broken release 4.2'
as petra "$LAB/rgw" gw-kill "$DEMO_HOME/s3"
want=5 as petra writ sign -C ca alice/night.req
tell 'For this there is a directory, on a stick in a safe: a CA key, a log' \
	'and a log key of its own, under the same policy and the same approvals.'
as petra writ sign -C ca/emergency alice/night.req
as alice ssh -F alice/ssh_config deploy@web1.example.com id
answers 'uid=61000(deploy)'
host_says "(serial $(serial_of alice/id_ed25519-cert.pub))"
tell 'Morning.  S3 is back, and the log of the stick goes beside the other:'
as petra "$LAB/rgw" gw-start "$DEMO_HOME/s3"
as petra writ audit merge -C ca ca/emergency
as anna writ audit verify -C ca --root "$root"
answers '6 certificates'
answers '0 findings'
as anna writ audit list -C ca --since 1h --csv
answers emergency_log

cp -p alice/id_ed25519-cert.pub alice/night-cert.pub
cp -rp /etc/ssh/writ web1-etc-ssh-writ
# shellcheck source=tests/demo/fleet.sh
. "$TOP/tests/demo/fleet.sh"
# shellcheck source=tests/demo/master.sh
. "$TOP/tests/demo/master.sh"

chapter 'To look at'
cat <<END

  cd $DEMO_HOME
  ca/policy/            the policy, as the officers wrote and signed it
  alice/r1.req          her request, and beside it olga's decision: one line
                        of JSON and a signature each
  alice/r1-cert.pub     the certificate that came of it
  anna/$serial.json
                        its record, as it was in the bucket
  anna/copy/            the log, with one byte changed
  anna/logins.html      who logged in on the hosts, and why, as a page
  web1-etc-ssh-writ/    what the host had; web1.log is what its sshd said

  $O/writ show -C ca alice/r1.req
  $O/writ audit verify -C ca/emergency
  head -n 1 alice/r1.req | ssh-keygen -Y verify -n request@writ \\
      -f <($O/writ policy signers -C ca) -I alice@example.com \\
      -s <(tail -n +2 alice/r1.req)

All that ran has ended, and nothing else on this machine was touched.
To remove what is left: rm -r $DEMO_HOME
END
