# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/bench/run: what an auditor waits for.

: "${tmp:?}" "${rounds:?}" "${bin:?}" "${O:?}"

# A fleet in name alone: its one master is tests/tools/fakemaster, as ssh.
report_fleet() { # DEPLOYMENT
	local d=$1 ca=$1/ca
	ssh-keygen -q -t ed25519 -N '' -C petra -f "$d/people/petra"
	ssh-keygen -q -t ed25519 -N '' -C master_1 -f "$d/master_1"
	deployment "$d" --operator "petra@example.com=$d/people/petra.pub"
	cp "$d/master_1.pub" "$ca/policy/authorities"
	sed -i 's/^  log: \(.*\)$/  log: \1\n  master: [master_1]/' \
	    "$ca/policy/ca.yaml"
	"$O/writ" policy sign -C "$ca" -i "$d/people/olga" -y
	rm -rf "$ca/fleet"
	mkdir -p "$ca/fleet/states" "$ca/fleet/pillar" "$d/bin" "$d/state"
	printf 'masters: [{address: m1.example.com, key: master_1}]\n' \
	    >"$ca/fleet/fleet.yaml"
	printf 'states: []\n' >"$ca/fleet/top.yaml"
	"$O/writ" fleet sign -C "$ca" -i "$d/people/petra" -y
	cp tests/tools/fakemaster "$d/bin/ssh"
	printf '[]\n' >"$d/state/status.json"
}

# A login and its end by each certificate, on 40 hosts, in the minutes in which
# it is good.
report_sessions() { # DEPLOYMENT
	local ca
	ca=$(ssh-keygen -lf "$1/ca/policy/authorities/user_ca.pub" |
	    cut -d' ' -f2)
	"$O/writ" audit list -C "$1/ca" --json | jq --arg ca "$ca" '
	    def at(s): now - s | floor | todate;
	    def of(n): {host: "web-\(n % 40).example.com", seq: "\(n)",
		number: 0, index: "9", came: at(0), source: "journal",
		report: ("07" * 32), session: "b.\(n)", account: "deploy"};
	    length as $all | to_entries | map(.key as $n | .value.serial as $serial |
		(of($n) + {at: at(300 * (1 - $n / $all) + 5), what: "login",
		    from: "10.0.0.7", port: 50112, method: "publickey",
		    ca: $ca, serial: $serial, key_id: "x"}),
		(of($n) + {at: at(300 * (1 - $n / $all)), what: "end"})) |
	    sort_by(.at, .host)' >"$1/state/logins.json"
}

report_figures() {
	local d=$tmp/report n i
	is_wanted report_s || return 0
	n=$(quick 1 2)
	{
		mkdir -p "$d/people"
		report_fleet "$d"
		for ((i = 0; i < n; i++)); do
			requests "$d" "$tmp/told$i" 1000 200
			"$O/writ" sign -C "$d/ca" "$tmp/told$i"/*.req
			rm -rf "$tmp/told$i"
		done
		report_sessions "$d"
	} >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" >&2
		return 1
	}
	settle
	for ((i = 0; i < rounds; i++)); do
		rm -f "$tmp/page.html"
		PATH=$d/bin:$PATH FAKE_DIR=$d/ca FAKE_STATE=$d/state \
		    FAKE_PAGE=1000 \
		    "$bin/bench_run" 1 "$O/writ" audit report -C "$d/ca" \
		    -i "$d/people/petra" --since 7d --html "$tmp/page.html" ||
			return 1
	done >"$tmp/secs"
	if ! grep -q "<dt>Logins</dt><dd>$((n * 1000))</dd>" "$tmp/page.html" ||
	    ! grep -q '<dt>Alarms</dt><dd>0</dd>' "$tmp/page.html"; then
		echo 'the page has other logins than the hosts saw' >&2
		return 1
	fi
	figure report_s "$(cut -d' ' -f2 "$tmp/secs" | median)" '<=1' \
	    "$(printf 'seconds for a page of %d sessions, %s (%.1f of CPU)' \
		$((n * 1000)) "$(stat -c %s "$tmp/page.html") bytes" \
		"$(cut -d' ' -f1 "$tmp/secs" | median)")"
}
