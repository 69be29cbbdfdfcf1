# bash completion of writ(1); made by: writ completion bash
_writ() {
	local cur=${COMP_WORDS[COMP_CWORD]} path='' words='' i w
	for ((i = 1; i < COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		case $w in
		-C) ((i++)) ;;
		-*) ;;
		*)
			case " $(_writ_words "$path") " in
			*" $w "*) path="${path:+$path }$w" ;;
			esac ;;
		esac
	done
	words=$(_writ_words "$path")
	case $cur in
	-*) ;;
	*) [[ $words == -* ]] && words='' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
_writ_words() {
	local words=''
	case $1 in
	'')
		words='init policy trust request status fetch pending approve deny sign show key revoke krl config ca ensure why audit fleet completion' ;;
	'init')
		words='--officer --operator --user-ca --log --copy --retention --endpoint --region --single-officer --passphrase -C' ;;
	'policy')
		words='check diff sign show signers log who pull push' ;;
	'policy check')
		words='-C' ;;
	'policy diff')
		words='-C' ;;
	'policy sign')
		words='-i --expires -y -C' ;;
	'policy show')
		words='--json -C' ;;
	'policy signers')
		words='-C' ;;
	'policy log')
		words='--json --csv -C' ;;
	'policy who')
		words='--principal --person --json --csv -C' ;;
	'policy pull')
		words='-C' ;;
	'policy push')
		words='-C' ;;
	'trust')
		words='-i --person -C' ;;
	'request')
		words='--principal --reason -m --ticket --for --grant --not-before --from --force-command --extension --host-cert --key -i -o --check --no-wait -C' ;;
	'status')
		words='--json --csv -C' ;;
	'fetch')
		words='-C' ;;
	'pending')
		words='--all --watch --json --csv -C' ;;
	'approve')
		words='--for -i --comment -o -y -C' ;;
	'deny')
		words='-i --comment -o -y -C' ;;
	'sign')
		words='--decision -o -C' ;;
	'show')
		words='--json -C' ;;
	'key')
		words='add retire' ;;
	'key add')
		words='-i -o -C' ;;
	'key retire')
		words='-i -o -C' ;;
	'revoke')
		words='--key-id --person --key --reason -i -o -y -C' ;;
	'krl')
		words='-o -C' ;;
	'config')
		words='sshd ssh' ;;
	'config sshd')
		words='-o --account --host -C' ;;
	'config ssh')
		words='-C' ;;
	'ca')
		words='new list use' ;;
	'ca new')
		words='--type --for -C' ;;
	'ca list')
		words='--json --csv -C' ;;
	'ca use')
		words='--after --now -C' ;;
	'ensure')
		words='-i -C' ;;
	'why')
		words='-i --master -C' ;;
	'audit')
		words='who session hosts gaps report list verify prove sample evidence merge' ;;
	'audit who')
		words='--host --person --account --since --until --reason -i --master --utc --json --csv -C' ;;
	'audit session')
		words='--host --since -i --master --utc --json --csv -C' ;;
	'audit hosts')
		words='--at --cis --fleet-log --utc --json --csv -C' ;;
	'audit gaps')
		words='--since --propose -o --notify -i --master --utc --json --csv -C' ;;
	'audit report')
		words='--html --since -i --master -C' ;;
	'audit list')
		words='--since --person --utc --json --csv -C' ;;
	'audit verify')
		words='--log --root --since --state --fleet-log --fleet-since --endpoint --region --credentials --wait --json -C' ;;
	'audit prove')
		words='--log -o -C' ;;
	'audit sample')
		words='--since --utc --json --csv -C' ;;
	'audit evidence')
		words='-o --log --host --since --fleet-log -i --master -C' ;;
	'audit merge')
		words='--json -C' ;;
	'fleet' | 'fleet '*)
		# shellcheck disable=SC2086
		words=$("${COMP_WORDS[0]}" fleet completion -- ${1#fleet} 2>/dev/null) ;;
	'completion')
		words='-C' ;;
	esac
	printf '%s' "$words"
}
complete -o default -F _writ writ
