#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The demo as it is shown: as root, as an ordinary user, ended in the middle; it leaves nothing behind.

load helper

# The tree that an ordinary user may read, wherever this one lies.
setup() {
	rn_setup
	unset RN_RUN_DIR RN_STATE_DIR RN_CONSOLE_DIR DEMO_KEEP
	chmod 755 "$T"
	mkdir -p "$T/tree/scripts" "$T/tree/build" "$T/tmp" "$T/home"
	cp -r "$BIN" "$T/tree/build/bin"
	cp "$ROOT/scripts/demo" "$T/tree/scripts/"
	chmod 1777 "$T/tmp"
	export TMPDIR=$T/tmp BUILD=build RN_TEST_MARK=$T
}
teardown() { rn_teardown; }

# A user who owns nothing here, with the tun device as Debian has it (0666), in a mount namespace.
ordinary() {
	chown nobody "$T/home"
	HOME=$T/home exec unshare -m sh -c '
		mknod "$T/tun" c 10 200 && chmod 666 "$T/tun" && mount --bind "$T/tun" /dev/net/tun || exit 99
		exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' sh "$@"
}

# What was started with the mark in its environment is gone, but for the test's own shells.
none_left() {
	local p line
	for p in $(grep -lzs "^RN_TEST_MARK=$T$" /proc/[0-9]*/environ); do
		line=$(tr '\0' ' ' 2>/dev/null <"${p%/environ}/cmdline") || continue
		case $line in '' | *bats* | grep\ -lzs*) continue ;; esac
		echo "left: $line"
		return 1
	done
	[ -z "$(ls -A "$T/tmp")" ]
}

whole() { # whole WHO COMMAND…: the demo from the first line to the last
	local who=$1
	shift
	run timeout 60 "$@"
	[ "$status" -eq 0 ]
	[[ $output == *"Hello from behind NAT"* && $output == *"answers: over-udp"* ]]
	[[ $output == *"everything above ran on this machine, as $who."* ]]
	wait_for none_left
}

# ended_at PATTERN COMMAND…: TERM once the demo has printed PATTERN
ended_at() {
	local pattern=$1
	shift
	start demo "$@"
	local pid=$! rc=0
	wait_for grep -q "$pattern" "$T/demo.log"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" -eq 143 ]
	wait_for none_left
}

@test "make demo's script, as it stands" {
	[ "$(id -u)" -eq 0 ] || [ -w /dev/net/tun ] || skip "needs root or an openable /dev/net/tun"
	whole "$(id -un)" "$T/tree/scripts/demo"
}

@test "as an ordinary user, who owns nothing but a home" {
	need_root
	export -f ordinary
	whole nobody bash -c 'ordinary "$T/tree/scripts/demo"'
}

@test "ended by TERM at any step it leaves no process and no file" {
	[ "$(id -u)" -eq 0 ] || [ -w /dev/net/tun ] || skip "needs root or an openable /dev/net/tun"
	local at
	for at in '^.*1\. A machine' '^.*2\. A laptop' '^.*4\. One' '^.*6\. TCP' 'Done in'; do
		DEMO_KEEP=1 ended_at "$at" "$T/tree/scripts/demo"
	done
}

@test "and as an ordinary user too" {
	need_root
	export -f ordinary
	DEMO_KEEP=1 ended_at '4\. One' bash -c 'ordinary "$T/tree/scripts/demo"'
}
