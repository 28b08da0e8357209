#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sites, resources and targets made by hand, with traffic: by import and by REST, on a local site and on
# one behind WireGuard.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_up
	# Two backends on the gateway's machine, one at a unix socket, one that speaks TLS.
	local n
	for n in a b; do
		mkdir "$T/www-$n"
		echo "page of $n" >"$T/www-$n/index.html"
		mkdir "$T/www-$n/docs"
		echo "docs of $n" >"$T/www-$n/docs/index.html"
	done
	begin web-a gateway busybox httpd -f -p 127.0.0.1:8081 -h "$T/www-a"
	begin web-b gateway busybox httpd -f -p 127.0.0.1:8082 -h "$T/www-b"
	begin sock gateway socat "UNIX-LISTEN:$T/web.sock,fork,mode=666" TCP:127.0.0.1:8081
	chmod 755 "$T"
	tls_backend
}
teardown_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_down
}
setup() {
	need_root
	TOKEN=$(<"$T/gateway/state/console/owner.token")
}

# nginx on the gateway's machine with a certificate for secure.internal of a CA of its own.
tls_backend() {
	mkdir "$T/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=secure.internal \
		-addext subjectAltName=DNS:secure.internal -keyout "$T/tls/key.pem" -out "$T/tls/crt.pem" 2>/dev/null
	chmod 755 "$T/tls"
	chmod 644 "$T/tls/crt.pem"
	cp "$T/tls/crt.pem" "$T/gateway/state/gateway/secure-ca.crt" # a bundle names files beside it
	cat >"$T/tls/nginx.conf" <<-END
		daemon off; master_process off; pid $T/tls/pid; error_log $T/tls/error.log;
		events {}
		http {
			access_log off; client_body_temp_path $T/tls/body; proxy_temp_path $T/tls/proxy;
			fastcgi_temp_path $T/tls/f; uwsgi_temp_path $T/tls/u; scgi_temp_path $T/tls/s;
			server {
				listen 127.0.0.1:8443 ssl;
				ssl_certificate $T/tls/crt.pem; ssl_certificate_key $T/tls/key.pem;
				location / { return 200 "over tls\n"; }
			}
		}
	END
	begin tls gateway nginx -p "$T/tls" -c "$T/tls/nginx.conf" -e "$T/tls/error.log"
}

# api METHOD PATH [JSON]: as the owner, from outside; its answer, then its status on a last line.
api() {
	visit "$DOMAIN/api/v1$2" -X "$1" -H "Authorization: Bearer $TOKEN" ${3:+--json "$3"} -w '\n%{http_code}\n'
}
# api_is STATUS METHOD PATH [JSON]
api_is() {
	local want=$1
	shift
	run api "$@"
	if [ "${lines[-1]}" != "$want" ]; then
		echo "$*: $output" >&2
		return 1
	fi
}
import() { on gateway rn-console import; }
says() { [ "$(visit "$1")" = "$2" ]; }
code_is() { [ "$(status_of "$1" "${@:3}")" = "$2" ]; }

@test "examples/site.rn imports as it is, and serves" {
	run on gateway rn-console import <"$ROOT/examples/site.rn"
	[ "$output" = "imported=7" ]
	wait_for code_is "wiki.$DOMAIN/" 403
	code_is "status.$DOMAIN/public" 502 # there is no /run/status.sock
	run on gateway rn-console import <"$ROOT/examples/site.rn"
	[ "$output" = "imported=7" ]
}

@test "a local site: several hosts, a wildcard, path prefixes, weights 3 to 1" {
	import <<-END
		site=office name=Office subnet=127.0.0.0/8 endpoints=127.0.0.1 connection=local
		listen=plain address=0.0.0.0:8000 proto=http
		resource=app site=office listen=https,plain host=app.$DOMAIN,*.api.$DOMAIN,www.$DOMAIN
		target=app-a resource=app address=127.0.0.1:8081 weight=3
		target=app-b resource=app address=127.0.0.1:8082 weight=1
		policy=app-all effect=allow from=any to=resource:app
		resource=docs site=office listen=https,plain host=app.$DOMAIN path=/docs
		target=docs-b resource=docs address=127.0.0.1:8082
		policy=docs-all effect=allow from=any to=resource:docs
	END
	wait_for code_is "app.$DOMAIN/" 200
	code_is "www.$DOMAIN/" 200
	says "app.$DOMAIN/docs/" "docs of b"
	# Below the wildcard at any depth; the name itself is none of it. (The gateway's certificate covers one
	# label, so these go over the plain listener.)
	plain() { in_ns visitor curl -sS -o /dev/null -w '%{http_code}' -H "Host: $1" "http://203.0.113.2:8000$2"; }
	wait_for test -n "$(in_ns visitor curl -sS http://203.0.113.2:8000/ || true)"
	[ "$(plain "x.api.$DOMAIN" /)" = 200 ]
	[ "$(plain "y.x.api.$DOMAIN" /)" = 200 ]
	[ "$(plain "api.$DOMAIN" /)" = 404 ]
	[ "$(plain "elsewhere.$DOMAIN" /)" = 404 ]
	visit "https://app.$DOMAIN/?[1-400]" >"$T/pages"
	[ "$(grep -c 'page of a' "$T/pages")" -eq 300 ]
	[ "$(grep -c 'page of b' "$T/pages")" -eq 100 ]
}

