#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-proxy: config, reload, listeners at run time, TLS, TCP, UDP, CGI.

load proxy_helper

setup() {
	rn_setup
}

teardown() {
	rn_teardown
}

site() {
	backend one
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web
		target=app-1 resource=app address=127.0.0.1:$PORT
		policy=all effect=allow from=any to=resource:app,resource:tcp,resource:udp,resource:cgi
	END
}

# An answer of a TCP or UDP echo: echo_once PROTO PORT TEXT
echo_once() {
	[ "$(printf '%s\n' "$3" | timeout 5 socat -t 0.5 - "$1:127.0.0.1:$2")" = "$3" ]
}

@test "bad config: file, line, what; exit 78; nothing is opened" {
	site
	for bad in 'resource=x listen=nowhere' 'target=t resource=none address=127.0.0.1:1' \
		'resource=y listen=web' 'listen=l2 address=127.0.0.1:0 proto=gopher' \
		'listen=l3 address=127.0.0.1:0 proto=http lsiten=1' \
		'target=t resource=app address=cgi:/bin/sh' 'target=t resource=app address=127.0.0.1:9 env=LD_PRELOAD=x' \
		'policy=p effect=allow from=everybody to=resource:app'; do
		{ cat "$T/site.rn"; echo "$bad"; } >"$T/bad.rn"
		run_exit 78 rn-proxy check -f "$T/bad.rn"
		has "$T/bad.rn:5"
		run_exit 78 timeout 10 rn-proxy -f "$T/bad.rn"
		has "$T/bad.rn:5"
	done
	echo 'listen=tls address=127.0.0.1:0 proto=https' >>"$T/site.rn"
	run_exit 78 rn-proxy check -f "$T/site.rn"
	has 'no certificate record'
	run_exit 66 rn-proxy check -f "$T/none.rn"
	run_exit 64 rn-proxy
	run_exit 69 rn-proxy show
}

@test "a port in use is 69 and named; a second proxy of the same name is refused" {
	site
	proxy
	sed "s/address=127.0.0.1:0/address=127.0.0.1:$P/" "$T/site.rn" >"$T/second.rn"
	run_exit 69 timeout 10 rn-proxy -f "$T/second.rn" --name second
	has "$P"
	run_exit 69 timeout 10 rn-proxy -f "$T/site.rn"
	get x /name
}

@test "show config is the config, in canonical form" {
	site
	echo 'interface=wg0 listen_port=51820' >>"$T/site.rn"
	proxy
	rn-rec canon <"$T/site.rn" >"$T/want" 2>/dev/null || cp "$T/site.rn" "$T/want"
	rn-proxy show config | diff "$T/want" -
	run_exit 64 rn-proxy show nonsense
	rn-proxy show resources | grep -q '^resource=app'
}

@test "a bad config changes nothing; a good one is there at once" {
	site
	proxy
	cp "$T/site.rn" "$T/good.rn"
	echo 'listen=web2 address=127.0.0.1:0 protocol=http' >>"$T/site.rn"
	run_exit 78 rn-proxy reload
	has "$T/site.rn:5"
	[ "$(get x /name)" = one ]
	[ "$(rn-proxy show listeners | wc -l)" = 1 ]
	sed 's/^policy=.*//' "$T/good.rn" | sed '/^$/d' >"$T/site.rn"
	run_exit 0 rn-proxy reload
	run get x /name -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	cp "$T/good.rn" "$T/site.rn"
	kill -HUP "$PROXY_PID"
	wait_for sh -c "[ \"\$(curl -s http://127.0.0.1:$P/name)\" = one ]"
	[ "$(port_of web)" = "$P" ]
}

