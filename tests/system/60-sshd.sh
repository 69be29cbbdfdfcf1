#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: sshd_config and ssh_ca against a real sshd - what they say
# is so is so, for whoever logs in; from stock, from hand-edited and from hostile
# files; a second run has nothing to do; nobody is locked out; and removal leaves
# the bytes that were there before.
# Needs root.

. "$(dirname "$0")/hosts.sh"

hosts_up a
ip=$(hosts ip a)
hosts put a /usr/local/sbin "$O/tools/statetool"
on a sh -c 'useradd -m alice && groupadd sftponly && useradd -m -G sftponly sam'

# state KIND VERB NAME=VALUE...: with the file KIND.yaml of /root; $out, status.
state() {
	local kind=$1 verb=$2

	shift 2
	out=$(on a sh -c 'cd /root && exec statetool "$@" 2>&1' - \
	    "$kind" "$verb" "$kind.yaml" "$@" </dev/null)
}
# yaml KIND <<E
yaml() {
	cat >"$1.yaml"
	hosts put a /root "$1.yaml"
}
has() {
	case $out in
	*"$2"*) t_ok "$1" ;;
	*) t_fail "$1" "$out" ;;
	esac
}
holds() {
	state "$2" plan "${@:3}"
	case $out in
	*"file /"* | *"absent /"* | impossible*) t_fail "$1" "$out" ;;
	ok*) t_ok "$1" ;;
	*) t_fail "$1" "$out" ;;
	esac
}
sums() {
	on a sh -c 'find /etc/ssh -type f -o -type l | sort | xargs sha256sum'
}
dropin=/etc/ssh/sshd_config.d/00-writ.conf
main=/etc/ssh/sshd_config

# --- sshd_config ----------------------------------------------------------
yaml sshd_config <<'E'
settings:
  Port: 22
  PermitRootLogin: no
  PasswordAuthentication: no
  KbdInteractiveAuthentication: no
  MaxAuthTries: 4
  LoginGraceTime: 1m
  ClientAliveInterval: 5m
  Ciphers: chacha20-poly1305@openssh.com,aes256-gcm@openssh.com
  MACs: -*sha1*
  AllowUsers: [alice, sam]
  DebianBanner: no
match:
  - when: {Group: sftponly}
    settings: {ForceCommand: internal-sftp, AllowTcpForwarding: no}
E
stock=$(sums)
state sshd_config check account=alice
has 'the staged tree of stock passes' passes
t_eq 'and nothing was written for it' "$stock" "$(sums)"
state sshd_config apply
holds 'a second run has nothing to do' sshd_config
has 'each value is proved' 'proof MaxAuthTries 4 (all 3 classes)'
has 'a Match block too' 'proof ForceCommand internal-sftp (Group sftponly)'
t_eq 'sshd says so itself' 'maxauthtries 4' "$(on a sshd -T -C \
    user=alice,host=h,addr=192.0.2.1,laddr=192.0.2.2,lport=22 | grep maxauth)"
t_eq 'sshd runs' active "$(on a systemctl is-active ssh)"
near ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=none \
    "alice@$ip" true >ssh.out 2>&1 </dev/null
out=$(cat ssh.out)
has 'a password is not asked for' 'Permission denied (publickey)'
state sshd_config sign
has 'its signs start no program' 'programs 0'

on a sh -c "printf 'Match User alice\n MaxAuthTries 9\n PasswordAuthentication yes\n' >>$main"
holds 'a Match block of somebody changes nothing' sshd_config
has 'and was asked about' 'MaxAuthTries 4 (all 4 classes)'
on a sh -c "sed -i 's/^MaxAuthTries.*/MaxAuthTries 99/' $dropin"
state sshd_config plan
has 'a hand in our file is seen' "file $dropin"
state sshd_config apply
holds 'and put right' sshd_config
on a sed -i '1i Port 2222' "$main"
state sshd_config plan
has 'a port that adds up is named' "impossible: $main:1: says Port 2222"
on a sed -i 1d "$main"
on a sh -c "echo 'AllowGroups nosuchgroup' >/etc/ssh/sshd_config.d/50-x.conf"
t 'sshd -t is content with a group that does not exist' on a sshd -t
state sshd_config check account=alice
has 'the proof is not' \
    "'alice' would be locked out: AllowGroups nosuchgroup"
state sshd_config check
has 'nor where nobody is named' 'everybody would be locked out'
on a sh -c "echo 'Nonsense yes' >/etc/ssh/sshd_config.d/50-x.conf"
state sshd_config plan
has 'a neighbour that is broken is named' \
    'Bad configuration option: Nonsense'
on a rm /etc/ssh/sshd_config.d/50-x.conf

# Hostile: our file is a link of somebody's, a directory, immense.
for trick in 'ln -s /etc/shadow' 'mkdir' 'truncate -s 5M'; do
	on a sh -c "rm -rf $dropin && $trick $dropin"
	shadow=$(on a sha256sum /etc/shadow)
	state sshd_config apply
	t_eq "nothing is written through '$trick'" "$shadow" \
	    "$(on a sha256sum /etc/shadow)"
	has "'$trick' is in the way" impossible
	on a rm -rf "$dropin"
done
state sshd_config apply
holds 'from nothing again' sshd_config

yaml sshd_config <<'E'
settings: {Ciphers: "aes256-gcm@openssh.com,rot13@example.com"}
E
state sshd_config plan
has 'a cipher that sshd does not know is named' \
    "sshd_config.yaml:1:21: Ciphers: 'rot13@example.com' is not known"
