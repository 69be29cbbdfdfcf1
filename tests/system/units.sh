# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after hosts.sh: hosts that have what packaging puts down.
#
#	into HOST DIR		what comes on standard input, an archive, goes there
#	packed DIR		an archive of it, as root made it
#	installed HOST...	what `make install` puts down, on each
#	ca_service FILE		appends to a writ.yaml what the units of a CA expect
#	may_lock HOST NAME...	the signers of writ-NAME may lock memory there

into() {
	on "$1" mkdir -p "$2" && on "$1" tar -x -f - -C "$2"
}

packed() {
	tar -C "$1" -c --owner=0 --group=0 .
}

installed() {
	local host

	t 'make install fills a directory' env -u MAKEFLAGS -u MAKELEVEL \
	    make -C "$TOP" O="$O" PREFIX=/usr DESTDIR="$T/stage" install
	for host; do
		packed stage | into "$host" /
	done
}

ca_service() {
	cat >>"$1" <<-'END'
	service:
	  transport: /run/credentials/writ-ca-front.service/transport
	  runtime: /run/writ
	  users: {front: writ-front, keeper: writ-keeper, signer: writ-signer,
	    notify: writ-notify}
	END
}

# A machine whose root may not raise limits has to lock memory otherwise.
may_lock() {
	local host=$1 name

	shift
	! on "$host" sh -c 'ulimit -l unlimited' 2>/dev/null || return 0
	echo 'note: no limit can be raised here, so signers have IPC_LOCK'
	printf '[Service]\n%s\n%s\n' AmbientCapabilities=CAP_IPC_LOCK \
	    CapabilityBoundingSet=CAP_IPC_LOCK >lock.conf
	for name; do
		hosts put "$host" "/etc/systemd/system/writ-$name-signer.service.d" \
		    lock.conf
	done
	on "$host" systemctl daemon-reload
}
