#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-expose: what it refuses, and why. The whole path is in usecases.bats and faults.bats.

load helper

setup() { rn_setup; }
teardown() {
	[ ! -S "$T/run/wg-home.sock" ] || timeout 5 rn-wg down home
	rn_teardown
}

# A joined network whose console is not there; port 1 is nobody's.
joined() {
	mkdir -p -m 700 "$T/state/home"
	echo "node=laptop network=home role=client url=https://gw.example.com:1 connect=127.0.0.1" >"$T/state/home/node.rn"
	(umask 077 && head -c 32 /dev/urandom | base64 >"$T/state/home/sign.key")
	: >"$T/state/home/ca.crt"
	(umask 077 && rn-wg genkey >"$T/state/home/wg.key")
	echo "interface=home address=10.77.0.5/16 private_key_file=wg.key" >"$T/state/home/bundle.rn"
}

@test "nothing joined: told what to run" {
	run_exit 78 rn-expose localhost:3000 http
	has "rn join"
	run_exit 78 rn-expose list
	run_exit 78 rn-expose stop web
}

@test "addresses" {
	local bad
	for bad in 0 localhost localhost: localhost:0 localhost:65536 127.0.0.1 "[::1]" :80 unix:rel; do
		run_exit 64 rn-expose "$bad" http
	done
	has "rn-expose: "
	run_exit 69 rn-expose nowhere.invalid:80 http
	has "nowhere.invalid"
}

@test "protocols, names, subdomains, principals" {
	run_exit 64 rn-expose localhost:3000
	has "PROTOCOL"
	run_exit 64 rn-expose localhost:3000 ftp
	has "'ftp'" "http, https, tcp or udp"
	run_exit 64 rn-expose localhost:3000 http --name ../x
	run_exit 64 rn-expose localhost:3000 http --name UPPER
	run_exit 64 rn-expose localhost:22 tcp --subdomain x
	has "subdomain"
	run_exit 64 rn-expose unix:/run/x.sock udp
	run_exit 64 rn-expose localhost:3000 http --allow ''
	run_exit 64 rn-expose localhost:3000 http --ready-fd x
	run_exit 64 rn-expose localhost:3000 http --pub
	has "--pub"
	run_exit 64 rn-expose localhost:3000 http more
	run_exit 64 rn-expose - http
}

@test "several networks: one must be named" {
	joined
	cp -r "$T/state/home" "$T/state/work"
	sed -i s/network=home/network=work/ "$T/state/work/node.rn"
	run_exit 78 rn-expose localhost:3000 http
	has "--network" "home" "work"
	run_exit 78 rn-expose localhost:3000 http --network nope
	has "nope"
}

@test "a secret that others can read is refused" {
	joined
	chmod 644 "$T/state/home/sign.key"
	run_exit 77 rn-expose localhost:3000 http
	has "sign.key"
}

@test "lines on stdin: bad ones are told with their place" {
	run_exit 66 rn-expose - </dev/null
	run bash -c 'printf "service=a local_address=localhost:1 protocol=ftp\nservice=b\nnonsense\n" | rn-expose -'
	[ "$status" -eq 65 ]
	[[ $output == *"stdin:1: unknown protocol 'ftp'"* ]]
	[[ $output == *"stdin:2: service=b needs local_address and protocol"* ]]
	[[ $output == *"stdin:3"* ]]
}

@test "the same service twice on one machine is refused" {
	joined
	start one rn-expose localhost:3000 http --name web --network home
	wait_for test -S "$T/run/expose-web.sock"
	run_exit 69 rn-expose localhost:3000 http --name web
	has "web is exposed already" "rn expose stop web"
}

@test "the console is away: list tells what runs here, and stop ends it" {
	joined
	start one rn-expose localhost:3000 http --name web
	wait_for test -S "$T/run/expose-web.sock"
	[ "$(stat -c %a "$T/run/expose-web.sock")" = 600 ]
	run_exit 69 rn-expose list
	has "console does not answer"
	if [ -n "$output" ]; then has "name=web" "status=down"; fi
	if [ -S "$T/run/expose-web.sock" ]; then run rn-expose stop web; fi
	wait_for test ! -e "$T/run/expose-web.sock"
}

@test "stop: no such service and no console" {
	joined
	run_exit 69 rn-expose stop web
	has "console"
	run_exit 64 rn-expose stop ../web
}

@test "help names every command" {
	run_exit 0 rn-expose --help
	has "list" "stop NAME" "rn expose localhost:3000 http"
	run_exit 0 rn-expose x --help
	has "--public" "--allow" "--subdomain" "--name"
}
