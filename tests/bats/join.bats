#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Joining with the real console, which is served over TLS by nginx: invitations good, used, expired, for
# another console, behind a wrong certificate.

load helper

setup_file() {
	export F PORT DOMAIN=gateway.localhost
	F=$(mktemp -d /tmp/rnj.XXXXXX)
	PORT=$(free_port)
	export CONSOLE=$F/console
	RN_STATE_DIR=$F/server RN_CONSOLE_DIR=$CONSOLE RN_RUN_DIR=$F \
		rn-console init $DOMAIN --address 127.0.0.1 --https-port "$PORT" --http-port 0 >"$F/init.txt"
	# The same machine under a certificate that the console's CA has not signed.
	export BAD_PORT
	BAD_PORT=$(free_port)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$DOMAIN" \
		-addext "subjectAltName=DNS:$DOMAIN" -keyout "$F/bad.key" -out "$F/bad.crt" 2>/dev/null
	nginx_conf >"$F/nginx.conf"
	mkdir "$F/nginx"
	fcgiwrap -s "unix:$F/fcgi.sock" >"$F/fcgi.log" 2>&1 3>&- &
	echo $! >"$F/pids"
	nginx -p "$F/nginx" -c "$F/nginx.conf" -e "$F/nginx/error.log" >"$F/nginx.log" 2>&1 3>&- &
	echo $! >>"$F/pids"
	wait_for curl -fsS --cacert "$CONSOLE/ca.crt" -o "$F/status" "https://$DOMAIN:$PORT/api/v1/status"
}
teardown_file() {
	local pid
	while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$F/pids"
	while read -r pid; do wait_gone "$pid"; done <"$F/pids"
	rm -rf "$F"
}
nginx_conf() {
	cat <<-END
		daemon off; master_process off; pid $F/nginx/pid; error_log $F/nginx/error.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $F/nginx/body; proxy_temp_path $F/nginx/proxy;
			fastcgi_temp_path $F/nginx/fastcgi; uwsgi_temp_path $F/nginx/uwsgi; scgi_temp_path $F/nginx/scgi;
			fastcgi_param SCRIPT_FILENAME $BIN/rn-console.cgi;
			fastcgi_param RN_CONSOLE_DIR $CONSOLE;
			fastcgi_param REQUEST_METHOD \$request_method;
			fastcgi_param REQUEST_URI \$request_uri;
			fastcgi_param QUERY_STRING \$query_string;
			fastcgi_param CONTENT_TYPE \$content_type;
			fastcgi_param CONTENT_LENGTH \$content_length;
			fastcgi_param REMOTE_ADDR \$remote_addr;
			fastcgi_param HTTPS on;
			server {
				listen 127.0.0.1:$PORT ssl;
				ssl_certificate $F/server/gateway/tls.crt; ssl_certificate_key $F/server/gateway/tls.key;
				location / { fastcgi_pass unix:$F/fcgi.sock; }
			}
			server {
				listen 127.0.0.1:$BAD_PORT ssl;
				ssl_certificate $F/bad.crt; ssl_certificate_key $F/bad.key;
				location / { fastcgi_pass unix:$F/fcgi.sock; }
			}
		}
	END
}

setup() {
	rn_setup
	cd "$T"
}
teardown() { rn_teardown; }

console() { RN_CONSOLE_DIR=$CONSOLE RN_STATE_DIR=$F/server RN_RUN_DIR=$F rn-console "$@"; }
invite() { console invite "$@" | grep -om1 'rn://[^ ]*'; }
nothing_left() { [ -z "$(ls -A "$RN_STATE_DIR")" ]; }

