#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-proxy: routing, bodies, policy, balancing, faults.

load proxy_helper

setup() {
	rn_setup
}

teardown() {
	rn_teardown
}

# One backend behind app.test, open to everybody.
site() {
	backend one
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web host=app.test
		target=app-1 resource=app address=127.0.0.1:$PORT
		policy=all effect=allow from=any to=resource:app
	END
	printf '%s\n' "$@" | sed '/^$/d' >>"$T/site.rn"
}

@test "the most specific host and the longest path win" {
	for n in exact wild deep path any; do
		backend $n
		eval "$n=$PORT"
	done
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=exact listen=web host=a.test,b.x.test
		resource=path listen=web host=a.test path=/deep/er
		resource=wild listen=web host=*.test
		resource=deep listen=web host=*.x.test
		resource=any listen=web
		target=t1 resource=exact address=127.0.0.1:$exact
		target=t2 resource=wild address=127.0.0.1:$wild
		target=t3 resource=deep address=127.0.0.1:$deep
		target=t4 resource=path address=127.0.0.1:$path
		target=t5 resource=any address=127.0.0.1:$any
		policy=all effect=allow from=any to=resource:exact,resource:wild,resource:deep,resource:path,resource:any
	END
	proxy
	while read -r host path want; do
		[ "$(get "$host" "$path")" = "$want" ] || { echo "$host$path: not $want"; false; }
	done <<-END
		a.test /name exact
		A.Test:80 /name exact
		b.x.test /name exact
		c.test /name wild
		c.d.test /name wild
		c.x.test /name deep
		a.test /deep/er/name path
		a.test /deep//er/name path
		a.test /%64eep/er/name path
		a.test /deep/erx/name exact
		elsewhere.example /name any
		127.0.0.1 /name any
	END
}

@test "unknown hosts and paths get a page that says so" {
	site
	sed -i 's/host=app.test/host=app.test path=\/in/' "$T/site.rn"
	proxy
	run get other.test / -o "$T/out" -w '%{http_code}'
	[ "$output" = 404 ]
	grep -q 'Nothing is published under this name' "$T/out"
	run get app.test /out -o "$T/out" -w '%{http_code}'
	[ "$output" = 404 ]
	grep -q 'Nothing is published under this path' "$T/out"
	run get app.test /out -H 'Accept: text/html' -o "$T/out" -w '%{content_type}'
	has text/html
}

@test "identity and forwarding headers are ours alone" {
	site
	proxy
	get app.test '/x?a=1' -H 'X-Forwarded-For: 6.6.6.6' -H 'Forwarded: for=6.6.6.6' -H 'X-Real-IP: 6.6.6.6' \
		-H 'X-Rustronaut-User: root' -H 'x-rustronaut-groups: admin' \
		-H 'X-Forwarded-Proto: https' -H 'Connection: close, X-Hop' -H 'X-Hop: 1' -H 'X-App: yes' \
		-H 'Cookie: a=1; rn_session=secret; b=2' >"$T/out"
	run jq -r '.headers | [."x-forwarded-for", ."x-forwarded-proto", ."x-forwarded-host", .cookie, ."x-app"] | join(" ")' "$T/out"
	has "127.0.0.1 http app.test a=1; b=2 yes"
	run grep -ciE '6\.6\.6\.6|rustronaut|x_rust|x-hop|secret' "$T/out"
	[ "$output" = 0 ]
	[ "$(jq -r .path "$T/out")" = '/x?a=1' ]
}

@test "bodies keep their bytes in every framing" {
	site
	proxy
	[ "$(get app.test /chunks)" = "one two three" ]
	[ "$(get app.test /chunks --http1.0)" = "one two three" ]
	[ "$(get app.test /close)" = "until the end" ]
	[ "$(get app.test /echo -d 'some text' | jq -r .body)" = "some text" ]
	[ "$(get app.test /echo -H 'Transfer-Encoding: chunked' -d 'in chunks' | jq -r .body)" = "in chunks" ]
	[ "$(get app.test /echo -H 'Expect: 100-continue' -d 'go on' | jq -r .body)" = "go on" ]
	run get app.test /name -I
	has '200 OK' 'Content-Length: 4'
	run get app.test /status -o /dev/null -w '%{http_code}'
	[ "$output" = 418 ]
}

