#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What holds for every program: the command line, full disks, closed and broken pipes, bad bytes, the
# manual. Programs, commands and options are asked from the programs (--list-options), so a new one is
# tested without an edit here.

load helper

setup_file() {
	export LISTING=$BATS_FILE_TMPDIR/listing
	for p in $(programs); do
		"$p" --list-options >"$LISTING.$p" || return 1
	done
}

setup() {
	rn_setup
	cd "$T" || return
}
teardown() { rn_teardown; }

# The names of all built programs; the CGI program is no command.
programs() {
	local p
	for p in "$BIN"/rn "$BIN"/rn-*; do
		[[ $p == *.cgi || ! -x $p ]] || basename "$p"
	done
}

# The full names of PROGRAM's commands, one a line: "rn-rec check", or "rn-discover".
commands() {
	sed -n "s/^command=\([^ ]*\) .*/\1/p" "$LISTING.$1" | sed 's/%20/ /g'
}

# Runs the program with these words for every command of every program.
each_command() { # each_command FUNCTION
	local p line
	for p in $(programs); do
		[ "$p" != rn ] || continue # its commands are other programs
		while read -r line; do
			read -ra words <<<"$line"
			"$1" "${words[@]}" || { echo "in: $line" >&2; return 1; }
		done < <(commands "$p")
	done
}

help_is_there() {
	run_exit 0 "$@" --help </dev/null
	[[ $output == Usage:* && -z ${stderr:-} ]]
}
@test "--help of every program and command" {
	local p
	for p in $(programs); do help_is_there "$p"; done
	each_command help_is_there
}

@test "--help has examples" {
	local p
	for p in $(programs); do
		"$p" --help | grep -q '^ *Examples:' || { echo "$p has none" >&2; return 1; }
	done
}

@test "--help, --version and --schema to a full disk: 74" {
	local p
	full() { "$@" >/dev/full; }
	for p in $(programs); do
		run_exit 74 full "$p" --help
		run_exit 74 full "$p" --version
		has "$p: "
		[ "$p" = rn ] || run_exit 74 full "$p" --schema
	done
}

help_full() {
	run_exit 74 sh -c '"$@" --help >/dev/full' sh "$@"
}
@test "--help of every command to a full disk: 74" {
	each_command help_full
}

@test "--help with standard output closed: 74" {
	local p
	closed() { "$@" >&-; }
	for p in $(programs); do run_exit 74 closed "$p" --help; done
}

@test "--version" {
	local p
	for p in $(programs); do
		run_exit 0 "$p" --version
		[[ $output =~ ^$p\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
}

option_refused() {
	run_exit 64 "$@" --no-such-option </dev/null
	has "${1}: " no-such-option
	run_exit 64 "$@" --versio </dev/null # an abbreviation of --version
	run_exit 64 "$@" -? </dev/null
}
@test "unknown options, and abbreviated ones: 64" {
	local p
	for p in $(programs); do option_refused "$p"; done
	each_command option_refused
}

@test "unknown commands: 64, with the name in the message" {
	local p
	for p in $(programs); do
		[ "$(commands "$p" | head -n 1)" != "$p" ] || continue # it has no commands
		run_exit 64 "$p" no-such-command </dev/null
		has "$p: " no-such-command
	done
}

@test "--list-options is records that fit the schema" {
	local p
	for p in $(programs); do rn-rec check --known "$LISTING.$p"; done
}

@test "every command and option says what it is for" {
	local p
	for p in $(programs); do
		! grep -E '^(program|option)=' "$LISTING.$p" | grep -vE ' doc=[^ ]' || return 1
	done
}

# ---- manuals ----

@test "every program has a manual page that names its commands and options" {
	local p line missing='' page
	for p in $(programs); do
		page=$ROOT/man/$p.1
		[ -f "$page" ] || { missing+=" $p.1"; continue; }
		mandoc -T utf8 "$page" | col -bx >page
		for line in $(grep -oE '^option=--[^ ]+' "$LISTING.$p" | cut -d= -f2 | sort -u); do
			case $line in --help | --usage | --version | --verbose | --schema | --pretty | --json | --columns | --header) continue ;; esac
			grep -qF -e "$line" page || missing+=" $p.1:$line"
		done
		while read -r line; do
			[ "$line" = "$p" ] || grep -qF -e "${line#"$p" }" page || missing+=" $p.1:${line#"$p" }"
		done < <(commands "$p")
	done
	[ -z "$missing" ] || { echo "missing in man:$missing" >&2; return 1; }
}

@test "manual pages have the sections that ours have" {
	local p s missing=''
	for p in $(programs); do
		[ -f "$ROOT/man/$p.1" ] || continue
		for s in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SECURITY CONSIDERATIONS'; do
			grep -qx "\.Sh $s" "$ROOT/man/$p.1" || missing+=" $p.1:$s"
		done
	done
	[ -z "$missing" ] || { echo "missing:$missing" >&2; return 1; }
}

# ---- records in and out ----

# Every "check" command reads config. It is the same reader behind all of them, so what it refuses is
# the same too.
config_checkers() {
	local p
	for p in $(programs); do
		commands "$p" | grep -x "$p check" || true
	done
}

# The words that make COMMAND check bad.rn, into words.
check_words() { # check_words COMMAND
	local record
	read -ra words <<<"$1"
	record=$(grep "^command=${1/ /%20} " "$LISTING.${words[0]}")
	[[ $record != *\ args=NAME* ]] || words+=(x)
	[ "$1" != "rn-rec check" ] || words+=(--config)
	grep -q "^option=--file command=${1/ /%20} " "$LISTING.${words[0]}" && words+=(-f)
	words+=(bad.rn)
}

refused_config() { # refused_config TEXT PLACE: every checker refuses it and names the place
	local line
	printf '%b' "$1" >bad.rn
	while read -r line; do
		check_words "$line"
		run_exit 78 "${words[@]}" </dev/null || return 1
		has "bad.rn:$2"
	done < <(config_checkers)
}
@test "config: bad UTF-8, unknown keys, cut-off lines are refused by every check" {
	refused_config 'listen=web address=a:1 proto=tcp via=\0377\n' 1:
	refused_config '# x\nlisten=web adress=a:1 proto=tcp\n' "2:12: unknown key 'adress' in listen: did you mean 'address'?"
	refused_config 'listen=web address=a:1 proto=tcp' 1:
	refused_config 'listen=web address=a:1 address=b:2 proto=tcp\n' 1:24
}

@test "a broken pipe ends a filter by SIGPIPE, quietly" {
	seq -f 'stat=n%g value=1' 100000 >many
	run --separate-stderr bash -c 'rn-rec canon many | head -n 1; exit ${PIPESTATUS[0]}'
	[ "$status" -eq 141 ]
	[ -z "$stderr" ]
	run_exit 74 sh -c 'rn-rec canon many >/dev/full'
	run_exit 74 sh -c 'rn-rec schema >&-'
}

@test "what one filter writes, the next one reads" {
	rn-rec schema >a
	rn-rec canon <a | rn-rec canon | cmp - a
	local p
	for p in $(programs); do
		[ "$p" = rn ] || "$p" --schema | cmp - a
	done
}

# Not one of them reads or writes what it was not asked to.
@test "--help leaves no trace" {
	local p
	for p in $(programs); do HOME=$T/home "$p" --help >/dev/null; done
	[ ! -e "$T/home" ]
	[ -z "$(find "$RN_RUN_DIR" "$RN_STATE_DIR" -mindepth 1)" ]
}
