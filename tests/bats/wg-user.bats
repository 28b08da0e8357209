#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What only the user engine has: the cross-platform userspace protocol, and /dev/net/tun.

# shellcheck disable=SC2154 # PUB_x is set by keys
load wg

uapi() { socat -t 2 - "UNIX-CONNECT:$RN_RUN_DIR/wireguard/$1.sock"; } # uapi TUNNEL <REQUEST

@test "UAPI: get, set, and what is refused changes nothing" {
	need_tunnel
	keys a b
	rn-wg up --engine user a --netns private
	hex() { base64 -d <"$1" | xxd -p -c 64; }
	pub() { base64 -d <<<"$1" | xxd -p -c 64; }
	run uapi a < <(printf 'set=1\nprivate_key=%s\nlisten_port=0\npublic_key=%s\nallowed_ip=10.0.0.0/8\nendpoint=192.0.2.1:7\npersistent_keepalive_interval=9\n\n' "$(hex "$T/a.key")" "$(pub "$PUB_b")")
	[ "$output" = errno=0 ]
	run uapi a < <(printf 'get=1\n\n')
	has "private_key=$(hex "$T/a.key")" "public_key=$(pub "$PUB_b")" "allowed_ip=10.0.0.0/8" "endpoint=192.0.2.1:7" "persistent_keepalive_interval=9" "errno=0"
	run uapi a < <(printf 'set=1\nreplace_peers=true\nlisten_port=70000\n\n')
	[ "$output" = errno=22 ]
	run uapi a < <(printf 'set=1\npublic_key=%s\nupdate_only=true\nallowed_ip=10.0.0.0/33\n\n' "$(pub "$PUB_b")")
	[ "$output" = errno=22 ]
	run uapi a < <(printf 'hello\n\n')
	[ "$output" = errno=22 ]
	run_exit 0 rn-wg show a
	has "peer=$PUB_b" "allowed_ips=10.0.0.0/8"
	run uapi a < <(printf 'set=1\nreplace_peers=true\n\n')
	[ "$output" = errno=0 ]
	[ "$(rn-wg show a | grep -c ^peer=)" -eq 0 ]
}

@test "host mode needs root, and says so" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become another"
	cp "$BIN/rn-wg" "$T/rn-wg"
	mkdir -m 777 "$T/open"
	chmod 755 "$T"
	run_exit 77 env RN_RUN_DIR="$T/open/run" setpriv --reuid=65534 --regid=65534 --clear-groups "$T/rn-wg" up nope --netns host
	has "/dev/net/tun" || has "making the TUN device"
}

@test "what the system forbids is named, with what to do about it" {
	unshare -Urm true || skip "no user namespaces"
	run_exit 71 unshare -Urm sh -c 'mount -t tmpfs none /dev/net && rn-wg up --engine user nope --netns private'
	has "/dev/net/tun cannot be opened" "modprobe tun"
	run_exit 77 unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces
		echo 0 >/proc/sys/user/max_net_namespaces
		rn-wg up --engine user nope --netns private'
	has "namespaces" "sysctl"
	[ ! -e "$RN_RUN_DIR/wg-nope.sock" ]
}
