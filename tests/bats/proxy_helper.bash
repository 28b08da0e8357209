# SPDX-License-Identifier: MIT
# For the tests of rn-proxy: backends and a proxy of the test's own.

load helper

# backend NAME [PORT]: starts one; its port in $PORT.
backend() {
	mkfifo "$T/$1.port"
	python3 "$BATS_TEST_DIRNAME/proxy_backend.py" "$@" >"$T/$1.port" 2>"$T/$1.err" 3>&- &
	echo $! >>"$T/pids"
	BACKEND_PID=$!
	PORT=$(timeout 20 head -n 1 "$T/$1.port")
	rm -f "$T/$1.port"
	[ -n "$PORT" ]
}

# proxy [OPTIONS]: starts it with $T/site.rn; the first HTTP listener's port is $P.
proxy() {
	start_ready proxy rn-proxy -f "$T/site.rn" --workers 2 --access-log "$T/access" "$@"
	PROXY_PID=$(tail -n 1 "$T/pids")
	P=$(port_of web)
}

# port_of LISTENER
port_of() {
	rn-proxy show listeners | sed -n "s/^listener=$1 address=[^ ]*:\([0-9]*\) .*/\1/p"
}

# get HOST PATH [CURL OPTIONS]: through the listener web.
get() {
	local host=$1 path=$2
	shift 2
	curl -sS --max-time 10 -H "Host: $host" "$@" "http://127.0.0.1:$P$path"
}

# raw TEXT: bytes with the escapes of printf %b, to the listener web; prints what comes back.
raw() {
	printf %b "$1" | timeout 10 nc -N 127.0.0.1 "$P"
}
