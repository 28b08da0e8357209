# SPDX-License-Identifier: MIT
# Completion for fish: rn, rustronaut-cli and every rn-* program. Commands and options are asked from
# the programs (--list-options). Installed under the name of each program.

# The field $argv[1] of the record $argv[2], decoded.
function __rn_field
	string match -rg "(?:^| )$argv[1]=([^ ]*)" -- $argv[2] | string replace -a %20 ' '
end

function __rn_values # WHAT-THE-PROGRAM-CALLS-IT PROGRAM
	switch $argv[1]
		case '*FILE*' '*PATH*'
			__fish_complete_path (commandline -ct)
		case '*DIR*'
			__fish_complete_directories (commandline -ct)
		case '*KIND*'
			rn-rec schema 2>/dev/null | rn-rec pick kind -o kind,doc | string replace -a %20 ' '
		case '*NAME*'
			test $argv[2] = rn-wg; and rn-wg show -o interface 2>/dev/null
		case '*ADDRESS*' '*HOST:PORT*'
			test $argv[2] = rn-expose; and rn-discover -o local_address 2>/dev/null
	end
end

function __rn_program # PROGRAM WORD...: the words in front of the one being completed
	set -l program $argv[1]
	set -l words $argv[2..]
	set -l want $program
	set -l wants ''
	set -l names
	set -l options
	set -l previous ''
	set -q argv[2]; and set previous $argv[-1]
	for line in ($program --list-options 2>/dev/null)
		set -l command (__rn_field command $line)
		if string match -q 'command=*' -- $line
			set -l doc (__rn_field doc $line)
			if test "$command" = "$program"
				set wants (__rn_field args $line)
			else
				set -a names (string replace "$program " '' -- $command)\t"$doc"
			end
			if set -q words[1]; and test "$command" = "$program $words[1]"
				set want $command
				set wants (__rn_field args $line)
			end
		else if string match -q 'option=*' -- $line; and test "$command" = "$want"
			set -l name (__rn_field option $line)
			set -l short (__rn_field short $line)
			set -l arg (__rn_field arg $line)
			if test -n "$arg"; and contains -- "$previous" $name $short
				__rn_values "$arg" $program
				return
			end
			set -a options $name\t(__rn_field doc $line)
		end
	end
	if string match -q -- '-*' (commandline -ct)
		printf '%s\n' $options
	else if not set -q words[1]; and set -q names[1]
		printf '%s\n' $names
	else
		set -l list (string split ' ' -- $wants)
		set -l at (math (count $words) + 1)
		test $want = $program; or set at (math $at - 1)
		set -q list[$at]; or set at -1
		__rn_values "$list[$at]" $program
	end
end

function __rn_complete
	set -l words (commandline -opc)
	set -l first (basename $words[1])
	if string match -q 'rn-*' -- $first
		__rn_program $first $words[2..]
	else if not set -q words[2]; or test $words[2] = help
		rn --list
		printf '%s\n' help --help --list --version
	else
		set -l target (rn --list-options | string match -rg "^command=rn%20$words[2] program=(.*)")
		if test -n "$target"
			__rn_program $target $words[2..]
		else
			__rn_program rn-$words[2] $words[3..]
		end
	end
end

for program in rn rustronaut-cli rn-(rn --list 2>/dev/null)
	complete -c $program -f -a '(__rn_complete)'
end
