#!/bin/bash
# SPDX-License-Identifier: MIT
# rn-proxy beside nginx and HAProxy in one run, interleaved: one worker of each on the first core, load
# and backend on the second. All three write access records of every request to a file (LOG=off: nginx and
# HAProxy none; ours always makes them, for "rn-proxy log"). Prints bench records: one a round, then the
# median of each tool with its ratio to the better of the other two.
#   usage: bench/proxy.sh [CASE…]   (without: all; SHORT=1: one round of a second each)
#   environment: ROUNDS (5), SECONDS_EACH (2), LOG (on), PROXY (rn-proxy: another build to compare)
# shellcheck disable=SC2154 # ports are read into names by brace expansion
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/${BUILD:-build}
PATH=$build/bin:$PATH
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-2} log=${LOG:-on}
[ -z "${SHORT:-}" ] || rounds=1 seconds=1
all="memory http-1k-50 http-1k-500 http-1m-50 tls-1k-50 tls-1m-50 connect-50 handshake-50 relay-1 udp-1 udp-100"
cases=${*:-$all}
T=$(mktemp -d /tmp/rn-bench.XXXXXX)
export RN_RUN_DIR=$T/run LC_ALL=C
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$T"' EXIT

ports() { python3 -c 'import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])' "$1"; }
read -r backend iperf echo {nginx,haproxy,ours}_{http,tls,tcp} <<<"$(ports 12)"

# ---- configs ---------------------------------------------------------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$T/tls.key" -out "$T/tls.crt" 2>/dev/null
chmod 600 "$T/tls.key"
cat "$T/tls.crt" "$T/tls.key" >"$T/tls.pem"

nginx_log=off haproxy_log=
if [ "$log" = on ]; then
	nginx_log="$T/nginx.log combined buffer=64k flush=1s"
	haproxy_log=$'log stdout format raw local0\noption httplog'
fi
stream=/usr/lib/nginx/modules/ngx_stream_module.so
cat >"$T/nginx.conf" <<END
$([ ! -e $stream ] || echo "load_module $stream;")
daemon off; worker_processes 1; master_process off; error_log $T/nginx.err; pid $T/nginx.pid;
worker_rlimit_nofile 20000; events { worker_connections 19000; }
http {
	access_log $nginx_log; keepalive_requests 1000000000; server_tokens off;
	upstream b { server 127.0.0.1:$backend; keepalive 1024; keepalive_requests 1000000000; }
	server {
		listen 127.0.0.1:$nginx_http backlog=4096; listen 127.0.0.1:$nginx_tls ssl backlog=4096;
		ssl_certificate $T/tls.crt; ssl_certificate_key $T/tls.key; ssl_protocols TLSv1.3;
		location / {
			proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header X-Forwarded-For \$remote_addr;
			proxy_max_temp_file_size 0;
		}
	}
}
$([ ! -e $stream ] || echo "stream { server { listen 127.0.0.1:$nginx_tcp backlog=4096; proxy_pass 127.0.0.1:$iperf; proxy_buffer_size 64k; }
	server { listen 127.0.0.1:$nginx_tcp udp; proxy_pass 127.0.0.1:$echo; } }")
END
cat >"$T/haproxy.cfg" <<END
global
	maxconn 9550
	maxpipes 200
	nbthread 1
	ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	$haproxy_log
frontend web
	mode http
	bind 127.0.0.1:$haproxy_http backlog 4096
	bind 127.0.0.1:$haproxy_tls backlog 4096 ssl crt $T/tls.pem
	option forwardfor
	default_backend b
backend b
	mode http
	http-reuse always
	server b1 127.0.0.1:$backend pool-max-conn 1024
listen tcp
	mode tcp
	no log
	option splice-auto
	bind 127.0.0.1:$haproxy_tcp
	server i1 127.0.0.1:$iperf