@test "a client joins: keys are its own, the bundle is here" {
	run_exit 0 rn-node join "$(invite)" --name laptop
	has "role=client" "url=https://$DOMAIN:$PORT"
	dir=$(dirname "$RN_STATE_DIR"/*/node.rn)
	[ "$(stat -c %a "$dir" "$dir"/wg.key "$dir"/sign.key | tr '\n' ' ')" = "700 600 600 " ]
	[ ! -e "$dir/tls.key" ]
	cmp "$CONSOLE/sign.pub" "$dir/console.pub"
	minisign -Vm "$dir/bundle.rn" -p "$dir/console.pub"
	grep -q "^interface=$(basename "$dir") " "$dir/bundle.rn"
	# The console knows the public key, and the private one nowhere.
	grep -qF "peer=$(rn-wg pubkey <"$dir/wg.key") " "$CONSOLE"/pub/gw1.rn
	run ! grep -rqF "$(cat "$dir/wg.key")" "$F"
	rn-wg check "$(basename "$dir")" -f "$dir/bundle.rn"
}

@test "an invitation serves once" {
	invite=$(invite)
	rn-node join "$invite"
	export RN_STATE_DIR=$T/second
	mkdir "$T/second"
	run_exit 77 rn-node join "$invite"
	has "not valid"
	nothing_left
}

@test "an invitation expires" {
	invite=$(invite)
	sqlite3 "$CONSOLE/console.db" "UPDATE invitations SET expires_at = 1 WHERE used_at IS NULL"
	run_exit 77 rn-node join "$invite"
	has "not valid"
	nothing_left
}

@test "the wrong console is not told the token" {
	invite=$(invite)
	right=$(sed 's/.*\.\([^.@]*\)@.*/\1/' <<<"$invite")
	wrong=$(head -c 32 /dev/urandom | base64 | tr +/ -_ | tr -d =)
	run_exit 77 rn-node join "${invite/$right/$wrong}"
	has "not the console that made this invitation"
	nothing_left
	run_exit 0 rn-node join "$invite"
}

@test "nor is it told to one with a wrong certificate" {
	invite=$(invite)
	run_exit 77 rn-node join "${invite/:$PORT/:$BAD_PORT}"
	has "certificate"
	nothing_left
	run_exit 0 rn-node join "$invite"
}

@test "a second join at the same console is refused before the invitation is used" {
	rn-node join "$(invite)"
	invite=$(invite)
	run_exit 73 rn-node join "$invite"
	has "already"
	rn-node leave
	run_exit 0 rn-node join "$invite"
}

@test "pull: news are applied, no news are none, an older bundle is refused" {
	rn-node join "$(invite)" --name puller
	run_exit 0 rn-node pull
	has "changes=0"
	first=$(rn-node show -o serial | head -n 1)
	node=$(rn-node show -o node | head -n 1)
	dir=$(dirname "$RN_STATE_DIR"/*/node.rn)
	console gateway set gw1 public_ip=127.0.0.7
	run_exit 0 rn-node pull
	has "serial=$((first + 1))"
	grep -q "endpoint=127.0.0.7:" "$dir/bundle.rn"
	# Somebody puts the one before back, with its good signature.
	cp "$dir/bundle.rn.prev" "$CONSOLE/pub/$node.rn"
	cp "$dir/bundle.rn.prev.minisig" "$CONSOLE/pub/$node.rn.minisig"
	run_exit 1 rn-node pull
	has "serial $first is not above $((first + 1))"
	grep -q "endpoint=127.0.0.7:" "$dir/bundle.rn"
}

@test "run asks the console by itself" {
	rn-node join "$(invite)" --name runner
	net=$(rn-node show -o network | head -n 1)
	start_ready agent rn-node run --interval 1
	wait_for bash -c 'rn-node show | grep -q pulled_at='
	console gateway set gw1 public_ip=127.0.0.8
	wait_for bash -c "rn-wg show $net | grep -q endpoint=127.0.0.8:"
	kill "$(tail -n 1 "$T/pids")"
	wait_gone "$(tail -n 1 "$T/pids")"
}

@test "a gateway joins: its certificate is for its own key, its private keys never left" {
	run_exit 0 rn-node join "$(invite --gateway)" --name edge2 --public-ip 192.0.2.7
	has "role=gateway"
	dir=$(dirname "$RN_STATE_DIR"/*/node.rn)
	[ "$(stat -c %a "$dir"/tls.key "$dir"/session.key | tr '\n' ' ')" = "600 600 " ]
	openssl verify -CAfile "$dir/ca.crt" "$dir/tls.crt"
	[ "$(openssl x509 -in "$dir/tls.crt" -noout -pubkey)" = "$(openssl pkey -in "$dir/tls.key" -pubout)" ]
	openssl x509 -in "$dir/tls.crt" -noout -checkhost "x.edge2.$DOMAIN" | grep -q 'does match'
}
