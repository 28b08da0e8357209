#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The socket broker: what a program that is not in C asks of a tunnel's control socket. lib/tunnel
# itself is tested by tests/unit/tunnel.c.

load helper

# A plain "!" does not fail a test in the middle.
refute() { if "$@"; then return 1; fi; }

setup() {
	rn_setup
	umask 077
	rn-wg genkey >"$T/t.key"
	echo "interface=t address=10.63.0.1/24 private_key_file=t.key" >"$T/t.rn"
	rn-wg up t -f "$T/t.rn" --netns private || skip "no tunnels here"
	cat >"$T/ask.py" <<-'PY'
		# ask.py SOCKET REQUEST...: sends each on one connection, prints answers, keeps descriptors
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(5)
		s.connect(sys.argv[1])
		socks = []
		def ask(request):
		    s.sendall(request.encode() + b"\n\n")
		    text = b""
		    while not text.endswith(b"\n\n"):
		        part, fds, flags, _ = socket.recv_fds(s, 65536, 8)
		        if not part: raise SystemExit("closed")
		        text += part
		        socks.extend(socket.socket(fileno=f) for f in fds)
		    return text.decode().rstrip("\n")
		if __name__ == "__main__":
		    for r in sys.argv[2:]:
		        print(ask(r))
		    print("sockets", len(socks))
	PY
}

teardown() {
	rn-wg down t 2>/dev/null || true
	rn_teardown
}

ask() { python3 "$T/ask.py" "$RN_RUN_DIR/wg-t.sock" "$@"; }

@test "hello tells who it is" {
	run_exit 0 ask "request=hello"
	has "tunnel=t pid=" "address=10.63.0.1/24" "mode=private" "done=ok" "sockets 0"
}

@test "listen, connect and udp bring sockets of inside" {
	run_exit 0 ask "request=listen address=0.0.0.0:80" "request=udp address=10.63.0.1:53" "request=udp peer=10.63.0.9:53"
	has "socket=listen address=10.63.0.1:80" "socket=udp address=10.63.0.1:53" "sockets 3"
	refute grep -q 10.63.0.1 <<<"$(ss -Hltn 'sport = :80')" # nothing of it on the machine
}

@test "bytes pass between two sockets inside" {
	cat >"$T/echo.py" <<-'PY'
		import sys; sys.path.insert(0, sys.argv[2])
		from ask import ask, socks
		ask("request=listen address=10.63.0.1:7")
		ask("request=connect address=10.63.0.1:7")
		for s in socks: s.setblocking(True); s.settimeout(5)
		server, _ = socks[0].accept()
		socks[1].sendall(b"hello")
		assert server.recv(5) == b"hello"
		print("passed")
	PY
	run_exit 0 python3 "$T/echo.py" "$RN_RUN_DIR/wg-t.sock" "$T"
	has passed
}

@test "bad requests get one clear answer each, and no socket" {
	run_exit 0 ask "request=listen" "request=listen address=nonsense" "request=listen address=192.0.2.99:80" \
		"request=listen address=[::]:80" "request=connect address=10.63.0.9" "request=fly" "request=hello"
	has "error=65 text=request=listen" "error=69" "error=1 text=the%20tunnel%20t%20has%20no%20IPv6%20address" \
		"error=64 text=request=fly" "tunnel=t" "sockets 0"
}

@test "a sync that is refused changes nothing" {
	run_exit 0 ask "request=sync
interface=t address=10.63.0.5/24
peer=nokey interface=t"
	has "error=78"
	run_exit 0 rn-wg show t
	has "address=10.63.0.1/24"
}

@test "only the owner and root may ask" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become another"
	chmod 755 "$T" "$RN_RUN_DIR" && chmod 666 "$RN_RUN_DIR/wg-t.sock" "$RN_RUN_DIR/wireguard/t.sock" && chmod 755 "$RN_RUN_DIR/wireguard"
	chmod 644 "$T/ask.py"
	run setpriv --reuid=65534 --regid=65534 --clear-groups python3 "$T/ask.py" "$RN_RUN_DIR/wg-t.sock" request=hello
	[ "$status" -ne 0 ]
	refute grep -q tunnel=t <<<"$output"
	run sh -c "printf 'get=1\n\n' | setpriv --reuid=65534 --regid=65534 --clear-groups socat -t 2 - UNIX-CONNECT:$RN_RUN_DIR/wireguard/t.sock"
	refute grep -q private_key <<<"$output"
}
