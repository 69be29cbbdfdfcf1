#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: whoever should know is told, by every kind of channel, and
# neither a hostile reason, nor a server that hangs, nor a sibling that sends
# rubbish makes writ-ca-notify do anything else.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$T" || exit 1
mkdir -m 700 ca
printf 'log: "dir:log"\nlog_name: ca_log\n' >ca/writ.yaml
while read -r how what; do
	case $how in
	pass) t_ok "$what" ;;
	*) t_fail "${what%%: *}" "${what#*: }" ;;
	esac
done < <(python3 "$TOP/tests/interop/notify.py" "$O/writ-ca-notify" "$T/ca" 2>&1)
t_eq 'everything was tried' 40 "$((t_passed + t_failed))"
t_done