@test "100 MB go up in bounded memory" {
	site
	proxy
	get app.test /name >/dev/null
	before=$(awk '/VmRSS/{print $2}' "/proc/$PROXY_PID/status")
	head -c 100000000 /dev/zero >"$T/big"
	want="100000000 $(sha256sum <"$T/big" | cut -d' ' -f1)"
	[ "$(get app.test /upload -H Expect: -T "$T/big" --max-time 60)" = "$want" ]
	after=$(awk '/VmHWM/{print $2}' "/proc/$PROXY_PID/status")
	# A sanitizer keeps what was freed, so that only a plain build has a figure.
	[[ ${BUILD:-} == *san-* ]] || [ $((after - before)) -lt 2048 ]
}

@test "connections to targets are used again" {
	site
	proxy --workers 1
	for _ in $(seq 50); do get app.test /name >/dev/null; done
	[ "$(get app.test /connections)" -le 3 ]
}

@test "an upgraded connection carries bytes both ways" {
	site
	proxy
	printf 'GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nhello\nagain\n' |
		timeout 10 socat -t 3 - "TCP:127.0.0.1:$P" >"$T/out"
	grep -q '101 Switching' "$T/out"
	grep -q 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' "$T/out"
	[ "$(tail -n 2 "$T/out" | tr '\n' ' ')" = "hello again " ]
}

@test "what could be read in two ways is 400 and the end" {
	site
	proxy
	while IFS= read -r bytes; do
		run raw "$bytes"
		[[ $output == 'HTTP/1.1 400 '* ]] || { echo "not refused: $bytes: $output"; false; }
		has 'Connection: close'
		[ "$(grep -c '^HTTP/1' <<<"$output")" = 1 ] || { echo "two answers: $bytes"; false; }
	done <<-'END'
		POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /name HTTP/1.1\r\nHost: app.test\r\n\r\n
		POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\naaaaa
		POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n
		POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: +4\r\n\r\naaaa
		GET / HTTP/1.1\r\nHost : app.test\r\n\r\n
		GET / HTTP/1.1\r\nHost: app.test\r\nX: a\r\n b\r\n\r\n
		GET / HTTP/1.1\r\nHost: app.test\r\nHost: b.test\r\n\r\n
		GET / HTTP/1.1\r\n\r\n
		GET / HTTP/1.1\nHost: app.test\n\n
		GET / HTTP/1.1\r\nHost: app.test\r\nX: a\rb\r\n\r\n
		GET / HTTP/1.1\r\nHost: app.test\r\nX_Rustronaut_User: root\r\n\r\n
		GET /a/../b HTTP/1.1\r\nHost: app.test\r\n\r\n
		GET /a/%2e%2E/b HTTP/1.1\r\nHost: app.test\r\n\r\n
		GET /a%2f..%2fb HTTP/1.1\r\nHost: app.test\r\n\r\n
		GET /a\\..\\b HTTP/1.1\r\nHost: app.test\r\n\r\n
		POST /echo HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcdXX\r\n0\r\n\r\n
		POST /echo HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n
	END
	[ "$(get app.test /name)" = one ]
}

@test "pipelined requests are answered in order" {
	site
	proxy
	run raw 'GET /name HTTP/1.1\r\nHost: app.test\r\n\r\nGET /status HTTP/1.1\r\nHost: app.test\r\n\r\nGET /x HTTP/1.1\r\nHost: no.test\r\nConnection: close\r\n\r\n'
	[ "$(grep -o '^HTTP/1.1 [0-9]*' <<<"$output" | cut -d' ' -f2 | tr '\n' ' ')" = "200 418 404 " ]
}

@test "weights 3 to 1 hold over 400 requests" {
	backend a
	a=$PORT
	backend b
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web
		target=a resource=app address=127.0.0.1:$a weight=3
		target=b resource=app address=127.0.0.1:$PORT
		policy=all effect=allow from=any to=resource:app
	END
	proxy --workers 1
	curl -sS "http://127.0.0.1:$P/name?[1-400]" >"$T/out"
	[ "$(grep -c '^a$' "$T/out")" = 300 ]
	[ "$(grep -c '^b$' "$T/out")" = 100 ]
}