@test "targets at a unix socket and over verified TLS" {
	import <<-END
		resource=sock listen=https host=sock.$DOMAIN
		target=sock-1 resource=sock address=unix:$T/web.sock
		policy=sock-all effect=allow from=any to=resource:sock
		resource=secure listen=https host=secure.$DOMAIN
		target=secure-1 resource=secure address=127.0.0.1:8443 proto=https tls_name=secure.internal ca_file=secure-ca.crt
		policy=secure-all effect=allow from=any to=resource:secure
	END
	wait_for says "sock.$DOMAIN/" "page of a"
	wait_for says "secure.$DOMAIN/" "over tls"
	# A certificate that does not fit is no target.
	api_is 200 PUT /targets/secure-1 '{"tls_name":"other.internal"}'
	wait_for code_is "secure.$DOMAIN/" 502
	run on gateway rn-proxy log --name gateway
	[[ $output == *"resource=secure"*"status=502"*"why="* ]]
}

@test "health checks take a target out and bring it back" {
	import <<-END
		resource=checked listen=https host=checked.$DOMAIN
		target=checked-a resource=checked address=127.0.0.1:8081 check=/ check_s=1 rise=1 fall=1
		target=checked-b resource=checked address=127.0.0.1:8082 check=/ check_s=1 rise=1 fall=1
		policy=checked-all effect=allow from=any to=resource:checked
	END
	health() { on gateway rn-proxy show targets --name gateway | grep -q "health=checked-b .*state=$1"; }
	both() { [ "$(visit "https://checked.$DOMAIN/?[1-4]" | sort -u | wc -l)" -eq 2 ]; }
	wait_for health up
	wait_for both
	stop web-b
	wait_for health down
	[ "$(visit "https://checked.$DOMAIN/?[1-20]" | sort -u)" = "page of a" ]
	begin web-b gateway busybox httpd -f -p 127.0.0.1:8082 -h "$T/www-b"
	wait_for health up
	wait_for both
}

@test "a WireGuard site: its targets are reached by tunnel addresses" {
	# The site's machine is an ordinary member of the tunnel, with a device of its own.
	local net address
	net=$(basename "$(dirname "$T"/client2/state/*/node.rn)")
	begin_ready wg2 client2 rn-wg up "$net" -f "$T/client2/state/$net/bundle.rn" --netns host --foreground
	address=$(sed -n 's/^interface=.* address=\([0-9.]*\).*/\1/p' "$T/client2/state/$net/bundle.rn")
	mkdir "$T/www-far"
	echo "page of the far site" >"$T/www-far/index.html"
	begin far client2 busybox httpd -f -p "$address:80" -h "$T/www-far"
	begin far-tcp client2 socat "TCP-LISTEN:7000,bind=$address,fork,reuseaddr" EXEC:cat
	import <<-END
		site=factory name=Factory subnet=10.77.0.0/16 connection=wireguard
		resource=far site=factory listen=https host=far.$DOMAIN
		target=far-1 resource=far address=$address:80
		policy=far-all effect=allow from=any to=resource:far
		listen=far-tcp address=0.0.0.0:7000 proto=tcp
		resource=far-echo site=factory listen=far-tcp
		target=far-echo-1 resource=far-echo address=$address:7000
		policy=far-echo effect=allow from=cidr:203.0.113.10/32 to=resource:far-echo
	END
	on gateway rn-console export gw1 | grep -q "^target=far-1 .* via=gateway"
	wait_for says "far.$DOMAIN/" "page of the far site"
	run in_ns visitor bash -c 'echo through | socat -t 3 - TCP:203.0.113.2:7000'
	[ "$output" = through ]
	# Its policy lets in the visitor's address alone.
	run in_ns nat1 bash -c 'echo through | socat -t 3 - TCP:203.0.113.2:7000'
	[ -z "$output" ]
	# The site may not go while something is there.
	api_is 400 DELETE /sites/factory
	[[ $output == *"used by resource far"* ]]
	stop far
	wait_for code_is "far.$DOMAIN/" 502
	stop far-tcp
	stop wg2
}

@test "the same by REST: site, listener, resource, target, policy; a policy each" {
	api_is 201 POST /sites '{"name":"lab","connection":"local"}'
	api_is 201 POST /resources "{\"resource\":\"rest\",\"site\":\"lab\",\"listen\":[\"https\"],\"host\":[\"rest.$DOMAIN\",\"rest2.$DOMAIN\"]}"
	api_is 201 POST /targets '{"target":"rest-1","resource":"rest","address":"127.0.0.1:8081","weight":2}'
	# Nothing is allowed before a policy says so.
	wait_for code_is "rest.$DOMAIN/" 403
	api_is 201 POST /policies '{"policy":"rest-visitor","effect":"allow","from":["cidr:203.0.113.10/32"],"to":["resource:rest"],"action":["GET"]}'
	wait_for says "rest2.$DOMAIN/" "page of a"
	code_is "rest.$DOMAIN/" 403 -X DELETE
	[ "$(in_ns nat1 curl -sS -o /dev/null -w '%{http_code}' --cacert "$T/gateway/state/console/ca.crt" \
		--resolve "rest.$DOMAIN:443:203.0.113.2" "https://rest.$DOMAIN/")" = 403 ]
	api_is 200 PUT /targets/rest-1 '{"address":"127.0.0.1:8082"}'
	wait_for says "rest.$DOMAIN/" "page of b"
	api_is 201 POST /listeners '{"listen":"echo","address":"0.0.0.0:7001","proto":"udp"}'
	api_is 201 POST /resources '{"resource":"echo","listen":["echo"]}'
	api_is 201 POST /targets '{"target":"echo-1","resource":"echo","address":"127.0.0.1:7002"}'
	api_is 201 POST /policies '{"policy":"echo","effect":"allow","from":["any"],"to":["resource:echo"]}'
	begin echo gateway socat -T 30 UDP-RECVFROM:7002,bind=127.0.0.1,fork EXEC:cat
	answers() { [ "$(in_ns visitor bash -c 'echo udp | socat -t 1 - UDP:203.0.113.2:7001')" = udp ]; }
	wait_for answers
	# A listener that is in use stays: its gateway would refuse the rest.
	api_is 400 DELETE /listeners/echo
	[[ $output == *"used by resource echo"* ]]
	answers
	api_is 204 DELETE /resources/echo
	api_is 204 DELETE /listeners/echo
	gone() { ! answers; }
	wait_for gone
	says "rest.$DOMAIN/" "page of b"
	api_is 204 DELETE /policies/rest-visitor
	wait_for code_is "rest.$DOMAIN/" 403
	api_is 204 DELETE /resources/rest
	wait_for code_is "rest.$DOMAIN/" 404
	api_is 404 GET /targets/rest-1
}

@test "auth toggled: shown the way to log in, or told no" {
	api_is 201 POST /resources "{\"resource\":\"gate\",\"listen\":[\"https\"],\"host\":[\"gate.$DOMAIN\"],\"auth\":\"login\"}"
	api_is 201 POST /targets '{"target":"gate-1","resource":"gate","address":"127.0.0.1:8081"}'
	api_is 201 POST /policies '{"policy":"gate","effect":"allow","from":["user:owner"],"to":["resource:gate"]}'
	wait_for code_is "gate.$DOMAIN/" 403
	page() { visit "gate.$DOMAIN/" -H 'Accept: text/html'; }
	page | grep -q "$DOMAIN/login?return="
	api_is 200 PUT /resources/gate '{"auth":"none"}'
	plain_no() { run page && [[ $output == *"<"* && $output != *"/login?return="* ]]; }
	wait_for plain_no
	api_is 201 POST /policies '{"policy":"gate-open","effect":"allow","from":["any"],"to":["resource:gate"]}'
	wait_for says "gate.$DOMAIN/" "page of a"
}

@test "an import is whole or not at all" {
	run on gateway rn-console import <<-END
		resource=half listen=https host=half.$DOMAIN
		target=half-1 resource=half address=127.0.0.1:8081
		target=half-2 resource=nobody address=127.0.0.1:8081
	END
	[ "$status" -eq 78 ]
	[[ $output == *"half-2"*"nobody"* ]]
	api_is 404 GET /resources/half
	code_is "half.$DOMAIN/" 404
	# What no single line shows, the gateway's own check does: before anything is changed.
	run import <<-END
		resource=half listen=no-such host=half.$DOMAIN
	END
	[ "$status" -eq 65 ]
	[[ $output == *"gateway gw1 would refuse this"*"listen=no-such"* ]]
	api_is 400 POST /listeners '{"listen":"clash","address":"0.0.0.0:443","proto":"tcp"}'
	[[ $output == *"already that of listen=https"* ]]
	api_is 404 GET /listeners/clash
	api_is 422 POST /resources "{\"resource\":\"half\",\"listen\":[\"https\"],\"hosts\":[\"half.$DOMAIN\"]}"
	[[ $output == *"hosts"* ]]
	# Another's name.
	api_is 409 POST /resources "{\"resource\":\"thief\",\"listen\":[\"https\"],\"host\":[\"app.$DOMAIN\"]}"
}
