#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn: the dispatcher, and completions, which ask it.

load helper

setup() {
	rn_setup
	cd "$T" || return
}
teardown() { rn_teardown; }

@test "rn X runs rn-X with its arguments" {
	run_exit 0 rn rec pick any -o a <<<'a=1%20x'
	[ "$output" = 1%20x ]
	run_exit 65 rn rec check <<<'bad'
	run_exit 0 rustronaut-cli rec --version
	has "rn-rec "
}

@test "rn finds programs next to itself first, then on PATH" {
	mkdir other
	printf '#!/bin/sh\necho "mine: $*"\n' >other/rn-mine
	cp other/rn-mine other/rn-rec
	chmod 755 other/*
	PATH=$T/other:$PATH run_exit 0 rn mine a 'b c'
	[ "$output" = "mine: a b c" ]
	PATH=$T/other:$PATH run_exit 0 rn rec --version
	has "rn-rec "
	PATH=$T/other:$PATH run_exit 0 rn --list
	[ "$(grep -cx rec <<<"$output")" -eq 1 ]
	grep -qx mine <<<"$output"
}

@test "shorthands: rn join is rn-node join" {
	cp -L "$BIN/rn" .
	printf '#!/bin/sh\necho "node: $*"\n' >rn-node
	chmod 755 rn-node
	run_exit 0 ./rn join INVITE --name x
	[ "$output" = "node: join INVITE --name x" ]
	run_exit 0 ./rn help join
	[ "$output" = "node: join --help" ]
	rm rn-node
	PATH=/usr/bin:/bin run_exit 69 ./rn join INVITE
	has "rn: rn-node is not installed"
}

@test "unknown commands and options" {
	run_exit 64 rn rek
	has "rn: unknown command 'rek': did you mean 'rec'?"
	run_exit 64 rn jion
	has "did you mean 'join'?"
	run_exit 64 rn ../rn-rec
	run_exit 64 rn ''
	run_exit 64 rn --lis
	has "unknown option --lis"
}

@test "rn help: every program in its own words" {
	run_exit 0 rn help
	local p
	for p in "$BIN"/rn-*; do
		case $p in *.cgi) continue ;; esac
		grep -qE "^  $(basename "$p" | cut -c4-) +[^ ]" <<<"$output"
	done
	has "join" "(rn-node join)"
	[ "$(rn)" = "$output" ]
	run_exit 0 rn help rec
	has "Usage: rn-rec COMMAND"
	run_exit 0 rn --version
	[[ $output == "rn "* ]]
}

complete_bash() { # complete_bash WORD...: what bash offers for the last one
	bash -c '. "$0/completions/rn.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rn
		printf "%s\n" "${COMPREPLY[@]}"' "$ROOT" "$@"
}

@test "completion in bash" {
	grep -qx rec <(complete_bash rn '')
	[ "$(complete_bash rn rec fro)" = from-json ]
	[ "$(complete_bash rn-rec pick --wh)" = --where ]
	[ "$(complete_bash rn-rec pick tar)" = target ]
	[ "$(complete_bash rn-rec canon -o adress | wc -w)" -eq 0 ]
	[ "$(complete_bash rn-rec canon -o keepal)" = keepalive_s ]
	touch file.rn
	[ "$(complete_bash rn-rec pick peer file)" = file.rn ]
}

@test "completion in fish" {
	command -v fish >/dev/null || skip "no fish"
	HOME=$T fish -N -c ". $ROOT/completions/rn.fish; complete -C'rn rec fro'" | grep -q '^from-json'
	HOME=$T fish -N -c ". $ROOT/completions/rn.fish; complete -C'rn-rec pick --wh'" | grep -q '^--where'
	HOME=$T fish -N -c ". $ROOT/completions/rn.fish; complete -C'rn-rec pick tar'" | grep -q '^target'
}

@test "completion in zsh parses" {
	command -v zsh >/dev/null || skip "no zsh"
	zsh -n "$ROOT/completions/_rn"
}