yaml sshd_config <<<'ensure: absent'
state sshd_config apply
on a sed -i '/^Match User alice/,+2d' "$main"
t_eq 'removal leaves the bytes of before' "$stock" "$(sums)"

# An upgraded main file, that includes nothing.
on a sh -c "cp $main /root/main && sed -i '/^Include/d' $main"
bare=$(sums)
yaml sshd_config <<<'settings: {MaxAuthTries: 4}'
state sshd_config check account=alice
has 'an Include is added, staged' passes
state sshd_config apply
holds 'and then it holds' sshd_config
t_eq 'by one line' 1 "$(on a sh -c "diff /root/main $main | grep -c '^>'")"
yaml sshd_config <<<'ensure: absent'
state sshd_config apply
t_eq 'which goes with the state' "$bare" "$(sums)"
on a cp /root/main "$main"

# --- ssh_ca -----------------------------------------------------------------
mkdir -p policy/authorities
for key in user_ca host_ca ca_log olga petra alice; do
	ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$key"
done
cp user_ca.pub host_ca.pub ca_log.pub policy/authorities/
public() { cut -d' ' -f1,2 "$1.pub"; }
cat >policy/root.yaml <<E
version: 1
expires: 2098-11-01
officers:
  olga@example.com: {keys: [$(public olga)]}
operators:
  petra@example.com: {keys: [$(public petra)]}
thresholds: {root: 1, policy: 1, fleet: 1}
E
cat >policy/ca.yaml <<E
people:
  alice@example.com: {keys: [$(public alice)], groups: [engineers]}
new_keys: {engineers: self}
authorities: {user: [user_ca], host: [host_ca], log: [ca_log]}
grants:
  deploy:
    to: [engineers]
    principals: [deploy]
    max: 8h
    approve: none
E
on a cat /etc/ssh/ssh_host_ed25519_key.pub >hostkey.pub
ssh-keygen -q -s host_ca -I a -h -n "$ip" -V +1h hostkey.pub
ssh-keygen -q -s user_ca -I alice/1 -z 5 -n deploy -V +1h alice.pub
echo 'serial: 5' >serials
ssh-keygen -q -k -f krl7 -z 7 -s user_ca.pub /dev/null
ssh-keygen -q -k -f krl8 -z 8 -s user_ca.pub serials
tar -cf ca.tar policy krl7 krl8 hostkey-cert.pub
hosts put a /root ca.tar
on a tar -C /root -xf /root/ca.tar
yaml ssh_ca <<'E'
accounts:
  alice: [deploy, "deploy@a"]
  sam: []
  ghost: [deploy]
E
echo "@cert-authority * $(public host_ca)" >known
login() {
	near ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes \
	    -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=$T/known" \
	    -i "$T/alice" -o "CertificateFile=$T/alice-cert.pub" \
	    "$1@$ip" id -un >login.out 2>&1 </dev/null
}
with=(policy=policy cert=hostkey-cert.pub)
operator=(account=alice principal=deploy)

t_not 'nobody gets in with a certificate yet' login alice
state ssh_ca check "${with[@]}" krl=krl7 krl_version=7 "${operator[@]}"
has 'staged, the operator gets in' passes
state ssh_ca apply "${with[@]}" krl=krl7 krl_version=7
holds 'a second run has nothing to do' ssh_ca "${with[@]}" krl=krl7 \
    krl_version=7
has 'it is proved' 'proof TrustedUserCAKeys /etc/ssh/writ/user_ca.pub (all'
has 'an account that is not there is said' 'account ghost is not on this host'
t 'a certificate for the account gets in, the host shows its own' login alice
t_not 'an empty list lets nobody in' login sam
t_not 'an account without a list neither' login root
state ssh_ca check "${with[@]}" account=sam principal=deploy
has 'who has no principal there would be locked out' \
    "'sam' would be locked out"

state ssh_ca apply "${with[@]}" krl=krl8 krl_version=8
t_not 'a certificate that is revoked does not get in' login alice
state ssh_ca plan "${with[@]}" krl=krl7 krl_version=7
has 'an older list does not follow' 'KRL 8 stays, older 7 was offered'
on a rm /etc/ssh/writ/krl
state ssh_ca plan "${with[@]}" krl=krl7 krl_version=7
has 'not even when the list is gone' \
    'impossible: the KRL of version 8 that this host had is gone'
state ssh_ca check "${with[@]}" krl=krl8 krl_version=8 "${operator[@]}"
has 'the same list may be put back' passes

yaml ssh_ca <<<'ensure: absent'
state ssh_ca check "${operator[@]}"
has 'who comes with a certificate would be locked out by removal' \
    "'alice' would be locked out: TrustedUserCAKeys is none"
state ssh_ca apply
t_eq 'removal leaves the bytes of before' "$stock" "$(sums)"

# --- service ----------------------------------------------------------------
for want in 'yes yes' 'no no' 'no masked' 'yes yes'; do
	yaml service <<<"{name: cron, running: ${want% *}, enabled: ${want#* }}"
	state service apply
	state service plan
	t_eq "cron: $want" ok "$out"
done
t_eq 'it runs at the end' active "$(on a systemctl is-active cron)"
state service sign
was=$out
on a systemctl stop cron
state service sign
t_not 'a service that stopped shows in its signs' test "$was" = "$out"
t_done