@test "a target that is down is left out, and comes back" {
	backend a
	a=$PORT
	backend b
	b=$PORT b_pid=$BACKEND_PID
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web
		target=a resource=app address=127.0.0.1:$a check=/name check_s=1 rise=1 fall=1
		target=b resource=app address=127.0.0.1:$b check=/name check_s=1 rise=1 fall=1
		policy=all effect=allow from=any to=resource:app
	END
	proxy
	wait_for sh -c 'rn-proxy show targets | grep -q "health=b .*state=up"'
	kill "$b_pid"
	wait_for sh -c 'rn-proxy show targets | grep -q "health=b .*state=down"'
	[ "$(curl -sS "http://127.0.0.1:$P/name?[1-20]" | sort -u)" = a ]
	backend again "$b"
	wait_for sh -c 'rn-proxy show targets | grep -q "health=b .*state=up"'
	curl -sS "http://127.0.0.1:$P/name?[1-20]" | grep -q again
}

@test "no target that answers: 502, a page and a record that says why" {
	port=$(free_port)
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web
		target=gone resource=app address=127.0.0.1:$port
		policy=all effect=allow from=any to=resource:app
	END
	proxy
	run get app.test / -w '%{http_code}'
	has 'The service behind this name' 502
	wait_for grep -q 'target=gone .*status=502 .*why=connect:%20Connection%20refused' "$T/access"
}

@test "a target that lies or talks nonsense never passes as an answer" {
	site
	proxy
	run get app.test /nonsense -o "$T/out" -w '%{http_code}'
	[ "$output" = 502 ]
	run_exit 18 get app.test /lie
	wait_for grep -q 'path=/lie .*why=target%20broke%20off' "$T/access"
}

@test "default deny: 403 says what to do; the link lets in and leaves a cookie" {
	backend one
	rn-test-sign() { python3 "$BATS_TEST_DIRNAME/proxy_sign.py" "$@"; }
	signer=$(rn-test-sign key "$T/seed")
	cat >"$T/site.rn" <<-END
		bundle=gw1 serial=1 made_at=1 console=https://console.test
		signer=$signer
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web host=app.test auth=login owner=ada
		resource=other listen=web host=other.test
		target=t1 resource=app address=127.0.0.1:$PORT
		target=t2 resource=other address=127.0.0.1:$PORT
		policy=shared effect=allow from=link,group:eng to=resource:app
		policy=shared2 effect=allow from=link to=resource:other
	END
	proxy
	run get app.test / -w '%{http_code}'
	has 403 'ask ada' 'https://console.test/login?return=http%3A%2F%2Fapp.test%2F'
	link=$(rn-test-sign link "$T/seed" app 3600)
	old=$(rn-test-sign link "$T/seed" app -5)
	run get other.test "/name?rn_link=$link" -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	run get app.test "/name?rn_link=$old" -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	[ "$(get app.test "/echo?a=1&rn_link=$link&b=2" -c "$T/jar" | jq -r .path)" = '/echo?a=1&b=2' ]
	cookie=$(awk '/rn_session/{print $6"="$7}' "$T/jar")
	[ -n "$cookie" ]
	[ "$(get app.test /name -H "Cookie: $cookie")" = one ]
	run get other.test /name -H "Cookie: $cookie" -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	run get app.test /name -H "Cookie: ${cookie%?}_" -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	# A login is good once, and only on its host.
	login=$(rn-test-sign login "$T/seed" ada eng app.test 60)
	run get other.test "/.rustronaut/session?t=$login&return=/name" -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	run get app.test "/.rustronaut/session?t=$login&return=/name" -c "$T/jar2" -o /dev/null -w '%{http_code} %{redirect_url}'
	[ "$output" = "303 http://127.0.0.1:$P/name" ]
	run get app.test "/.rustronaut/session?t=$login&return=/name" -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	cookie=$(awk '/rn_session/{print $6"="$7}' "$T/jar2")
	[ "$(get app.test /echo -H "Cookie: $cookie" | jq -r '.headers | ."x-rustronaut-user" + " " + ."x-rustronaut-groups"')" = "ada eng" ]
	run get app.test '/.rustronaut/session?t=x&return=//evil.test' -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	wait_for grep -q 'user=ada .*decision=allow policy=shared' "$T/access"
}