@test "30 reloads under load: no request fails" {
	site
	proxy
	curl -sS --max-time 60 -w '%{http_code}\n' -o /dev/null "http://127.0.0.1:$P/name?[1-3000]" >"$T/keep" 2>&1 &
	keep=$!
	(for _ in $(seq 150); do curl -sS --max-time 5 -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$P/name"; done) >"$T/new" 2>&1 &
	new=$!
	for i in $(seq 30); do
		sed -i "s/^\(target=app-1 .*127.0.0.1:$PORT\).*/\1 weight=$i/" "$T/site.rn"
		rn-proxy reload
	done
	wait "$keep" "$new"
	[ "$(sort "$T/keep" | uniq -c | awk '{print $1, $2}')" = "3000 200" ]
	[ "$(sort "$T/new" | uniq -c | awk '{print $1, $2}')" = "150 200" ]
}

@test "TCP and UDP listeners come and go; what is open stays" {
	site
	start tcp socat "TCP-LISTEN:$((tcp = $(free_port))),fork,reuseaddr,bind=127.0.0.1" EXEC:cat
	start udp socat "UDP-RECVFROM:$((udp = $(free_port))),fork,bind=127.0.0.1" EXEC:cat
	proxy
	cp "$T/site.rn" "$T/base.rn"
	cat >>"$T/site.rn" <<-END
		listen=t address=127.0.0.1:0 proto=tcp
		listen=u address=127.0.0.1:0 proto=udp
		resource=tcp listen=t
		resource=udp listen=u
		target=tcp-1 resource=tcp address=127.0.0.1:$tcp
		target=udp-1 resource=udp address=127.0.0.1:$udp
	END
	rn-proxy reload
	tp=$(port_of t) up=$(port_of u)
	wait_for echo_once TCP "$tp" hello
	wait_for echo_once UDP "$up" hello
	mkfifo "$T/in"
	exec 5<>"$T/in"
	start client sh -c "exec socat - TCP:127.0.0.1:$tp <'$T/in' 5>&-"
	echo before >&5
	wait_for grep -q before "$T/client.log"
	cp "$T/base.rn" "$T/site.rn"
	rn-proxy reload
	run timeout 5 socat - "TCP:127.0.0.1:$tp" </dev/null
	[ "$status" -ne 0 ]
	echo after >&5
	wait_for grep -q after "$T/client.log"
	exec 5>&-
	wait_for grep -q 'listener=t .*resource=tcp target=tcp-1 bytes_in=13 bytes_out=13 .*decision=allow' "$T/access"
	[ "$(get x /name)" = one ]
}

@test "TCP that no policy allows gets not one byte" {
	site
	sed -i 's/resource:tcp/resource:none/' "$T/site.rn"
	cat >>"$T/site.rn" <<-END
		listen=t address=127.0.0.1:0 proto=tcp
		resource=tcp listen=t
		target=tcp-1 resource=tcp address=127.0.0.1:$PORT
	END
	proxy
	run timeout 5 socat -t 1 - "TCP:127.0.0.1:$(port_of t)" <<<'GET /name HTTP/1.0'
	[ -z "$output" ]
	wait_for grep -q 'listener=t .*decision=deny' "$T/access"
}

@test "TLS: each name gets its certificate, and upstreams are verified" {
	for n in a b; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$n.test" \
			-addext "subjectAltName=DNS:$n.test" -keyout "$T/$n.key" -out "$T/$n.crt" 2>/dev/null
	done
	site
	cat >>"$T/site.rn" <<-END
		listen=tls address=127.0.0.1:$(free_port) proto=https
		listen=plain address=127.0.0.1:0 proto=http redirect=https
		certificate=a cert_file=a.crt key_file=a.key host=a.test
		certificate=b cert_file=b.crt key_file=b.key host=b.test
		resource=secure listen=tls,plain host=a.test,b.test
		target=secure-1 resource=secure address=127.0.0.1:$PORT
		policy=secure effect=allow from=any to=resource:secure
	END
	proxy
	s=$(port_of tls)
	for n in a b; do
		[ "$(curl -sS --cacert "$T/$n.crt" --resolve "$n.test:$s:127.0.0.1" "https://$n.test:$s/name")" = one ]
	done
	run_exit 60 curl -sS --cacert "$T/a.crt" --resolve "b.test:$s:127.0.0.1" "https://b.test:$s/name"
	[ "$(curl -sS --cacert "$T/a.crt" --resolve "a.test:$s:127.0.0.1" "https://a.test:$s/echo" |
		jq -r '.headers."x-forwarded-proto"')" = https ]
	head -c 3000000 /dev/urandom >"$T/big"
	[ "$(curl -sS --cacert "$T/a.crt" --resolve "a.test:$s:127.0.0.1" -T "$T/big" "https://a.test:$s/upload")" = \
		"3000000 $(sha256sum <"$T/big" | cut -d' ' -f1)" ]
	run curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: a.test' "http://127.0.0.1:$(port_of plain)/x?y=1"
	[ "$output" = "308 https://a.test:$s/x?y=1" ]
	# Ourselves as a TLS upstream: with its CA, and without.
	cat >>"$T/site.rn" <<-END
		listen=front address=127.0.0.1:0 proto=http
		resource=good listen=front host=a.test
		resource=bad listen=front host=b.test
		target=good resource=good address=127.0.0.1:$s proto=https tls_name=a.test ca_file=a.crt
		target=bad resource=bad address=127.0.0.1:$s proto=https tls_name=b.test ca_file=a.crt
		policy=front effect=allow from=any to=resource:good,resource:bad
	END
	rn-proxy reload
	f=$(port_of front)
	[ "$(curl -sS -H 'Host: a.test' "http://127.0.0.1:$f/name")" = one ]
	run curl -sS -o /dev/null -w '%{http_code}' -H 'Host: b.test' "http://127.0.0.1:$f/name"
	[ "$output" = 502 ]
}

@test "CGI: a clean environment, body in, status and headers out, an end to what hangs" {
	site
	mkdir "$T/cgi"
	cat >"$T/cgi/app" <<-'END'
		#!/bin/sh
		case $PATH_INFO in
		/env) echo Content-Type: text/plain; echo; env | sort ;;
		/body) echo Content-Type: text/plain; echo; cat ;;
		/status) echo Status: 404 Not Here; echo X-From: cgi; echo; echo gone ;;
		/moved) echo Location: https://elsewhere.test/; echo ;;
		/hang) sleep 30 ;;
		/bad) echo 'no head at all' ;;
		/err) echo 'to the log' >&2; echo Content-Type: text/plain; echo; echo fine ;;
		esac
	END
	chmod 755 "$T/cgi/app"
	cat >>"$T/site.rn" <<-END
		listen=c address=127.0.0.1:0 proto=http
		resource=cgi listen=c
		target=cgi-1 resource=cgi address=cgi:$T/cgi/app env=RN_CONSOLE_DIR=/some%20where limit_s=1
	END
	SECRET=1 proxy --cgi-dir "$T/cgi"
	P=$(port_of c)
	get x '/env?q=1' -H 'Authorization: Bearer abc' -H 'Proxy: evil' -H 'X-Rustronaut-User: root' >"$T/env"
	grep -qx 'QUERY_STRING=q=1' "$T/env"
	grep -qx 'HTTP_AUTHORIZATION=Bearer abc' "$T/env"
	grep -qx 'RN_CONSOLE_DIR=/some where' "$T/env"
	grep -qx 'REMOTE_ADDR=127.0.0.1' "$T/env"
	run grep -E 'SECRET|HTTP_PROXY|root' "$T/env"
	[ "$status" -eq 1 ]
	[ "$(get x /body -d 'a body')" = 'a body' ]
	[ "$(get x /body --data-binary "@$T/cgi/app" | sha256sum)" = "$(sha256sum <"$T/cgi/app")" ]
	run get x /status -i
	has '404 Not Here' 'X-From: cgi' gone
	run get x /moved -o /dev/null -w '%{http_code} %{redirect_url}'
	[ "$output" = '302 https://elsewhere.test/' ]
	run get x /hang -o /dev/null -w '%{http_code}'
	[ "$output" = 502 ]
	run get x /bad -o /dev/null -w '%{http_code}'
	[ "$output" = 502 ]
	[ "$(get x /err)" = fine ]
	wait_for grep -q 'text=to%20the%20log' "$T/proxy.log"
}

