#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole path, on loopback: visitor → gateway's TLS → tunnel → rn-expose → a local web server. Time from
# `rn expose` to the first byte, requests a second and latency beside the same web server asked directly
# and behind nginx with TLS, resident memory of each process idle and after the load. Prints bench records.
# usage: bench/path.sh [SECONDS [CONNECTIONS [EXPOSES]]]
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/${BUILD:-build}/bin:$PATH
seconds=${1:-3} connections=${2:-20} exposes=${3:-7}
T=$(mktemp -d /tmp/rn-path.XXXXXX)
pids=()
at() { RN_RUN_DIR=$T/$1/run RN_STATE_DIR=$T/$1/state RN_CONSOLE_DIR=$T/$1/state/console "${@:2}"; }
at_exec() { exec env RN_RUN_DIR="$T/$1/run" RN_STATE_DIR="$T/$1/state" RN_CONSOLE_DIR="$T/$1/state/console" "${@:2}"; }
finish() {
	trap - EXIT
	local i m sock
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
	wait
	for m in laptop server; do
		for sock in "$T/$m"/run/wg-*.sock; do
			sock=${sock##*/wg-}
			at "$m" timeout 5 rn-wg down "${sock%.sock}" >/dev/null 2>&1 || true
		done
	done
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
ready() { # ready NAME MACHINE COMMAND…: in the background; returns when it serves
	mkfifo "$T/$1.ready"
	(at_exec "${@:2}" --ready-fd 7) >"$T/$1.log" 2>&1 7>"$T/$1.ready" &
	pids+=($!)
	[ "$(timeout 20 head -n 1 "$T/$1.ready")" = ready ] || { cat "$T/$1.log" >&2; exit 1; }
	rm "$T/$1.ready"
}
field() { grep -om1 "\b$2=[^ ]*" "$1" | cut -d= -f2-; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], v[1], v[NR] }'; }

web=$(port) https=$(port) nginx=$(port)
domain=gateway.localhost # every *.localhost name is this machine
mkdir -p "$T"/{server,laptop}/{run,state} "$T/www"
chmod 700 "$T"/{server,laptop}/{run,state}
head -c 1024 /dev/zero >"$T/www/1k"
at server rn-console init $domain --address 127.0.0.1 --https-port "$https" --http-port 0 \
	--wg-port "$(port)" --management-port "$(port)" >"$T/init"
common="daemon off; worker_processes 1; master_process off; error_log /dev/null; events { worker_connections 4096; }"
cat >"$T/web.conf" <<END
$common pid $T/web.pid;
http { access_log off; keepalive_requests 1000000000; server { listen 127.0.0.1:$web backlog=1024; root $T/www; } }
END
cat >"$T/nginx.conf" <<END
$common pid $T/nginx.pid;
http { access_log off; keepalive_requests 1000000000;
upstream b { server 127.0.0.1:$web; keepalive 1024; keepalive_requests 1000000000; }
server { listen 127.0.0.1:$nginx ssl backlog=1024;
ssl_certificate $T/server/state/gateway/tls.crt; ssl_certificate_key $T/server/state/gateway/tls.key;
location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
END
nginx -c "$T/web.conf" & pids+=($!)
nginx -c "$T/nginx.conf" & pids+=($!) nginx_pid=$!
start=$(now_ms)
ready node server rn-node run gateway
echo "bench=path what=gateway-start ms=$(($(now_ms) - start))"
start=$(now_ms)
at laptop rn join "$(grep -om1 'rn://[^ ]*' "$T/init")" --name laptop >/dev/null
echo "bench=path what=join ms=$(($(now_ms) - start))"

# From the command to the first byte of the page, the tunnel being down the first time alone.
get() { curl -sS -o /dev/null --cacert "$T/server/state/console/ca.crt" "$1"; }
first_byte() { # first_byte NAME: prints ms
	local start
	start=$(now_ms)
	ready "$1" laptop rn expose "localhost:$web" http --name web --public
	get "$(field "$T/$1.log" url)/1k"
	echo $(($(now_ms) - start)) >"$T/ms"
}
first_byte expose-cold
echo "bench=path what=expose-to-first-byte-cold ms=$(<"$T/ms")"
for i in $(seq "$exposes"); do
	kill "${pids[-1]}"
	wait "${pids[-1]}" 2>/dev/null || true
	unset 'pids[-1]'
	first_byte "expose-$i"
	cat "$T/ms"
done >"$T/times"
read -r mid low high < <(median <"$T/times")
echo "bench=path what=expose-to-first-byte n=$exposes median_ms=$mid min_ms=$low max_ms=$high"
url=$(field "$T/expose-$exposes.log" url)

ours() { # pid and name of each of our processes: by their control sockets and what was started here
	local m p
	for m in server laptop; do
		for p in $(at "$m" bash -c 'for s in "$RN_RUN_DIR"/*.sock; do printf "request=hello\n\n" | timeout 2 nc -NU "$s"; done' |
			grep -o ' pid=[0-9]*' | cut -d= -f2 | sort -u); do
			echo "$p $m"
		done
	done
}
resident() { # resident WHEN
	ours | while read -r p m; do
		awk -v w="$1" -v m="$m" '/^Name/ { n = $2 } /^VmRSS/ { r = $2 * 1024 } /^RssAnon/ { a = $2 * 1024 }
			END { printf "bench=path-memory when=%s program=%s machine=%s resident_bytes=%d anonymous_bytes=%d\n", w, n, m, r, a }' \
			"/proc/$p/status"
	done
}
resident idle
# wrk asks no resolver that knows *.localhost: by address, with the name in Host.
once() { # once TOOL URL [HOST]
	timeout $((seconds + 20)) wrk -t1 "-c$connections" "-d${seconds}s" --latency ${3:+-H "Host: $3"} "$2" |
		awk -v tool="$1" -v c="$connections" '/Requests\/sec/ { rps = $2 } $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 }
			/Non-2xx/ { bad = $NF } /Socket errors/ { bad += $4 + $6 + $8 + $10 }
			END { printf "bench=path-http tool=%s connections=%d per_s=%d p50=%s p99=%s failed=%d\n", tool, c, rps, p50, p99, bad }'
}
get "$url/1k"
for _ in 1 2 3; do
	once direct "http://127.0.0.1:$web/1k"
	once nginx-tls "https://127.0.0.1:$nginx/1k"
	once path "https://127.0.0.1:$https/1k" "${url#https://}"
done
resident loaded
awk '/^VmRSS/ { printf "bench=path-memory when=loaded program=nginx machine=- resident_bytes=%d\n", $2 * 1024 }' "/proc/$nginx_pid/status"
