#!/bin/bash
# SPDX-License-Identifier: MIT
# rn-proxy and nginx, one worker each on one core, interleaved; load and backend on the other. Prints
# bench records. usage: bench/proxy.sh [SECONDS [CONNECTIONS]]
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/${BUILD:-build}/bin:$PATH
seconds=${1:-3} connections=${2:-50}
T=$(mktemp -d /tmp/rn-bench.XXXXXX)
export RN_RUN_DIR=$T/run
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$T"' EXIT
port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
backend=$(port) nginx=$(port) ours=$(port)
mkdir "$T/www"
head -c 1024 /dev/zero >"$T/www/1k"

common="daemon off; worker_processes 1; master_process off; error_log /dev/null; events { worker_connections 4096; }"
cat >"$T/backend.conf" <<END
$common pid $T/backend.pid;
http { access_log off; keepalive_requests 1000000000; server { listen 127.0.0.1:$backend backlog=1024; root $T/www; } }
END
cat >"$T/nginx.conf" <<END
$common pid $T/nginx.pid;
http { access_log off; keepalive_requests 1000000000;
upstream b { server 127.0.0.1:$backend; keepalive 1024; keepalive_requests 1000000000; }
server { listen 127.0.0.1:$nginx backlog=1024;
location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
END
cat >"$T/site.rn" <<END
listen=web address=127.0.0.1:$ours proto=http
resource=app listen=web
target=t resource=app address=127.0.0.1:$backend
policy=p effect=allow from=any to=resource:app
END
taskset -c 1 nginx -c "$T/backend.conf" & pids+=($!)
taskset -c 0 nginx -c "$T/nginx.conf" & nginx_pid=$! && pids+=($!)
taskset -c 0 rn-proxy -f "$T/site.rn" --workers 1 2>/dev/null & ours_pid=$! && pids+=($!)
for p in $backend $nginx $ours; do
	timeout 10 bash -c "until curl -s -o /dev/null http://127.0.0.1:$p/1k; do sleep 0.05; done"
done

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
resident() { awk '/VmRSS/ {print $2 * 1024}' "/proc/$1/status"; }
once() { # once NAME PID PORT
	local before out
	before=$(ticks "$2")
	out=$(taskset -c 1 wrk -t1 "-c$connections" "-d${seconds}s" --latency "http://127.0.0.1:$3/1k")
	awk -v name="$1" -v ticks=$(($(ticks "$2") - before)) -v mem="$(resident "$2")" -v c="$connections" '
		/requests in/ { n = $1 } /Requests\/sec/ { rps = $2 } $1 == "99%" { p99 = $2 }
		END { printf "bench=proxy-http tool=%s connections=%d per_s=%d cpu_ns=%d p99=%s resident_bytes=%d\n",
			name, c, rps, n ? ticks * 1e7 / n : 0, p99, mem }' <<<"$out"
}
for _ in 1 2 3; do
	once nginx "$nginx_pid" "$nginx"
	once rn-proxy "$ours_pid" "$ours"
done
