# SPDX-License-Identifier: MIT
# Loaded by every bats file: the built programs first in PATH, folders of the test's own, and checks
# that name the exact exit code, so that a crash never passes as a refusal.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BIN=$ROOT/${BUILD:-build}/bin
export PATH=$BIN:$PATH LC_ALL=C.UTF-8
unset XDG_STATE_HOME XDG_RUNTIME_DIR NOTIFY_SOCKET
bats_require_minimum_version 1.5.0

# A folder for this test alone; short, since unix socket paths have 107 bytes.
rn_setup() {
	T=$(mktemp -d /tmp/rn.XXXXXX)
	export T RN_RUN_DIR=$T/run RN_STATE_DIR=$T/state RN_CONSOLE_DIR=$T/state/console
	mkdir -m 700 "$T/run" "$T/state"
	: >"$T/pids"
}

# Ends what the test started, by the pids it noted.
end_started() {
	local pid
	while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$T/pids"
	while read -r pid; do wait_gone "$pid" || kill -9 "$pid" 2>/dev/null || true; done <"$T/pids"
	: >"$T/pids"
}

# The same, then removes the test's folder.
rn_teardown() {
	[ -n "${T:-}" ] || return 0
	end_started
	rm -rf "$T"
}

# Runs a program in the background with its output in $T/NAME.log; its pid in $! and in the list.
start() { # start NAME COMMAND...
	local name=$1
	shift
	"$@" >"$T/$name.log" 2>&1 3>&- &
	echo $! >>"$T/pids"
}

# Like start, for daemons with --ready-fd: returns when the program says that it serves.
start_ready() { # start_ready NAME COMMAND...
	local name=$1
	shift
	mkfifo "$T/$name.ready"
	"$@" --ready-fd 7 >"$T/$name.log" 2>&1 7>"$T/$name.ready" 3>&- &
	echo $! >>"$T/pids"
	if [ "$(timeout 20 head -n 1 "$T/$name.ready")" != ready ]; then
		echo "$name is not ready:" >&2
		cat "$T/$name.log" >&2
		return 1
	fi
	rm -f "$T/$name.ready"
}

wait_gone() { # wait_gone PID: at most 10 s
	for _ in $(seq 200); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

# Polls until a command holds, at most 30 s; prints its last output when it never does.
wait_for() {
	local out
	for _ in $(seq 600); do
		out=$("$@" 2>&1) && return 0
		sleep 0.05
	done
	echo "never held: $*" >&2
	echo "$out" >&2
	return 1
}

# run_exit CODE COMMAND...: runs it ($output, $stderr, $lines) and demands the exact exit code.
run_exit() {
	local want=$1
	shift
	run --separate-stderr "$@"
	if [ "$status" -ne "$want" ]; then
		echo "exit $status, not $want: $*" >&2
		echo "stdout: $output" >&2
		echo "stderr: ${stderr:-}" >&2
		return 1
	fi
}

# has TEXT...: each stands in $output or $stderr.
has() {
	local text
	for text in "$@"; do
		case "$output
${stderr:-}" in *"$text"*) ;; *)
			echo "missing: $text" >&2
			echo "stdout: $output" >&2
			echo "stderr: ${stderr:-}" >&2
			return 1
			;;
		esac
	done
}

# A TCP port of loopback that is free now.
free_port() {
	python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'
}

# Skips, with the reason, a test that needs root for namespaces.
need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to make network namespaces"
}
