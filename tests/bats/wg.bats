#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-wg by itself: keys and configs.

load wg

@test "keys agree with wg" {
	key=$(rn-wg genkey)
	[ "$(echo "$key" | rn-wg pubkey)" = "$(echo "$key" | wg pubkey)" ]
	[ "$(wg genkey | tee "$T/k" | wg pubkey)" = "$(rn-wg pubkey <"$T/k")" ]
	[ "$(rn-wg genpsk | base64 -d | wc -c)" -eq 32 ]
	[ "$(rn-wg genkey)" != "$(rn-wg genkey)" ]
}

@test "a lost key is not success" {
	for verb in genkey genpsk; do
		run_exit 74 sh -c "rn-wg $verb >/dev/full"
	done
	run_exit 74 sh -c "rn-wg genkey | rn-wg pubkey >/dev/full"
}

@test "pubkey refuses what is no key" {
	run_exit 65 sh -c 'echo short | rn-wg pubkey'
	has "not a private key"
	run_exit 65 rn-wg pubkey </dev/null
	run_exit 65 sh -c 'head -c 1000 /dev/zero | rn-wg pubkey'
}

@test "a config is checked whole before anything is made" {
	keys a
	run_exit 66 rn-wg up "$E" x -f "$T/none"
	has "$T/none"
	echo "interface=x private_key_file=a.key listen_prot=7" >"$T/x.rn"
	run_exit 78 rn-wg up "$E" x -f "$T/x.rn"
	has "$T/x.rn:1:" "listen_prot" "listen_port"
	echo "interface=y private_key_file=a.key" >"$T/x.rn"
	run_exit 78 rn-wg up "$E" x -f "$T/x.rn"
	has "no interface=x record"
	chmod 644 "$T/a.key"
	echo "interface=x private_key_file=a.key" >"$T/x.rn"
	run_exit 77 rn-wg up "$E" x -f "$T/x.rn"
	has "a.key"
	chmod 600 "$T/a.key"
	echo junk >"$T/a.key"
	run_exit 78 rn-wg check x -f "$T/x.rn"
	has "not a WireGuard key"
	run_exit 64 rn-wg up "$E" 'no/name'
	run_exit 64 rn-wg up "$E" x --netns elsewhere
	run_exit 64 rn-wg up x --engine netstack --netns host
	run_exit 64 rn-wg up x --engine other
	has "kernel, user, netstack"
	[ -z "$(ls "$RN_RUN_DIR")" ]
}

@test "asking a tunnel that does not run" {
	for verb in down show; do
		run_exit 69 rn-wg $verb nosuch
		has "nosuch is not running"
	done
	run_exit 69 rn-wg sync nosuch -f /dev/null
	run_exit 0 rn-wg show
	[ -z "$output" ]
}
