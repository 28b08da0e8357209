# SPDX-License-Identifier: MIT
# Completion for bash: rn, rustronaut-cli and every rn-* program. Commands, options and their
# arguments are asked from the programs (--list-options), names from what runs; so nothing here has
# to know them. Installed under the name of each program.

# Fields of one record into the variables subject, command, short, arg, args.
_rn_record() {
	local field
	subject=$1 command='' short='' arg='' args=''
	for field in "${@:2}"; do
		field=${field//%20/ }
		case $field in
		command=*) command=${field#*=} ;;
		short=*) short=${field#*=} ;;
		arg=*) arg=${field#*=} ;;
		args=*) args=${field#*=} ;;
		esac
	done
	subject=${subject//%20/ }
}

# Values for an argument that the program calls $1.
_rn_values() {
	case $1 in
	*FILE* | *PATH*) compgen -f -- "$cur" ;;
	*DIR*) compgen -d -- "$cur" ;;
	*KIND*) compgen -W "$(rn-rec pick kind -o kind <(rn-rec schema) 2>/dev/null)" -- "$cur" ;;
	*KEY,KEY*) compgen -W "$(rn-rec pick key -o key <(rn-rec schema) 2>/dev/null | sort -u)" -- "$cur" ;;
	*) case $program in
		rn-wg) [[ $1 != *NAME* ]] || compgen -W "$(rn-wg show -o interface 2>/dev/null)" -- "$cur" ;;
		rn-expose) [[ $1 != *HOST:PORT* && $1 != *ADDRESS* ]] ||
			compgen -W "$(rn-discover -o local_address 2>/dev/null)" -- "$cur" ;;
		esac ;;
	esac
}

# The word at place $2 of "NAME [FILE...]"; the last one for all that follow.
_rn_argument() {
	local -a list
	read -ra list <<<"$1"
	[[ ${#list[@]} -eq 0 ]] || echo "${list[$2 < ${#list[@]} ? $2 : ${#list[@]} - 1]}"
}

_rn_program() { # the words of one program; its name is words[0]
	local program=${words[0]} subject command short arg args line
	local -a names=() options=() given=()
	local want='' wants='' named='' count=${#words[@]}
	mapfile -t listing < <("$program" --list-options 2>/dev/null)
	for line in "${listing[@]}"; do # the program's commands
		read -ra fields <<<"$line"
		_rn_record "${fields[@]}"
		[[ $subject == command=* ]] || continue
		command=${subject#command=}
		[[ $command == "$program" ]] || names+=("${command#* }")
		if [[ $command == "$program ${words[1]:-}" ]]; then named=$command wants=$args; fi
		if [[ $command == "$program" && -z $named ]]; then want=$command wants=$args; fi
	done
	[[ -z $named ]] || want=$named
	for line in "${listing[@]}"; do # the options of the one that is meant
		read -ra fields <<<"$line"
		_rn_record "${fields[@]}"
		[[ $subject == option=* && $command == "$want" ]] || continue
		options+=("${subject#option=}")
		[[ -z $short ]] || options+=("$short")
		if [[ -n $arg && ( $prev == "${subject#option=}" || $prev == "$short" ) ]]; then given=("$arg"); fi
	done
	if [[ ${#given[@]} -gt 0 ]]; then
		_rn_values "${given[0]}"
	elif [[ $cur == -* ]]; then
		compgen -W "${options[*]:---help --version}" -- "$cur"
	elif [[ $count -eq 1 && ${#names[@]} -gt 0 ]]; then
		compgen -W "${names[*]}" -- "$cur"
	else
		_rn_values "$(_rn_argument "$wants" $((count - 1 - (${#named} > 0))))"
	fi
}

_rn() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} line
	local -a words=("${COMP_WORDS[@]:0:COMP_CWORD}") listing fields
	words[0]=${words[0]##*/}
	if [[ ${words[0]} != rn-* ]]; then # the dispatcher: its first word is the program
		if [[ $COMP_CWORD -eq 1 || ${words[1]} == help ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(rn --list) help --help --list --version" -- "$cur")
			return
		fi
		line=$(rn --list-options | sed -n "s/^command=rn%20${words[1]} program=//p")
		if [[ -n $line ]]; then words[0]=$line; else words=("rn-${words[1]}" "${words[@]:2}"); fi
	fi
	mapfile -t COMPREPLY < <(_rn_program)
}

complete -o filenames -F _rn rn rustronaut-cli
for _rn_name in $(rn --list 2>/dev/null); do complete -o filenames -F _rn "rn-$_rn_name"; done
unset _rn_name
