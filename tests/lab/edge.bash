# SPDX-License-Identifier: MIT
# On top of lab.bash: a gateway with its console in "gateway", and two clients that joined it.
# Folders are $T/MACHINE; every command of a machine runs through `on MACHINE …`.

DOMAIN=gateway.example.com

# on MACHINE COMMAND…: in its namespace with its own folders.
on() {
	local m=$1
	shift
	in_ns "$m" env RN_RUN_DIR="$T/$m/run" RN_STATE_DIR="$T/$m/state" \
		RN_CONSOLE_DIR="$T/$m/state/console" "$@"
}

# The same for the background: takes the subshell's place, so that $! is the command itself.
on_exec() {
	local m=$1
	shift
	exec ip netns exec "$LAB-$m" env RN_RUN_DIR="$T/$m/run" RN_STATE_DIR="$T/$m/state" \
		RN_CONSOLE_DIR="$T/$m/state/console" "$@"
}

# begin NAME MACHINE COMMAND…: in the background; its pid in $T/NAME.pid, its output in $T/NAME.log.
begin() {
	local name=$1 m=$2
	shift 2
	on_exec "$m" "$@" >"$T/$name.log" 2>&1 3>&- &
	echo $! >"$T/$name.pid"
	echo $! >>"$T/pids"
}

# begin_ready: the same for what has --ready-fd; returns when it serves.
begin_ready() {
	local name=$1 m=$2 rc=0
	shift 2
	rm -f "$T/$name.ready"
	mkfifo "$T/$name.ready"
	on_exec "$m" "$@" --ready-fd 7 >"$T/$name.log" 2>&1 7>"$T/$name.ready" 3>&- &
	echo $! >"$T/$name.pid"
	echo $! >>"$T/pids"
	[ "$(timeout 20 head -n 1 "$T/$name.ready")" = ready ] || rc=1
	rm -f "$T/$name.ready"
	[ $rc = 0 ] || {
		echo "$name is not ready:" >&2
		cat "$T/$name.log" >&2
	}
	return $rc
}

# stop NAME [SIGNAL]: ends what begin started and waits for it.
stop() {
	local pid
	pid=$(<"$T/$1.pid")
	kill "-${2:-TERM}" "$pid"
	wait_gone "$pid"
}

# curl of a visitor, who trusts the console's CA and finds the names at the gateway.
visit() { # visit PATH-OR-URL [CURL-OPTIONS]
	local url=$1
	shift
	case $url in https://*) ;; *) url=https://$url ;; esac
	local host=${url#https://}
	host=${host%%[:/?]*}
	in_ns visitor curl -sS --max-time 10 --cacert "$T/gateway/state/console/ca.crt" \
		--resolve "$host:443:203.0.113.2" "$url" "$@"
}
status_of() { visit "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

edge_up() {
	rn_setup
	lab_up
	local m
	for m in gateway client1 client2 ${LAB_MORE:-}; do mkdir -p -m 700 "$T/$m" "$T/$m/run" "$T/$m/state"; done
	on gateway rn-console init $DOMAIN --address 203.0.113.2 >"$T/init.out"
	begin_ready node gateway rn-node run gateway
	local invite
	invite=$(grep -om1 'rn://[^ ]*' "$T/init.out")
	on client1 rn join "$invite" --name client1 >"$T/join1.out"
	on gateway rn-console invite >"$T/invite2.out"
	invite=$(grep -om1 'rn://[^ ]*' "$T/invite2.out")
	on client2 rn join "$invite" --name client2 >"$T/join2.out"
}

# Processes of a test's own that outlive their parent (tunnels) are ended through their own door.
edge_down() {
	local m sock
	end_started # first, since a live rn-expose starts its tunnel again
	for m in client1 client2 gateway ${LAB_MORE:-}; do
		for sock in "$T/$m"/run/wg-*.sock; do
			[ -S "$sock" ] || continue
			sock=${sock##*/wg-}
			on "$m" timeout 5 rn-wg down "${sock%.sock}" >/dev/null 2>&1 || true
		done
	done
	rn_teardown
	lab_down
}

# field FILE KEY: the first value of a key in records or printed lines.
field() { grep -om1 "\b$2=[^ ]*" "$1" | cut -d= -f2-; }
