# SPDX-License-Identifier: MIT
# For the tests of rn-wg's commands: keys, tunnels on loopback in private mode, and their end.

# shellcheck disable=SC2154 # PUB_x is set by keys

# A plain "!" does not fail a test in the middle.
refute() { if "$@"; then return 1; fi; }

tunnels_end() {
	local s name
	for s in "$RN_RUN_DIR"/wg-*.sock; do
		[ -S "$s" ] || continue
		name=${s##*/wg-}
		rn-wg down "${name%.sock}" || true
	done
}

need_tunnel() {
	(rn-wg up probe --netns private && rn-wg down probe) 2>/dev/null ||
		skip "no tunnels here: $(rn-wg up probe --netns private 2>&1)"
}

keys() { # keys NAME...: a private key NAME.key each, and its public key in $PUB_NAME
	local n
	for n; do
		(umask 077 && rn-wg genkey >"$T/$n.key")
		declare -g "PUB_$n=$(rn-wg pubkey <"$T/$n.key")"
	done
}

value() { rn-wg show "$1" --detail | grep -o " $2=[^ ]*" | head -n 1 | cut -d= -f2-; } # value TUNNEL KEY
has_value() { [ -n "$(value "$1" "$2")" ]; }
pid_of() { printf 'request=hello\n\n' | socat -t 2 - "UNIX-CONNECT:$RN_RUN_DIR/wg-$1.sock" | grep -o 'pid=[0-9]*' | cut -d= -f2; }
inside_pid() { # the child that holds the namespace; rn-relay may be another one
	local p
	for p in $(cat "/proc/$(pid_of "$1")/task/$(pid_of "$1")/children"); do
		[ "$(cat "/proc/$p/comm")" != rn-wg-inside ] || echo "$p"
	done
}
inside() { # inside TUNNEL COMMAND...
	local pid
	pid=$(inside_pid "$1")
	shift
	if [ "$(id -u)" -eq 0 ]; then
		nsenter -t "$pid" -n "$@"
	else
		nsenter -t "$pid" -U -n --preserve-credentials "$@"
	fi
}

# Two ends on loopback, a listening and b calling, of the user engine, or in the machine of tests/vm of the kernel's.
pair() {
	keys a b
	cat >"$T/a.rn" <<-RN
		interface=a address=10.61.0.1/24,fd61::1/64 private_key_file=a.key
		peer=$PUB_b interface=a name=bob allowed_ips=10.61.0.2/32,fd61::2/128
	RN
	rn-wg up a -f "$T/a.rn" --netns private --engine "${WG_ENGINE:-user}"
	PORT=$(value a listen_port)
	cat >"$T/b.rn" <<-RN
		interface=b address=10.61.0.2/24,fd61::2/64 private_key_file=b.key
		peer=$PUB_a interface=b name=alice allowed_ips=10.61.0.0/24,fd61::/64 endpoint=127.0.0.1:$PORT keepalive_s=1
	RN
	rn-wg up b -f "$T/b.rn" --netns private --engine "${WG_ENGINE:-user}"
}
