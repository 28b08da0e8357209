#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-node alone: bundles that are signed with the real minisign, and every way in which one is refused.

load helper

setup() {
	rn_setup
	cd "$T"
	umask 077
	N=$RN_STATE_DIR/lab
	mkdir "$N"
	minisign -G -W -p console.pub -s console.sec >/dev/null
	cp console.pub "$N/"
	: >"$N/ca.crt"
	rn-wg genkey >"$N/wg.key"
	head -c 32 /dev/urandom | base64 >"$N/sign.key"
	node client
}
teardown() {
	timeout 5 rn-wg down lab >/dev/null 2>&1 || true
	rn_teardown
}

node() { # node ROLE [KEY=VALUE]: port 1 of loopback answers nobody: the console is away
	echo "node=n1 network=lab role=$1 url=https://127.0.0.1:1 ${2:-}" >"$N/node.rn"
}

sign() { minisign -S -W -s console.sec -m "$1" -t "$2" >/dev/null; }
bundle() { # bundle FILE NODE SERIAL [RECORD…]
	local file=$1 first="bundle=$2 serial=$3 made_at=1763640000"
	shift 3
	printf '%s\n' "$first" 'interface=lab address=10.77.0.2/24 private_key_file=wg.key' "$@" >"$file"
	sign "$file" "$first"
}
peer() { echo "peer=$(rn-wg genkey | rn-wg pubkey) interface=lab allowed_ips=10.77.0.$1/32"; }
serial() { rn-node show | grep -o ' serial=[0-9]*' | cut -d= -f2; }
pid_of() { rn-node show | grep "^daemon=$1 state=up " | grep -o " pid=[0-9]*" | cut -d= -f2; } # nothing unless it is up

@test "a good bundle is kept; the same again is no change" {
	bundle 3.rn n1 3
	run_exit 0 rn-node apply 3.rn
	has "applied=n1 serial=3" "changes=1"
	cmp 3.rn "$N/bundle.rn"
	minisign -Vm "$N/bundle.rn" -p console.pub
	run_exit 0 rn-node apply 3.rn
	has "changes=0"
}

@test "an older serial is refused, and nothing changes" {
	bundle 3.rn n1 3
	bundle 2.rn n1 2
	rn-node apply 3.rn
	run_exit 1 rn-node apply 2.rn
	has "its serial 2 is not above 3"
	cmp 3.rn "$N/bundle.rn"
}

@test "another text with the same serial is refused" {
	bundle 3.rn n1 3
	rn-node apply 3.rn
	bundle 3.rn n1 3 "$(peer 1)"
	run_exit 1 rn-node apply 3.rn
	has "serial 3 is not above 3"
}

@test "a wrong signature is refused: changed text, another key, none" {
	bundle 3.rn n1 3
	peer 9 >>3.rn
	run_exit 77 rn-node apply 3.rn
	has "the bundle is refused: signature"
	bundle 3.rn n1 3
	mkdir other
	minisign -G -W -p other/pub -s other/sec >/dev/null
	minisign -S -W -s other/sec -m 3.rn -t "bundle=n1 serial=3 made_at=1763640000" >/dev/null
	run_exit 77 rn-node apply 3.rn
	rm 3.rn.minisig
	run_exit 66 rn-node apply 3.rn
	echo rubbish >3.rn.minisig
	run_exit 65 rn-node apply 3.rn
	[ ! -e "$N/bundle.rn" ]
}

@test "another node's bundle is refused" {
	bundle 3.rn n2 3
	run_exit 77 rn-node apply 3.rn
	has "it is for node n2, this is n1"
}

@test "a signed comment that is not the first line is refused" {
	bundle 3.rn n1 3
	sign 3.rn "bundle=n1 serial=4 made_at=1763640000"
	run_exit 65 rn-node apply 3.rn
	has "signed comment"
}

@test "what rn-wg's check refuses is refused, and named" {
	bundle 3.rn n1 3 "peer=short interface=lab"
	run_exit 78 rn-node apply 3.rn
	has "the bundle is refused" "rn-wg" "peer"
	[ ! -e "$N/bundle.rn" ] && [ ! -e "$N/bundle.rn.next" ]
}

