#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-wg why names the first step that fails; show --watch and --detail; doctor.

# shellcheck disable=SC2154 # PUB_x is set by keys, stderr by run_exit
load helper
load wg_commands

setup() {
	rn_setup
	cd "$T" || exit
}
teardown() {
	tunnels_end
	cd /
	rn_teardown
	[ -z "${LAB:-}" ] || ip netns del "$LAB"
}

# fails_at STEP TUNNEL PEER: why says so, and the exit status is 1.
fails_at() {
	local step=$1
	shift
	run_exit 1 rn-wg why "$@" --wait 2
	has "probe=$step" "why=$2 interface=$1 result=failed step=$step"
	[ "$(grep -c 'result=failed' <<<"$output")" -eq 2 ]
}

lonely() { # lonely ENDPOINT: a tunnel x whose only peer, hub, is there
	keys x hub
	printf 'interface=x address=10.61.0.1/24 private_key_file=x.key\npeer=%s interface=x name=hub allowed_ips=10.61.0.0/24%s\n' \
		"$PUB_hub" "${1:+ endpoint=$1}" >x.rn
	rn-wg up x -f x.rn --netns private --engine user
}

@test "a peer that can be reached: 0, with the evidence" {
	need_tunnel
	pair
	wait_for has_value b handshake_at
	run_exit 0 rn-wg why b alice
	has "why=alice interface=b result=ok" "probe=answered peer=$PUB_a result=ok text=a%20handshake%20took"
	run_exit 0 rn-wg why b "$PUB_a" -j
	has '"why":"'"$PUB_a"'"' '"result":"ok"'
	run_exit 0 rn-wg why a bob
	run_exit 69 rn-wg why nosuch bob
	run_exit 64 rn-wg why a bob --wait never
	fails_at peer a carol
}

@test "no session yet: why begins a handshake by itself" {
	need_tunnel
	pair
	rn-wg down b
	sed -i 's/ keepalive_s=1//' b.rn
	rn-wg up b -f b.rn --netns private --engine user
	refute has_value b handshake_at
	run_exit 0 rn-wg why b alice
	has "probe=sent peer=$PUB_a result=ok text=1%20handshakes%20begun" "result=ok"
}

@test "names, keys and endpoints that are missing" {
	need_tunnel
	lonely nosuch.invalid:51820
	fails_at endpoint x hub
	has "nosuch.invalid"
	rn-wg down x
	lonely ""
	fails_at endpoint x hub
	has "it%20has%20not%20called%20yet"
	rn-wg down x
	rn-wg up x --netns private --engine user
	echo "peer=$PUB_hub interface=x name=hub" | rn-wg set x
	fails_at key x hub
}

@test "nobody listens, or nobody answers" {
	need_tunnel
	lonely "127.0.0.1:$(free_port)"
	fails_at firewall x hub
	has "nothing%20listens%20at%20that%20port"
	start sink socat -u UDP4-RECV:0,bind=127.0.0.1 /dev/null
	sink=$!
	bound() { ss -Hulnp | grep -q "pid=$sink,"; }
	wait_for bound
	rn-wg down x
	lonely "127.0.0.1:$(ss -Hulnp | awk -v p="pid=$sink," 'index($0, p) { sub(/.*:/, "", $4); print $4 }')"
	fails_at answered x hub
	has "silence%20for%202%20s"
}

@test "preshared keys that differ, and addresses that are not allowed" {
	need_tunnel
	pair
	(umask 077 && rn-wg genpsk >psk)
	sed 's/name=alice/name=alice preshared_key_file=psk/' b.rn >b2.rn
	rn-wg down b
	rn-wg up b -f b2.rn --netns private --engine user
	fails_at psk b alice
	has "preshared%20keys%20differ"
	rn-wg down b
	rn-wg up b -f b.rn --netns private --engine user
	wait_for has_value b handshake_at
	echo "interface=b address=10.61.0.77/24" | rn-wg set b
	inside b ping -c 1 -W 1 10.61.0.1 || true
	fails_at allowed_ips a bob
	has "not%20allowed%20it"
}

@test "this machine's firewall" {
	need_root
	need_tunnel
	export LAB=rnwhy$$
	ip netns add "$LAB"
	ip -n "$LAB" link set lo up
	ip netns exec "$LAB" nft -f - <<-NFT
		table inet t {
			chain out { type filter hook output priority 0; udp dport 9999 drop; }
		}
	NFT
	keys x hub
	printf 'interface=x address=10.61.0.1/24 private_key_file=x.key\npeer=%s interface=x name=hub allowed_ips=10.61.0.0/24 endpoint=127.0.0.1:9999\n' \
		"$PUB_hub" >x.rn
	ip netns exec "$LAB" rn-wg up x -f x.rn --netns private --engine user
	run_exit 1 ip netns exec "$LAB" rn-wg why x hub --wait 1
	has "step=firewall" "does%20not%20let%20UDP%20out"
	ip netns exec "$LAB" nft flush ruleset
	sed -i 's/127.0.0.1:9999/192.0.2.9:9999/' x.rn
	rn-wg sync x -f x.rn
	run_exit 1 ip netns exec "$LAB" rn-wg why x hub --wait 1
	has "step=route" "unreachable"
}

@test "show --watch repeats, --detail counts, loss and round trip are told" {
	need_tunnel
	pair
	wait_for has_value b handshake_at
	inside b ping -c 3 -i 0.2 -W 3 10.61.0.1
	run_exit 0 rn-wg show b --watch=1 --count 2
	[ "$(grep -c '^interface=b .* at=' <<<"$output")" -eq 2 ]
	run_exit 0 rn-wg show b --detail
	has "initiations_sent=1" "responses_received=1" "stat=data_sent interface=b value=" "rx_packets="
	rtt=$(value b rtt_us)
	[ "$rtt" -gt 0 ] && [ "$rtt" -lt 2000000 ]
	[ "$(value a rtt_us)" -gt 0 ] # who answered knows it, too
	refute has_value a rx_lost
	run_exit 64 rn-wg show b --count 2
	run_exit 64 rn-wg show b --watch=0
}

@test "doctor says what the machine allows" {
	need_tunnel
	run_exit 0 rn-wg doctor
	has "finding=tun result=ok" "finding=private result=ok" "finding=clock" "finding=udp_buffers" "finding=overlap" "finding=sandbox"
	unshare -Urm true || skip "no user namespaces"
	run_exit 1 unshare -Urm sh -c 'mount -t tmpfs none /dev/net && rn-wg doctor'
	has "finding=tun result=failed" "modprobe%20tun"
}
