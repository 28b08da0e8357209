#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-wg up --via and rn-relay: two network namespaces, a gateway in b, and UDP between them dropped.

# shellcheck disable=SC2154 # PUB_x is set by keys, stderr by run_exit
load helper
load wg_commands

setup() {
	need_root
	rn_setup
	cd "$T" || exit
	export LAB=rnvia$$
	ip netns add "$LAB-a"
	ip netns add "$LAB-b"
	ip link add ab netns "$LAB-a" type veth peer name ab netns "$LAB-b"
	local n
	for n in a b; do
		ip -n "$LAB-$n" link set lo up
		ip -n "$LAB-$n" link set ab up
	done
	ip -n "$LAB-a" addr add 192.0.2.1/24 dev ab
	ip -n "$LAB-b" addr add 192.0.2.2/24 dev ab
}
teardown() {
	[ -n "${LAB:-}" ] || return 0
	tunnels_end
	cd /
	rn_teardown
	ip netns del "$LAB-a"
	ip netns del "$LAB-b"
}
in_a() { ip netns exec "$LAB-a" "$@"; }
in_b() { ip netns exec "$LAB-b" "$@"; }

block_udp() {
	in_b nft -f - <<-NFT
		table inet block {
			chain in { type filter hook input priority 0; iifname "ab" meta l4proto udp drop; }
		}
	NFT
}

gateway() { # the tunnel b, and rn-relay before it
	keys a b
	cat >b.rn <<-RN
		interface=b address=10.61.0.2/24 private_key_file=b.key listen_port=51820
		peer=$PUB_a interface=b name=laptop allowed_ips=10.61.0.1/32
	RN
	in_b rn-wg up b -f b.rn --netns private --engine user
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.crt \
		-days 2 -subj /CN=gw -addext subjectAltName=IP:192.0.2.2) 2>/dev/null
	start_ready relay ip netns exec "$LAB-b" rn-relay listen 192.0.2.2:443 --to 127.0.0.1:51820 --cert tls.crt --key tls.key
}

laptop() { # laptop OPTION...
	cat >a.rn <<-RN
		interface=a address=10.61.0.1/24 private_key_file=a.key
		peer=$PUB_b interface=a name=gw allowed_ips=10.61.0.0/24 endpoint=192.0.2.2:51820 keepalive_s=1
	RN
	start_ready a ip netns exec "$LAB-a" rn-wg up a -f a.rn --netns private --foreground "$@"
}
# shellcheck disable=SC2053 # a pattern
endpoint_is() { [[ $(value a endpoint) == $1 ]]; }

@test "UDP that works is used" {
	need_tunnel
	gateway
	laptop --via 192.0.2.2:443 --via-ca tls.crt --via-after 1
	wait_for has_value a handshake_at
	inside a ping -c 2 -i 0.2 -W 3 10.61.0.2
	endpoint_is 192.0.2.2:51820
}

@test "blocked UDP: over TLS, and back when it works again" {
	need_tunnel
	gateway
	block_udp
	laptop --via 192.0.2.2:443 --via-ca tls.crt --via-after 1 --via-retry 2
	wait_for has_value a handshake_at
	endpoint_is '127.0.0.1:*'
	inside a ping -c 3 -i 0.2 -W 3 10.61.0.2
	inside b ping -c 2 -i 0.2 -W 3 10.61.0.1
	inside a ping -c 2 -i 0.2 -W 3 -s 8000 10.61.0.2
	in_b nft flush ruleset
	wait_for endpoint_is 192.0.2.2:51820
	inside a ping -c 2 -i 0.2 -W 3 10.61.0.2
}

@test "a certificate that does not fit is not talked to" {
	need_tunnel
	gateway
	block_udp
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.crt \
		-days 2 -subj /CN=other) 2>/dev/null
	laptop --via 192.0.2.2:443 --via-ca other.crt --via-after 1
	tried() { grep -q 'connection%20to%20192.0.2.2:443%20ended' a.log; }
	wait_for tried
	refute has_value a handshake_at
}

@test "what cannot be is refused" {
	run_exit 64 rn-wg up x --engine kernel --via 192.0.2.2:443
	has "user engine"
	run_exit 66 rn-wg up x --via 192.0.2.2:443 --via-ca nosuch.crt
	run_exit 64 rn-relay listen 127.0.0.1:0
	has "--cert"
	run_exit 64 rn-relay listen nowhere --to 127.0.0.1:1 --cert x --key y
	run_exit 64 rn-relay dial nowhere
}

@test "garbage and silence do not hold the relay" {
	need_tunnel
	gateway
	in_b sh -c 'head -c 100000 /dev/urandom | timeout 5 socat -u - TCP:192.0.2.2:443' || true
	start idle ip netns exec "$LAB-b" timeout 20 socat -u PIPE TCP:192.0.2.2:443
	block_udp
	laptop --via 192.0.2.2:443 --via-ca tls.crt --via-after 1
	wait_for has_value a handshake_at
	inside a ping -c 2 -i 0.2 -W 3 10.61.0.2
}