END
cat >"$T/site.rn" <<END
listen=web address=127.0.0.1:$ours_http proto=http
listen=webs address=127.0.0.1:$ours_tls proto=https
listen=tcp address=127.0.0.1:$ours_tcp proto=tcp
certificate=c cert_file=$T/tls.crt key_file=$T/tls.key
listen=udp address=127.0.0.1:$ours_tcp proto=udp
resource=app listen=web
resource=apps listen=webs
resource=relay listen=tcp
resource=flows listen=udp
target=t resource=app address=127.0.0.1:$backend
target=ts resource=apps address=127.0.0.1:$backend
target=tt resource=relay address=127.0.0.1:$iperf
target=tu resource=flows address=127.0.0.1:$echo
policy=p effect=allow from=any to=resource:app,resource:apps,resource:relay,resource:flows
END

# ---- starting --------------------------------------------------------------------------------------

ulimit -n "$(ulimit -Hn)"
taskset -c 1 "$build/bench/tools/http_backend" "$backend" & pids+=($!)
taskset -c 1 iperf3 -s -p "$iperf" >/dev/null 2>&1 & pids+=($!)
taskset -c 0 nginx -c "$T/nginx.conf" & nginx_pid=$!
pids+=("$nginx_pid")
taskset -c 0 haproxy -db -f "$T/haproxy.cfg" >"$T/haproxy.log" 2>&1 & haproxy_pid=$!
pids+=("$haproxy_pid")
[ "$log" = on ] && ours_log=(--access-log "$T/ours.log") || ours_log=()
taskset -c 0 "${PROXY:-rn-proxy}" -f "$T/site.rn" --workers 1 "${ours_log[@]}" 2>"$T/ours.err" & ours_pid=$!
pids+=("$ours_pid")
for p in $backend {$nginx_http,$haproxy_http,$ours_http}; do
	timeout 10 bash -c "until curl -s -o /dev/null http://127.0.0.1:$p/1k; do sleep 0.05; done" || {
		echo "proxy.sh: nobody answers on port $p" >&2
		cat "$T"/*.err "$T/haproxy.log" >&2
		exit 70
	}
done

# ---- measuring -------------------------------------------------------------------------------------

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
resident() { awk '/VmRSS/ { print $2 * 1024 }' "/proc/$1/status"; }

# Prints a record from the variables of the caller and what is given as KEY=VALUE…
record() { echo "bench=proxy case=$case tool=$tool round=$round $* resident_bytes=$(resident "$pid")"; }

wrk_case() { # wrk_case URL CONNECTIONS [WRK OPTION…]
	local before out url=$1 connections=$2
	shift 2
	before=$(ticks "$pid")
	out=$(taskset -c 1 wrk -t1 "-c$connections" "-d${seconds}s" --latency "$@" "$url")
	record "$(awk -v ticks=$(($(ticks "$pid") - before)) '
		function us(t) { return t ~ /us$/ ? t + 0 : t ~ /ms$/ ? t * 1000 : t * 1000000 }
		/requests in/ { n = $1 } /Requests\/sec/ { rps = $2 } $1 == "99%" { p99 = us($2) }
		/Non-2xx|Socket errors/ { errors = " errors=yes" }
		END { printf "per_s=%d cpu_ns=%d p99_us=%d%s", rps, n ? ticks * 1e7 / n : 0, p99, errors }' <<<"$out")"
}

relay_case() { # CPU for each GB that passes, and how many of them a second
	local before out
	before=$(ticks "$pid")
	out=$(taskset -c 1 iperf3 -c 127.0.0.1 -p "$1" -t "$seconds" -J)
	record "$(jq -r --argjson ticks $(($(ticks "$pid") - before)) \
		'.end.sum_received | "per_s=\(.bits_per_second / 8e9 * 1000 | round) cpu_ns=\($ticks * 1e7 / (.bytes / 1e9) | round)"' <<<"$out")"
}

udp_case() { # round trips of datagrams: 8 on their way in each flow
	local before out
	before=$(ticks "$pid")
	out=$(taskset -c 1 "$build/bench/tools/udp_ping" "$echo" "$1" "$2" 8 "${seconds}000")
	record "$(awk -F '[= ]' -v ticks=$(($(ticks "$pid") - before)) -v s="$seconds" \
		'{ printf "per_s=%d cpu_ns=%d lost=%d", $2 / s, $2 ? ticks * 1e7 / $2 : 0, $4 }' <<<"$out")"
}

memory_case() { # resident: before, with 9500 idle connections that were served once each
	local before held
	before=$(resident "$pid")
	coproc HELD { exec taskset -c 1 "$build/bench/tools/idle_conns" "$1" 9500 /1k; }
	held=$HELD_PID
	pids+=("$held")
	read -r -t 60 _ <&"${HELD[0]}"
	sleep 0.5
	record "per_connection_bytes=$((($(resident "$pid") - before) / 9500)) idle_bytes=$before"
	kill "$held"
	wait "$held" 2>/dev/null || true
}

once() {
	local -n http=${tool}_http tls=${tool}_tls tcp=${tool}_tcp pid=${tool}_pid
	local url=http://127.0.0.1:$http urls=https://127.0.0.1:$tls c=${case##*-}
	case $case in
	http-1k-*) wrk_case "$url/1k" "$c" ;;
	http-1m-*) wrk_case "$url/1m" "$c" ;;
	tls-1k-*) wrk_case "$urls/1k" "$c" ;;
	tls-1m-*) wrk_case "$urls/1m" "$c" ;;
	connect-*) wrk_case "$url/1k" "$c" -H 'Connection: close' ;;
	handshake-*) wrk_case "$urls/1k" "$c" -H 'Connection: close' ;;
	relay-*) [ "$tool-$(test -e $stream && echo y)" = nginx- ] || relay_case "$tcp" ;;
	udp-*) [ "$tool-$(test -e $stream && echo y)" != nginx- ] && [ "$tool" != haproxy ] && udp_case "$tcp" "$c" || : ;;
	memory) [ "$round" != 1 ] || memory_case "$http" ;; # the first case: nobody has used memory yet
	*) echo "proxy.sh: no case $case: $all" >&2 && exit 64 ;;
	esac
}

medians() {
	awk '{
		split("", v)
		for (i = 1; i <= NF; i++) { split($i, kv, "="); v[kv[1]] = kv[2] }
		if ($0 !~ / cpu_ns=/) next
		k = v["case"] " " v["tool"]; n[k]++
		if (!(v["case"] in seen)) { seen[v["case"]]; order[++cases] = v["case"] }
		rate[k, n[k]] = v["per_s"]; cpu[k, n[k]] = v["cpu_ns"]; p99[k, n[k]] = v["p99_us"]; mem[k, n[k]] = v["resident_bytes"]
	}
	function median(a, k, m,   i, j, t, s) {
		for (i = 1; i <= m; i++) s[i] = a[k, i] + 0
		for (i = 2; i <= m; i++) for (j = i; j > 1 && s[j] < s[j-1]; j--) { t = s[j]; s[j] = s[j-1]; s[j-1] = t }
		return m % 2 ? s[(m + 1) / 2] : (s[m / 2] + s[m / 2 + 1]) / 2
	}
	END {
		split("nginx haproxy ours", tools)
		for (c = 1; c <= cases; c++) {
			best_r = best_c = 0
			for (t = 1; t <= 3; t++) {
				k = order[c] " " tools[t]; if (!n[k]) continue
				r = median(rate, k, n[k]); u = median(cpu, k, n[k])
				printf "bench=proxy-median case=%s tool=%s rounds=%d per_s=%d cpu_ns=%d p99_us=%d resident_bytes=%d", order[c], tools[t], n[k], r, u, median(p99, k, n[k]), median(mem, k, n[k])
				if (t < 3) { if (r > best_r) best_r = r; if (!best_c || u < best_c) best_c = u }
				else if (best_r && u) printf " rate_ratio=%.2f cpu_ratio=%.2f", r / best_r, u / best_c
				print ""
			}
		}
	}' "$T/rounds"
}

echo "bench=proxy-run log=$log rounds=$rounds seconds=$seconds congestion=$(sysctl -n net.ipv4.tcp_congestion_control)" \
	"load=$(cut -d' ' -f1 /proc/loadavg)"
for case in $cases; do
	for ((round = 1; round <= rounds; round++)); do
		for tool in nginx haproxy ours; do once | tee -a "$T/rounds"; done
	done
done
medians
