#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-forward: what it refuses, and why. The whole path is in usecases.bats.

load helper

setup() { rn_setup; }
teardown() {
	[ ! -S "$T/run/wg-home.sock" ] || timeout 5 rn-wg down home
	rn_teardown
}

joined() {
	mkdir -p -m 700 "$T/state/home"
	echo "node=laptop network=home role=client url=https://gw.example.com:1 connect=127.0.0.1" >"$T/state/home/node.rn"
	(umask 077 && head -c 32 /dev/urandom | base64 >"$T/state/home/sign.key")
	: >"$T/state/home/ca.crt"
	(umask 077 && rn-wg genkey >"$T/state/home/wg.key")
	echo "interface=home address=10.77.0.5/16 private_key_file=wg.key" >"$T/state/home/bundle.rn"
}

@test "nothing joined: told what to run" {
	run_exit 78 rn-forward remote-db:5432
	has "rn join"
}

@test "remote and local addresses" {
	local bad
	for bad in db db: db:0 db:x db:65536 :5432 /etc:1 ../x:1; do
		run_exit 64 rn-forward "$bad"
	done
	has "HOST:PORT"
	for bad in nope localhost:x 65536 1.2.3:4 "[::1"; do
		run_exit 64 rn-forward db:5432 "$bad"
	done
	has "local address"
	run_exit 64 rn-forward
	run_exit 64 rn-forward db:1 2 3
}

@test "the console is away and nothing is remembered" {
	joined
	run_exit 69 rn-forward remote-db:5432 localhost:0
	has "console does not answer"
}

@test "a port in use is told by its number" {
	joined
	local port
	port=$(free_port)
	start busy socat "TCP-LISTEN:$port,bind=127.0.0.1,fork" SYSTEM:cat
	wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
	run_exit 69 rn-forward 10.77.0.1:5432 "localhost:$port"
	has "port $port is in use"
}

@test "a port below 1024 needs a permission" {
	joined
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ] || skip "every user may use low ports here"
	chmod 755 "$T"
	[ "$(id -u)" -eq 0 ] || {
		run_exit 77 rn-forward 10.77.0.1:80 localhost:80
		return
	}
	chown -R nobody "$T"
	run_exit 77 setpriv --reuid=nobody --clear-groups rn-forward 10.77.0.1:80 localhost:80
	has "127.0.0.1:80"
}

@test "what was remembered serves while the console is away" {
	joined
	echo "forward=remote-db:5432 remote_address=10.77.0.1:20001 service=remote-db-x protocol=tcp" \
		>"$T/state/home/forward.rn"
	start fwd rn-forward remote-db:5432 localhost:0
	wait_for test -S "$T/run/forward-remote-db:5432.sock"
	run_exit 0 rn-forward list
	has "forward=remote-db:5432" "remote_address=10.77.0.1:20001" "service=remote-db-x" "protocol=tcp"
	run_exit 69 rn-forward remote-db:5432 localhost:0
	has "forwarded already"
	run_exit 0 rn-forward stop remote-db:5432
	wait_for test ! -e "$T/run/forward-remote-db:5432.sock"
	run_exit 1 rn-forward stop remote-db:5432
	has "not forwarded here"
	run_exit 0 rn-forward list
	[ -z "$output" ]
}

@test "lines on stdin: bad ones are told with their place" {
	joined
	run_exit 66 rn-forward - </dev/null
	run bash -c 'printf "forward=nonsense\nbroken\n" | rn-forward -'
	[ "$status" -eq 65 ]
	[[ $output == *"stdin:1: 'nonsense' is not HOST:PORT"* ]]
	[[ $output == *"stdin:2"* ]]
}