@test "a bundle that names a file elsewhere on this machine is refused" {
	for file in /etc/shadow ../other/wg.key %2Fetc%2Fshadow .. sub/wg.key; do
		echo "bundle=n1 serial=3 made_at=1763640000" >3.rn
		echo "interface=lab address=10.77.0.2/24 private_key_file=$file" >>3.rn
		sign 3.rn "bundle=n1 serial=3 made_at=1763640000"
		run_exit 77 rn-node apply 3.rn
		has "interface=lab: private_key_file must be the plain name of a file beside the bundle"
		[ ! -e "$N/bundle.rn" ]
	done
}

@test "apply --dry-run shows the lines that differ" {
	bundle 3.rn n1 3
	rn-node apply 3.rn
	run_exit 0 rn-node apply --dry-run 3.rn
	[ -z "$output" ]
	p=$(peer 1)
	bundle 4.rn n1 4 "$p"
	run_exit 1 rn-node apply --dry-run - <4.rn
	[ "$output" = "+ $p" ]
	run_exit 64 rn-node apply - <4.rn
	has "--signature"
	[ "$(serial)" = 3 ]
}

@test "a power cut between the two files of a bundle is mended" {
	bundle 3.rn n1 3
	bundle 4.rn n1 4 "$(peer 1)"
	rn-node apply 3.rn
	cp 4.rn "$N/bundle.rn.next"
	cp 4.rn.minisig "$N/bundle.rn.minisig"
	[ "$(serial)" = 4 ]
	cmp 4.rn "$N/bundle.rn"
}

@test "run: up without the console; a bundle changes the tunnel; kill -9 of rn-wg and of the agent" {
	bundle 3.rn n1 3
	rn-node apply 3.rn
	start_ready agent rn-node run lab
	agent=$!
	run_exit 0 rn-node show
	has "role=client" "serial=3" "state=up" "daemon=rn-wg state=up"
	run_exit 75 rn-node run lab
	has "another rn-node"
	p=$(peer 1)
	bundle 4.rn n1 4 "$p"
	run_exit 0 rn-node apply 4.rn
	has "serial=4" "changes=1"
	rn-wg show lab | grep -q "^${p%% *}"
	run_exit 1 rn-node apply 3.rn
	run_exit 69 rn-node pull
	has "does not answer"

	wg=$(pid_of rn-wg)
	kill -9 "$wg"
	again() { [ -n "$(pid_of rn-wg)" ] && [ "$(pid_of rn-wg)" != "$wg" ]; }
	wait_for again
	has_peer() { rn-wg show lab | grep -q "^${p%% *}"; }
	wait_for has_peer

	wg=$(pid_of rn-wg)
	kill -9 "$agent"
	wait_gone "$agent"
	rn-wg show lab | grep -q "^interface=lab"
	run_exit 0 rn-node show
	has "state=stopped"
	start_ready again rn-node run lab
	[ "$(pid_of rn-wg)" = "$wg" ]
	grep -q adopted again.log
}

