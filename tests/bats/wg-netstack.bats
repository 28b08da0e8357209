#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The engine netstack against the user engine: sockets inside a tunnel without a device.

# shellcheck disable=SC2154 # PUB_x is set by keys
load wg

# n on the stack, u on a device; both may call.
ends() {
	need_tunnel
	keys n u
	cat >"$T/u.rn" <<-RN
		interface=u address=10.64.0.2/24,fd64::2/64 private_key_file=u.key
		peer=$PUB_n interface=u allowed_ips=10.64.0.1/32,fd64::1/128
	RN
	rn-wg up u --engine user -f "$T/u.rn" --netns private
	PORT=$(value u listen_port)
	cat >"$T/n.rn" <<-RN
		interface=n address=10.64.0.1/24,fd64::1/64 private_key_file=n.key
		peer=$PUB_u interface=n allowed_ips=10.64.0.0/24,fd64::/64 endpoint=127.0.0.1:$PORT keepalive_s=1
	RN
	rn-wg up n --engine netstack -f "$T/n.rn"
	wait_for has_value u handshake_at
	cat >"$T/lib.py" <<-'PY'
		import os, socket, struct, sys, threading
		def ask(name, request):
		    """A socket inside the tunnel NAME, or the answer when there is none."""
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(10)
		    s.connect(os.environ["RN_RUN_DIR"] + "/wg-" + name + ".sock")
		    s.sendall(request.encode() + b"\n\n")
		    text, got = b"", []
		    while not text.endswith(b"\n\n"):
		        part, fds, flags, _ = socket.recv_fds(s, 65536, 8)
		        if not part: raise SystemExit("closed")
		        text += part
		        got += fds
		    if not got: return text.decode()
		    out = socket.socket(fileno=got[0])
		    out.settimeout(15)
		    return out
		def drain(s):
		    out = bytearray()
		    while True:
		        part = s.recv(65536)
		        if not part: return bytes(out)
		        out += part
		def background(fn, *args):
		    box = []
		    t = threading.Thread(target=lambda: box.append(fn(*args)), daemon=True)
		    t.start()
		    def join():
		        t.join(20)
		        return box[0]
		    return join
		def accept(s):
		    c, who = s.accept()
		    c.settimeout(15)
		    return c, who
		data = os.urandom(10 << 20)
	PY
}

py() { # py: runs standard input behind lib.py
	cat "$T/lib.py" - >"$T/test.py"
	run timeout 25 python3 "$T/test.py"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	has passed
}

@test "show says who it is; what it cannot is refused by name" {
	ends
	run_exit 0 rn-wg show n
	has "engine=netstack" "netns=private" "peer=$PUB_u"
	py <<-'PY'
		assert "error=1 " in ask("n", "request=udp address=10.64.0.1:53")
		assert "error=69 " in ask("n", "request=connect address=192.0.2.1:80")
		assert "error=69 " in ask("n", "request=listen address=192.0.2.1:80")
		a = ask("n", "request=listen address=10.64.0.1:80")
		assert "error=69 " in ask("n", "request=listen address=10.64.0.1:80")
		a.close()
		ask("n", "request=listen address=10.64.0.1:80").getsockname()
		print("passed")
	PY
	run_exit 64 rn-wg up m --engine netstack --netns host
}

@test "10 MB both ways at once, half-closed at the end, IPv4 and IPv6, either side listening" {
	ends
	py <<-'PY'
		for ip in "10.64.0.%d", "[fd64::%d]":
		    for server, at, client in ("n", 1, "u"), ("u", 2, "n"):
		        l = ask(server, "request=listen address=%s:4711" % (ip % at))
		        c = ask(client, "request=connect address=%s:4711" % (ip % at))
		        s, who = accept(l)
		        def send(x): x.sendall(data); x.shutdown(socket.SHUT_WR)
		        jobs = [background(drain, s), background(drain, c), background(send, s), background(send, c)]
		        got = [j() for j in jobs]
		        assert got[0] == data and got[1] == data, (server, ip, len(got[0]), len(got[1]))
		print("passed")
	PY
}

@test "half-close: the answer comes after the end of the question" {
	ends
	py <<-'PY'
		for server, at, client in ("n", 1, "u"), ("u", 2, "n"):
		    l = ask(server, "request=listen address=10.64.0.%d:7" % at)
		    c = ask(client, "request=connect address=10.64.0.%d:7" % at)
		    c.sendall(b"question"); c.shutdown(socket.SHUT_WR)
		    s, _ = accept(l)
		    assert drain(s) == b"question"
		    s.sendall(b"answer" * 1000); s.close()
		    assert drain(c) == b"answer" * 1000
		print("passed")
	PY
}

@test "a visitor's address is in its socket's name" {
	ends
	py <<-'PY'
		l = ask("n", "request=listen address=10.64.0.1:80")
		assert l.getsockname().endswith("rn-inside@10.64.0.1:80"), l.getsockname()
		c = ask("u", "request=connect address=10.64.0.1:80")
		s, who = accept(l)
		assert b"rn-inside@10.64.0.2:" in who, who
		print("passed")
	PY
}

@test "many connections, many of them at once" {
	ends
	py <<-'PY'
		l = ask("n", "request=listen address=10.64.0.1:80")
		def echo(s):
		    s.sendall(drain(s)); s.close()
		def serve():
		    while True:
		        s, _ = accept(l)
		        background(echo, s)
		background(serve)
		for _ in range(3):
		    all = [ask("u", "request=connect address=10.64.0.1:80") for _ in range(100)]
		    for i, c in enumerate(all): 
		        c.sendall(b"%d" % i * 1000); c.shutdown(socket.SHUT_WR)
		    for i, c in enumerate(all): assert drain(c) == b"%d" % i * 1000
		print("passed")
	PY
}

@test "nobody listens, the listener is gone, the reader is gone, the peer is gone" {
	ends
	py <<-'PY'
		assert drain(ask("n", "request=connect address=10.64.0.2:9")) == b""
		l = ask("n", "request=listen address=10.64.0.1:80")
		l.close()
		c = ask("u", "request=connect address=10.64.0.1:80")
		try: assert drain(c) == b""
		except ConnectionError: pass
		l = ask("n", "request=listen address=10.64.0.1:80")
		c = ask("u", "request=connect address=10.64.0.1:80")
		s, _ = accept(l)
		s.close()
		try:
		    while True: c.sendall(b"x" * 65536)
		except ConnectionError: pass
		c = ask("u", "request=connect address=10.64.0.1:80")
		s, _ = accept(l)
		os.system("rn-wg down n")
		assert drain(s) == b""
		print("passed")
	PY
}

@test "who does not read holds up only its own connection, and few bytes" {
	ends
	py <<-'PY'
		l = ask("n", "request=listen address=10.64.0.1:80")
		slow = ask("u", "request=connect address=10.64.0.1:80")
		s, _ = accept(l)
		job = background(lambda: slow.sendall(data) or slow.close())
		c = ask("u", "request=connect address=10.64.0.1:80")
		s2, _ = accept(l)
		c.sendall(b"hi"); assert s2.recv(2) == b"hi"
		assert drain(s) == data
		print("passed")
	PY
}

@test "connected UDP" {
	ends
	py <<-'PY'
		u = ask("u", "request=udp address=10.64.0.2:53")
		n = ask("n", "request=udp peer=10.64.0.2:53")
		n.send(b"ping")
		got, who = u.recvfrom(100)
		assert got == b"ping" and who[0] == "10.64.0.1"
		u.sendto(b"pong", who)
		assert n.recv(100) == b"pong"
		print("passed")
	PY
}
