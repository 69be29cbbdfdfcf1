# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after lib.sh and fleet.sh: a deployment in `corp` with a fleet, a master
# in `m` whose keeper and signer run alone, and its calls as a front brings them.
#
#	master_make		corp, its people, the master's directory; policy 1
#	master_starts		signer and keeper serve; $signer, $keeper, logs in
#				m.signer.log and m.keeper.log
#	keeper_starts, keeper_ends	the keeper alone
#	host_keys NAME		NAME.host and NAME.link, keys of a host
#	say TYPE BY KEYS JSON	a statement, on standard output: KEYS is a list
#				with blanks, JSON an object of the members of its
#				type; MEMBERS below are such without braces
#	name FILE		the hash that names the statement in it
#	line FILE.pub		"TYPE BASE64"
#	call WHO JSON		the answer; WHO is a person, host/ID, or ''
#	call_file WHO NAME KEY=FILE...	a call whose members are what files hold
#	submit WHO FILE...	statements; TARGETS= for a job's
#	field NAME		of an answer on standard input
#	enrol NAME		NAME.enrol: the host NAME asks in
#	accept NAME ID [MEMBERS]	NAME.accept: Petra accepts it
#	report NAME ID [MEMBERS]	the next report of that host, in NAME.report
#	run_of, logins_of	such members
#	job FILE VERSION TARGETS [MODE]	an order of Petra's; TREE= to lie
#	attends NAME ID		in the background; news in NAME.news
#	alarms			how many the keeper has raised

: "${fleet_log:?}" # of fleet.sh

hashed() {
	local sum

	sum=$(sha256sum)
	printf '%s\n' "${sum%% *}"
}

name() {
	local first

	IFS= read -r first <"$1"
	printf '%s\n' "$first" | hashed
}

line() {
	local type key rest

	read -r type key rest <"$1"
	printf '%s %s' "$type" "$key"
}

# Of the last line: a number or a text by its name; a member of a member too,
# since names are not twice in what is asked for here.
field() {
	sed -n '$s/.*"'"${1##*.}"'":"\{0,1\}\([^",}]*\).*/\1/p'
}