@test "run as a gateway: push, poke, healthz, metrics" {
	port=$(free_port) web=$(free_port)
	node gateway "management=127.0.0.1:$port"
	listen="listen=web address=127.0.0.1:$web proto=http"
	bundle 3.rn n1 3 "$listen"
	rn-node apply 3.rn
	start_ready agent rn-node run lab
	url=http://127.0.0.1:$port
	[ "$(curl -s "$url/healthz")" = ok ]
	curl -s "$url/metrics" | grep -qx 'rn_node_bundle_serial 3'
	push() { curl -s -o out -w '%{http_code}' --data-binary "@$1" -H "Rustronaut-Signature: $(base64 -w0 <"$2")" "$url/v1/push"; }
	bundle 4.rn n1 4 "$listen" "$(peer 1)"
	[ "$(push 4.rn 4.rn.minisig)" = 200 ]
	grep -q 'serial=4' out
	[ "$(push 3.rn 3.rn.minisig)" = 409 ]
	[ "$(push 4.rn 3.rn.minisig)" = 403 ]
	bundle 5.rn n2 5 "$listen"
	[ "$(push 5.rn 5.rn.minisig)" = 403 ]
	bundle 5.rn n1 5 "$listen" "listen=bad address=nowhere proto=http"
	[ "$(push 5.rn 5.rn.minisig)" = 422 ]
	[ "$(curl -s -o out -w '%{http_code}' -d x "$url/v1/push")" = 400 ]
	[ "$(serial)" = 4 ]
	[ "$(curl -s -o out -w '%{http_code}' -X POST "$url/v1/poke")" = 202 ]
	[ "$(curl -s -o out -w '%{http_code}' "$url/v1/poke")" = 405 ]
	[ "$(curl -s -o out -w '%{http_code}' "$url/else")" = 404 ]
	[ "$(curl -s -o out -w '%{http_code}' -H 'Host: evil.example' "$url/metrics")" = 421 ]
	[ "$(curl -s -o out -w '%{http_code}' -H 'Origin: https://evil.example' -X POST "$url/v1/poke")" = 403 ]

	proxy=$(pid_of rn-proxy)
	kill -9 "$proxy"
	well() { [ "$(curl -s "$url/healthz")" = ok ] && [ "$(pid_of rn-proxy)" != "$proxy" ]; }
	wait_for well

	kill "$(tail -n 1 pids)"
	wait_gone "$(tail -n 1 pids)"
	run_exit 69 rn-wg show lab
}

# Programs that fail where we say: rn-node looks for its siblings beside itself.
faulty() { # faulty PROGRAM SCRIPT
	mkdir -p faulty
	cp "$BIN/rn-node" faulty/
	[ -e faulty/rn-proxy ] || ln -s "$BIN/rn-proxy" faulty/
	[ -e faulty/rn-wg ] || ln -s "$BIN/rn-wg" faulty/
	rm -f "faulty/$1"
	printf '#!/bin/bash\n%s\nexec %s "$@"\n' "$2" "$BIN/$1" >"faulty/$1"
	chmod +x "faulty/$1"
}

@test "an apply that fails after the check is undone: a program that refuses" {
	bundle 3.rn n1 3
	rn-node apply 3.rn
	start_ready wg rn-wg up lab -f "$N/bundle.rn" --netns private --foreground
	faulty rn-wg '[ "$1" = sync ] && grep -q "serial=4" "$4" && { echo "rn-wg: it will not" >&2; exit 70; }'
	p=$(peer 1)
	bundle 4.rn n1 4 "$p"
	run_exit 70 faulty/rn-node apply 4.rn
	has "not applied, the bundle before is back" "it will not"
	cmp 3.rn "$N/bundle.rn"
	[ "$(serial)" = 3 ]
	# Nothing is held against it: what can be applied now is.
	run_exit 0 rn-node apply 4.rn
	rn-wg show lab | grep -q "^${p%% *}"
}

