#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What `make install` puts where: the whole path works from there, units and pages are in place, and
# `make uninstall` leaves nothing.

load helper

setup_file() {
	rn_setup
	make -C "$ROOT" -s -o all install B="$(dirname "$BIN")" DESTDIR="$T/root" PREFIX=/usr >"$T/install.log" 2>&1 7>&- ||
		{ cat "$T/install.log" >&2; return 1; }
	export SHIPPED=$T/root/usr
}
teardown_file() {
	RN_RUN_DIR=$T/run "$BIN/rn-wg" down gateway >/dev/null 2>&1 || true
	rn_teardown
}
setup() { PATH=$SHIPPED/bin:/usr/sbin:/usr/bin:/sbin:/bin; }
teardown() { end_started; }

@test "programs, pages, completions and units are in place" {
	local p
	for p in rn rustronaut-cli rn-console rn-discover rn-expose rn-forward rn-node rn-policy rn-proxy rn-rec rn-wg; do
		run_exit 0 "$SHIPPED/bin/$p" --version
	done
	[ -x "$SHIPPED/lib/rustronaut/rn-console.cgi" ]
	[ ! -e "$SHIPPED/bin/rn-console.cgi" ]
	for p in "$ROOT"/man/*.[1-8]; do cmp "$p" "$SHIPPED/share/man/man${p##*.}/${p##*/}"; done
	man -M "$SHIPPED/share/man" -w rn-expose 2>/dev/null || [ -e "$SHIPPED/share/man/man1/rn-expose.1" ]
	[ -e "$SHIPPED/share/bash-completion/completions/rn-wg" ]
	[ -e "$SHIPPED/share/fish/vendor_completions.d/rn.fish" ]
	[ -e "$SHIPPED/share/zsh/site-functions/_rn" ]
}

@test "rn finds its programs beside it" {
	run_exit 0 rn --list
	[ "$(wc -w <<<"$output")" -ge 9 ]
	run_exit 0 rn wg genkey
	run_exit 64 rn join
	has "INVITATION"
}

@test "units name the programs where they are, and are hardened" {
	! grep -r /usr/local "$SHIPPED/lib/systemd"
	local program
	for program in $(grep -rhoE '/usr/bin/rn-[a-z]+' "$SHIPPED/lib/systemd" | sort -u); do
		[ -x "$T/root$program" ]
	done
	[ "$(grep -c '^NoNewPrivileges=yes' "$SHIPPED/lib/systemd/system/rn-node@.service")" -eq 1 ]
}

@test "a gateway runs from there, console and all" {
	[ "$(id -u)" -eq 0 ] || [ -w /dev/net/tun ] || skip "needs root or an openable /dev/net/tun"
	local https ca=$RN_CONSOLE_DIR/ca.crt
	https=$(free_port)
	run_exit 0 rn-console init gateway.localhost --address 127.0.0.1 --https-port "$https" \
		--http-port "$(free_port)" --wg-port "$(free_port)" --management-port "$(free_port)"
	grep -q "address=cgi:$SHIPPED/lib/rustronaut/rn-console.cgi" <(rn-console export gw1)
	start_ready node rn-node run gateway
	run_exit 0 curl -sS --max-time 10 --cacert "$ca" --resolve "gateway.localhost:$https:127.0.0.1" \
		"https://gateway.localhost:$https/api/v1/status"
	has '"status":"ok"'
}

@test "the same command again takes all of it away" {
	[ -e "$SHIPPED/bin/rn" ]
	make -C "$ROOT" -s uninstall B="$(dirname "$BIN")" DESTDIR="$T/root" PREFIX=/usr
	[ -z "$(find "$T/root" ! -type d)" ]
	[ -z "$(find "$SHIPPED" -mindepth 1 -path '*rustronaut*')" ]
}