# What a file holds, as the value of a member.
json_of() {
	local text

	text=$(<"$1")
	text=${text//\\/\\\\}
	text=${text//\"/\\\"}
	printf '"%s\\n"' "${text//$'\n'/\\n}"
}

# AT and REALM say another time and realm.
say() {
	local file=$T/say.$BASHPID more=${4#\{} key message

	message=$(printf '{"v":1,"type":"%s","realm":"%s","by":"%s",' "$1" \
		"${REALM:-$realm}" "$2")
	message+=$(printf '"at":"%s",' \
		"${AT:-$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1)}")
	message+=$(printf '"nonce":"%08x%08x%08x%08x",%s' "$SRANDOM" \
		"$SRANDOM" "$SRANDOM" "$SRANDOM" "$more")
	printf '%s\n' "$message" >"$file"
	printf '%s\n' "$message"
	for key in $3; do
		rm -f "$file.sig"
		ssh-keygen -q -Y sign -f "$key" -n "$1@writ" "$file" 2>/dev/null
		printf '%s\n' "$(<"$file.sig")"
	done
	rm -f "$file" "$file.sig"
}

call() {
	"$O/tools/calltool" -a "${FROM:-192.0.2.9}" m/run/keeper.sock "$1" \
		"$2" 2>&1
}

call_file() {
	local who=$1 json="{\"call\":\"$2\"" pair

	shift 2
	for pair in "$@"; do
		json+=",\"${pair%%=*}\":$(json_of "${pair#*=}")"
	done
	call "$who" "$json}"
}

submit() {
	local who=$1 json='' file

	shift
	for file in "$@"; do
		json+="${json:+,}$(json_of "$file")"
	done
	json="{\"call\":\"submit\",\"statements\":[$json]"
	[ -z "${TARGETS:-}" ] || json+=",\"targets\":$(json_of "$TARGETS")"
	call "$who" "$json}"
}

host_keys() {
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1.host"
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1.link"
	printf '%08x%08x%08x%08x' "$SRANDOM" "$SRANDOM" "$SRANDOM" \
		"$SRANDOM" >"$1.boot"
}

enrol_statement() { # NAME HOSTNAME
	say enrol "$2" "$1.host $1.link" "{$(printf '"host_key":"%s",
		' "$(line "$1.host.pub")" | tr -d '\n\t')$(printf \
		'"transport_key":"%s","hostname":"%s",' \
		"$(line "$1.link.pub")" "$2")$(printf \
		'"grains":{"os":"debian"},"boot_id":"%s"}' "$(<"$1.boot")")"
}

enrol() {
	[ -s "$1.enrol" ] || enrol_statement "$1" "$1" >"$1.enrol"
	call_file '' enrol statement="$1.enrol"
}

acceptance() { # NAME ID BY KEY [MEMBERS]
	say accept "$3" "$4" "{$(printf \
		'"host":"%s","names":["%s"],"enrol":"%s",' "$2" "$2" \
		"$(name "$1.enrol")")$(printf \
		'"host_key":"%s","transport_key":"%s",' \
		"$(line "$1.host.pub")" "$(line "$1.link.pub")")${5:+$5,}$(
		printf '"renew_until":"2027-06-01T00:00:00Z"}')"
}

accept() { # NAME ID [MEMBERS]
	acceptance "$1" "$2" petra@example.com petra "${3:-}" >"$1.accept"
	submit petra@example.com "$1.accept"
}

# seq and previous go on from NAME.report, where there is one.
report_statement() { # NAME ID [MEMBERS] [KEY]
	local seq=1 previous='' first

	if [ -s "$1.report" ]; then
		IFS= read -r first <"$1.report"
		seq=$(($(field seq <<<"$first") + 1))
		previous="\"previous\":\"$(name "$1.report")\","
	fi
	say report "$2" "${4:-$1.host}" "{$(printf '"seq":"%s",%s%s,' "$seq" \
		"$previous" "${3:-\"kind\":\"heartbeat\",\"fleet_version\":\"0\"}")$(
		printf '"boot_id":"%s","root_version":"1",' "$(<"$1.boot")")$(
		printf '"policy_version":"1","krl_version":"0","quiet":"0"}')"
}

report() {
	report_statement "$1" "$2" "${3:-}" >"$1.next"
	mv "$1.next" "$1.report"
	call_file "host/$2" report statement="$1.report"
}

run_of() { # JOB OUTCOME: members of a report of a run
	printf '"kind":"run","job":"%s","mode":"enforce","outcome":"%s",' \
		"$1" "$2"
	printf '"states":"3","fleet_version":"1"'
	[ "$2" = unchanged ] || printf ',"changes":[{"state":"limits","kind":"pam_limits","result":"done"}]'
}

logins_of() { # EVENTS: members of a report of who logged in
	printf '"kind":"logins","fleet_version":"0","events":[%s]' "$1"
}

job() { # FILE VERSION TARGETS [MODE]
	local hosts tree

	read -r hosts tree < <(python3 "$TOP/tests/interop/place.py" "$3")
	say job petra@example.com petra "{$(printf \
		'"version":"%s","bundle":"%s","targets":"%s","size":"%s",' \
		"$2" "$(name "corp/bundle/fleet.$2")" "$(hashed <"$3")" \
		"$(stat -c %s "$3")")$(printf '"hosts":"%s","tree":"%s",' \
		"$hosts" "${TREE:-$tree}")$(printf \
		'"mode":"%s","max_failures":"0","expires":"%s"}' \
		"${4:-enforce}" \
		"$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' $(($(date +%s) + 3600)))")" \
		>"$1"
}

attends() { # NAME ID [BOOT]
	: >"$1.news"
	call "host/$2" "$(printf '{"call":"attend","boot_id":"%s",' \
		"${3:-$(<"$1.boot")}")$(printf \
		'"root_version":"1","policy_version":"1",')$(printf \
		'"fleet_version":"0","krl_version":"0"}')" >"$1.news" &
	attending=$!
	t_stop_later "$attending"
}

# Since the keeper began: it counts those too that are too many for its log.
alarms() {
	"$O/tools/calltool" -c m/run/control.sock '' '{"call":"status"}' |
		python3 -c 'import json,sys; print(json.load(sys.stdin)["alarms"])'
}

# --- the deployment

master_make() {
	fleet_people
	mkdir -p m/keys m/run m/signer
	chmod 700 m/keys m/run m/signer
	ssh-keygen -q -t ed25519 -N '' -C master_1 -f m/keys/master_1
	ssh-keygen -q -t ed25519 -N '' -C master_1_log -f m/keys/master_1_log
	{
		"$O/writ" init corp --single-officer \
		    --officer olga@example.com=olga.pub \
		    --operator petra@example.com=petra.pub \
		    --operator piet@example.com=piet.pub &&
		    cp m/keys/master_1.pub m/keys/master_1_log.pub \
			corp/policy/authorities &&
		    sed -i 's/^  log: .*/  log: [ca_log, emergency_log, master_1_log]\n  master: [master_1]/' \
			corp/policy/ca.yaml &&
		    "$O/writ" policy sign -C corp -i olga -y
	} >>"$fleet_log" 2>&1 </dev/null || return
	rm -rf corp/fleet
	mkdir -p corp/fleet/states corp/fleet/pillar
	cp -r corp/bundle m/bundle
	realm=$(hashed <corp/bundle/root.1.yaml)
	cat >m/master.yaml <<END
name: master_1
root: $(fleet_root corp)
log: dir:log
tick: 5m
END
}

signer_starts() {
	: >m.signer.log
	"$O/writ-master-signer" -C m >m.signer.log 2>&1 &
	signer=$!
	t_stop_later "$signer"
	until_ok says m.signer.log ready
}

keeper_starts() {
	"$O/writ-master-keeper" -C m >>m.keeper.log 2>&1 &
	keeper=$!
	t_stop_later "$keeper"
	until_ok call olga@example.com '{"call":"hello"}'
}

keeper_ends() {
	kill "$keeper"
	wait "$keeper"
}

master_starts() {
	signer_starts && keeper_starts
}