@test "an apply that fails after the check is undone: a proxy that cannot open a port" {
	port=$(free_port) web=$(free_port) other=$(free_port)
	node gateway "management=127.0.0.1:$port"
	bundle 3.rn n1 3 "listen=web address=127.0.0.1:$web proto=http"
	rn-node apply 3.rn
	start_ready agent rn-node run lab
	start nc nc -lk 127.0.0.1 "$other"
	wait_for nc -z 127.0.0.1 "$other"
	bundle 4.rn n1 4 "listen=web address=127.0.0.1:$web proto=http" "listen=more address=127.0.0.1:$other proto=http"
	run_exit 69 rn-node apply 4.rn
	has "not applied, the bundle before is back" "$other"
	cmp 3.rn "$N/bundle.rn"
	[ "$(curl -s -o out -w '%{http_code}' "http://127.0.0.1:$web/")" = 404 ]
}

# The console behind the gateway's own proxy: what removes its listener cuts the gateway off.
own_console() {
	port=$(free_port) web=$(free_port) back=$(free_port)
	node gateway "management=127.0.0.1:$port"
	sed -i "s|url=[^ ]*|url=https://console.localhost:$web connect=127.0.0.1|" "$N/node.rn"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=console.localhost \
		-addext subjectAltName=DNS:console.localhost -keyout "$N/tls.key" -out "$N/tls.crt" 2>/dev/null
	cp "$N/tls.crt" "$N/ca.crt"
	mkdir -p www/api/v1/bundles
	edge=("certificate=c cert_file=tls.crt key_file=tls.key" "policy=p effect=allow from=any to=resource:console"
		"listen=https address=127.0.0.1:$web proto=https" "resource=console listen=https"
		"target=console resource=console address=127.0.0.1:$back")
	start httpd busybox httpd -f -p "127.0.0.1:$back" -h www
	HTTPD=$!
}
publish() { cp "$1" www/api/v1/bundles/n1.rn && cp "$1.minisig" www/api/v1/bundles/n1.rn.minisig; }
logged() { sed 's/%20/ /g' agent.log | grep -q "$1"; }
reached() { rn-node show | grep -q pulled_at=; }
serial_is() { [ "$(serial)" = "$1" ]; }

@test "a bundle that cuts off the console: the one before comes back, that serial is refused, a newer one is taken" {
	own_console
	bundle 3.rn n1 3 "${edge[@]}"
	publish 3.rn
	rn-node apply 3.rn
	start_ready agent rn-node run lab --interval 1 --rollback 1
	wait_for reached
	bundle 4.rn n1 4 "listen=http address=127.0.0.1:$(free_port) proto=http"
	publish 4.rn
	wait_for logged 'the one before comes back'
	wait_for logged 'is refused until a newer one comes'
	serial_is 3
	cmp 3.rn "$N/bundle.rn"
	[ "$(<"$N/bundle.bad")" = 4 ]
	run_exit 1 rn-node apply 4.rn
	has "with serial 4 the console was lost"
	# Another agent has not forgotten.
	kill "$(tail -n 1 pids)"
	wait_gone "$(tail -n 1 pids)"
	start_ready again rn-node run lab --interval 1 --rollback 1
	wait_for reached
	run_exit 1 rn-node pull
	has "with serial 4 the console was lost"
	bundle 5.rn n1 5 "${edge[@]}" "$(peer 1)"
	publish 5.rn
	wait_for serial_is 5
}

@test "a console that goes away by itself undoes nothing" {
	own_console
	bundle 3.rn n1 3 "${edge[@]}"
	publish 3.rn
	rn-node apply 3.rn
	start_ready agent rn-node run lab --interval 1 --rollback 1
	wait_for reached
	bundle 4.rn n1 4 "${edge[@]}" "$(peer 1)"
	kill "$HTTPD"
	wait_gone "$HTTPD"
	run_exit 0 rn-node apply 4.rn
	wait_for logged 'the one before comes back'
	wait_for logged 'the new one is back'
	serial_is 4
	[ ! -e "$N/bundle.bad" ]
}

@test "the management port in use is told as such" {
	port=$(free_port)
	node gateway "management=127.0.0.1:$port"
	bundle 3.rn n1 3
	rn-node apply 3.rn
	start nc nc -lk 127.0.0.1 "$port"
	wait_for nc -z 127.0.0.1 "$port"
	run_exit 69 rn-node run lab
	has "$port" "--management"
}

@test "join: a malformed invitation, and a console that is away" {
	run_exit 65 rn-node join rn://gateway.example.com
	run_exit 65 rn-node join "https://gateway.example.com/x"
	run_exit 64 rn-node join
	fp=$(head -c 32 /dev/urandom | base64 | tr +/ -_ | tr -d =)
	tok=AAAAAAAAAAAAAAAAAAAAAA
	run_exit 69 rn-node join "rn://console.test:1/$tok.$fp@127.0.0.1"
	has "does not answer"
	[ -z "$(find "$RN_STATE_DIR" -name '.join*')" ]
}

@test "leave removes the keys and the folder" {
	bundle 3.rn n1 3
	rn-node apply 3.rn
	run_exit 0 rn-node leave
	[ ! -e "$N" ]
	run_exit 78 rn-node leave
	has "joined no network"
}