@test "TERM lets a request finish; a second TERM does not wait" {
	site
	proxy --drain-s 20
	mkfifo "$T/in"
	start client sh -c "printf 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab' | cat - '$T/in' | nc 127.0.0.1 $P"
	exec 5>"$T/in"
	wait_for sh -c 'rn-proxy show listeners | grep -q connections=1'
	kill "$PROXY_PID"
	wait_for sh -c "! curl -s http://127.0.0.1:$P/"
	printf cd >&5
	exec 5>&-
	wait_for grep -q '"abcd"' "$T/client.log"
	wait_gone "$PROXY_PID"
	rm -f "$T/in" "$T/proxy.ready"
	proxy --drain-s 60
	start held nc -d 127.0.0.1 "$P"
	wait_for sh -c 'rn-proxy show listeners | grep -q connections=1'
	kill "$PROXY_PID"
	kill "$PROXY_PID"
	wait_gone "$PROXY_PID"
}

@test "log -f streams the records of the running proxy" {
	site
	proxy
	start log rn-proxy log -f
	wait_for sh -c "curl -s http://127.0.0.1:$P/name >/dev/null; grep -q 'access=.*path=/name status=200' '$T/log.log'"
	rn-proxy log | rn-rec check
}

@test "listen and target through a tunnel; the source address is the device; it comes back" {
	backend one
	(umask 077; rn-wg genkey >"$T/wg0.key")
	echo 'interface=wg0 address=10.9.0.1/24 listen_port=0 private_key_file=wg0.key' >"$T/wg.rn"
	start_ready wg rn-wg up wg0 -f "$T/wg.rn" --netns private --foreground
	wg=$(tail -n 1 "$T/pids")
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		listen=inside address=10.9.0.1:8080 proto=http via=wg0
		listen=t address=127.0.0.1:0 proto=tcp
		device=self address=10.9.0.1/32 user=ada groups=eng
		resource=out listen=web
		resource=in listen=inside
		resource=tcp listen=t
		target=out resource=out address=10.9.0.1:8080 via=wg0
		target=in resource=in address=127.0.0.1:$PORT
		target=tcp resource=tcp address=10.9.0.1:8080 via=wg0
		policy=out effect=allow from=any to=resource:out,resource:tcp
		policy=in effect=allow from=device:self to=resource:in action=GET
	END
	proxy
	wait_for sh -c 'rn-proxy show listeners | grep -q "listener=inside .*state=open"'
	[ "$(get x /name)" = one ]
	[ "$(get x /echo | jq -r '.headers | ."x-rustronaut-device" + " " + ."x-rustronaut-user"')" = 'self ada' ]
	run get x /name -X POST -o /dev/null -w '%{http_code}'
	[ "$output" = 403 ]
	[ "$(curl -sS "http://127.0.0.1:$(port_of t)/name")" = one ]
	kill "$wg"
	wait_gone "$wg"
	wait_for sh -c 'rn-proxy show listeners | grep -q "listener=inside .*state=waiting"'
	run get x /name -o /dev/null -w '%{http_code}'
	[ "$output" = 502 ]
	start_ready wg rn-wg up wg0 -f "$T/wg.rn" --netns private --foreground
	wait_for sh -c "[ \"\$(curl -s http://127.0.0.1:$P/name)\" = one ]"
}
