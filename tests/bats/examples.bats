#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What stands in examples/ and in README.md runs as it is written.

load helper

visit() { curl -sS --max-time 10 --cacert "$RN_CONSOLE_DIR/ca.crt" "$@"; }
# Two machines in one test: the laptop has folders of its own.
laptop() { env RN_RUN_DIR="$T/laptop/run" RN_STATE_DIR="$T/laptop/state" "$@"; }
laptop_exec() { exec env RN_RUN_DIR="$T/laptop/run" RN_STATE_DIR="$T/laptop/state" "$@"; }

setup_file() {
	[ "$(id -u)" -eq 0 ] || [ -w /dev/net/tun ] || return 0
	rn_setup
	mkdir -p -m 700 "$T/laptop" "$T/laptop/run" "$T/laptop/state"
	HTTPS=$(free_port) WEB=$(free_port)
	export HTTPS WEB URL=https://gateway.localhost:$HTTPS
	start gateway "$ROOT/examples/gateway.sh" gateway.localhost --address 127.0.0.1 --https-port "$HTTPS" \
		--http-port "$(free_port)" --wg-port "$(free_port)" --management-port "$(free_port)"
	wait_for visit -f -o /dev/null "$URL/api/v1/status"
	mkdir "$T/site"
	echo "a page of the laptop" >"$T/site/index.html"
	start web busybox httpd -f -p "127.0.0.1:$WEB" -h "$T/site"
	invite=$(grep -om1 'rn://[^ ]*' "$T/gateway.log")
	start laptop laptop_exec "$ROOT/examples/laptop.sh" "$invite" "127.0.0.1:$WEB "
	wait_for grep -q share= "$T/laptop.log"
}
teardown_file() {
	[ -n "${T:-}" ] || return 0
	end_started
	laptop timeout 5 rn-wg down gateway >/dev/null 2>&1 || true
	timeout 5 rn-wg down gateway >/dev/null 2>&1 || true
	rn_teardown
}
setup() { [ -n "${T:-}" ] || skip "needs root or an openable /dev/net/tun"; }

@test "examples/laptop.sh joined and exposed what was chosen" {
	run visit "$(grep -om1 'share=[^ ]*' "$T/laptop.log" | cut -d= -f2-)"
	[ "$output" = "a page of the laptop" ]
	run laptop rn-expose list -o status,local_address
	[ "$output" = "up	127.0.0.1:$WEB" ]
}

@test "examples/gateway.sh, run again, makes nothing anew" {
	local before
	before=$(rn-console audit | wc -l)
	run_exit 75 timeout 10 "$ROOT/examples/gateway.sh" gateway.localhost
	has "another rn-node works on the network gateway"
	[ "$(rn-console audit | wc -l)" -eq "$before" ]
}

@test "examples/denied-today.sh counts who was refused" {
	local url
	url=$(laptop rn-expose list -o url)
	[ "$(visit -o /dev/null -w '%{http_code}' "$url/")" = 403 ]
	visit -o /dev/null "$url/again"
	run bash -c "rn-proxy log | '$ROOT/examples/denied-today.sh'"
	[[ $output =~ ^[0-9]+$'\t'127\.0\.0\.1$'\t'http- ]]
}

@test "examples/site.rn holds what examples/cases.rn expects" {
	run_exit 0 rn-policy test "$ROOT/examples/site.rn" "$ROOT/examples/cases.rn"
	run_exit 1 rn-policy test <(sed 's/from=org,link/from=any/' "$ROOT/examples/site.rn") "$ROOT/examples/cases.rn"
	has "stranger-at-the-wiki"
}

@test "README: the pipes of a gateway" {
	run_exit 0 bash -c 'rn-console export gw1 | diff - <(rn-proxy show config) | grep -v "^[<>] bundle=\|^[0-9]\|^---"'  ||
		[ "$status" -eq 1 ] # grep finds nothing: they are equal
	[ -z "$output" ]
	run_exit 0 bash -c 'rn-proxy log | grep decision=deny'
	run_exit 0 bash -c 'rn-wg show | rn-rec pick peer -o name,endpoint,handshake_at'
	[[ $output == *127.0.0.1:* ]]
}

@test "README: its lines are records, its programs exist, its pages too" {
	sed -n 's/^    \([a-z]*=.*\)/\1/p' "$ROOT/README.md" >"$T/readme.rn"
	[ "$(wc -l <"$T/readme.rn")" -ge 4 ]
	run_exit 0 rn-rec check --config "$T/readme.rn"
	local p
	for p in $(grep -oE 'rn(-[a-z]+)?(\.cgi)?\([158]\)' "$ROOT/README.md"); do
		[ -e "$ROOT/man/$(sed 's/(/./; s/)//' <<<"$p")" ]
	done
}
