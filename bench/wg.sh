#!/bin/bash
# SPDX-License-Identifier: MIT
# rn-wg's user engine and wireguard-go between two network namespaces, turn by turn: TCP, UDP, round
# trip, memory. Both ends of the tunnel, the sender and the receiver share this machine's processors.
#
#   WG_ROUNDS=3   turns of each engine          WG_MS=1000    time of one TCP measurement
#   WG_SHORT=1    one short turn, for a look    WG_CC=cubic   congestion control
#   WG_ENGINES="rn-wg wireguard-go"             WG_WHAT="tcp udp ping peers flood"
#   WG_PEERS=10000                              peers of one device
#   WIREGUARD_GO=wireguard-go                   the program, if it is another than the system's
#
# Needs root: it makes two namespaces and removes them. bench/README.md says how to read the records.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 71
BUILD=${BUILD:-build}
PATH=$PWD/$BUILD/bin:$PATH
TOOLS=$BUILD/bench/tools
if [ -n "${WG_SHORT:-}" ]; then
	: "${WG_ROUNDS:=1}" "${WG_MS:=700}"
fi
ROUNDS=${WG_ROUNDS:-3} MS=${WG_MS:-1000} CC=${WG_CC:-$(sysctl -n net.ipv4.tcp_congestion_control)}
ENGINES=${WG_ENGINES:-rn-wg wireguard-go} WHAT=${WG_WHAT:-tcp udp ping peers flood}
WIREGUARD_GO=${WIREGUARD_GO:-wireguard-go}
if [ "$(id -u)" -ne 0 ]; then
	echo "# wg.sh: network namespaces need root"
	exit 0
fi

LAB=rnbench$$ T=$(mktemp -d) PIDS=()
mkdir -p "$T/run/a" "$T/run/b"
cleanup() {
	down
	ip netns del "$LAB-a"
	ip netns del "$LAB-b"
	rm -rf "$T"
} 2>/dev/null
trap cleanup EXIT

lab() { # two namespaces with one link
	local n
	ip netns add "$LAB-a" && ip netns add "$LAB-b" &&
		ip link add ab netns "$LAB-a" type veth peer name ab netns "$LAB-b" || exit 71
	for n in a b; do
		ip -n "$LAB-$n" link set lo up
		ip -n "$LAB-$n" link set ab up
	done
	ip -n "$LAB-a" addr add 192.0.2.1/24 dev ab
	ip -n "$LAB-b" addr add 192.0.2.2/24 dev ab
	# Many addresses for many peers, and for a flood.
	ip -n "$LAB-a" route add local 198.18.0.0/15 dev lo
	ip -n "$LAB-b" route add 198.18.0.0/15 via 192.0.2.1
	(umask 077 && for n in a b; do wg genkey >"$T/$n.key"; done)
	PUB_a=$(wg pubkey <"$T/a.key") PUB_b=$(wg pubkey <"$T/b.key")
}

poll() { # poll COMMAND...: until it succeeds, 5 s at most
	local i
	for ((i = 0; i < 250; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.02
	done
	echo "# wg.sh: gave up waiting for: $*"
	return 1
}

rn-wg_up() { # rn-wg_up END OTHER NUMBER OTHER_NUMBER OTHER_PUB
	cat >"$T/$1.rn" <<-RN
		interface=rb$1 listen_port=51820 address=10.63.0.$3/24 private_key_file=$1.key
		peer=$5 interface=rb$1 allowed_ips=10.63.0.$4/32 endpoint=192.0.2.$4:51820
	RN
	RN_RUN_DIR=$T/run/$1 ip netns exec "$LAB-$1" rn-wg up "rb$1" -f "$T/$1.rn" --netns host \
		--engine user --foreground &
	PIDS+=($!)
	poll ip -n "$LAB-$1" route get "10.63.0.$4" oif "rb$1"
}

wireguard-go_up() {
	ip netns exec "$LAB-$1" "$WIREGUARD_GO" -f "rb$1" &
	PIDS+=($!)
	poll wg show "rb$1" &&
		wg set "rb$1" listen-port 51820 private-key "$T/$1.key" \
			peer "$5" allowed-ips "10.63.0.$4/32" endpoint "192.0.2.$4:51820"
	ip -n "$LAB-$1" addr add "10.63.0.$3/24" dev "rb$1"
	ip -n "$LAB-$1" link set "rb$1" mtu 1420 up
}

up() { # up ENGINE: both ends, and a first packet through them
	"$1_up" a b 1 2 "$PUB_b" 2>"$T/a.log" && "$1_up" b a 2 1 "$PUB_a" 2>"$T/b.log" || return
	poll ip netns exec "$LAB-a" ping -c 1 -W 1 10.63.0.2
}

down() {
	[ ${#PIDS[@]} -eq 0 ] || kill "${PIDS[@]}"
	wait "${PIDS[@]}"
	PIDS=()
} 2>/dev/null

resident() { # kB of one end, on average
	awk '/^VmRSS/ { s += $2 } END { printf "%.0f", s / (ARGC - 1) }' "${PIDS[@]/*//proc/&/status}"
}

record() { echo "bench=wg engine=$ENGINE what=$1 round=$ROUND $2" | tee -a "$T/records"; }
load() { timeout 60 "$TOOLS/load_$1" "$LAB-a" "$LAB-b" "$TO" "${@:2}"; }

measure() {
	record idle "resident_kb=$(resident)"
	case $WHAT in *ping*) record ping_64 "$(load ping "$MS" 36)" ;; esac
	case $WHAT in *tcp*)
		record tcp_1 "$(load tcp "$MS" 1 0 "$CC" "${PIDS[@]}")"
		record tcp_4 "$(load tcp "$MS" 4 0 "$CC" "${PIDS[@]}")"
		record tcp_both "$(load tcp "$MS" 1 1 "$CC" "${PIDS[@]}")"
		;;
	esac
	case $WHAT in *udp*)
		record udp_1280 "$(load udp $((MS / 6)) 1280 500000 "${PIDS[@]}")"
		record udp_64 "$(load udp $((MS / 6)) 64 500000 "${PIDS[@]}")"
		;;
	esac
	record loaded "resident_kb=$(resident)"
}

# One device with many peers: all shake hands, then all send and are answered.
many() { # many COUNT
	"${ENGINE}_up" b a 2 1 "$PUB_a" 2>"$T/b.log" || return
	wg setconf rbb <(printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n' "$(cat "$T/b.key")"
		"$TOOLS/wg_peers" conf "$1")
	ip -n "$LAB-b" route replace 10.64.0.0/14 dev rbb
	record "peers_$1" "$(timeout 100 "$TOOLS/wg_peers" run "$LAB-a" "$LAB-b" "$1" "$MS" "$PUB_b" "${PIDS[0]}")"
	down
}

# What is left of an established peer's throughput under a flood of initiations: none; to a socket that is
# never read (the sender's and the link's own cost); to the device, with a wrong mac1; with a right one.
flood() { # flood PER_S
	local kind port key
	up "$ENGINE" || return
	ip netns exec "$LAB-b" socat -u UDP-RECV:51999 OPEN:/dev/null &
	SINK=$!
	kill -STOP $SINK # its buffer fills, then the kernel drops
	for kind in none elsewhere noise mac1; do
		port=51820 key=
		[ "$kind" != elsewhere ] || port=51999
		[ "$kind" != mac1 ] || key=$PUB_b
		[ "$kind" = none ] ||
			"$TOOLS/wg_flood" "$LAB-a" "$1" $((MS + 900)) $port ${key:+"$key"} >"$T/flood" &
		record "flood_$kind" "$(load tcp "$MS" 1 0 "$CC" "${PIDS[@]}")"
		wait $!
	done
	kill -KILL $SINK
	down
} 2>/dev/null

# The link by itself: what a round trip costs before any tunnel.
bare() {
	ENGINE=none TO=192.0.2.2
	case $WHAT in *ping*) record ping_64 "$(load ping "$MS" 36)" ;; esac
}

# Medians of all rounds, then ours by theirs. Added round trips have the bare link's taken off.
summary() {
	awk -v cc="$CC" '
	function median(list,   v, n, i, j, t) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	{
		for (i = 2; i <= NF; i++) { split($i, kv, "="); f[kv[1]] = kv[2] }
		for (i = 5; i <= NF; i++) {
			split($i, kv, "=")
			key = f["what"] " " kv[1]
			if (kv[1] ~ /^(count|lost|live|answered|cookies)$/) continue
			if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
			all[f["engine"] " " key] = all[f["engine"] " " key] " " kv[2]
		}
	}
	END {
		for (i = 1; i <= keys; i++) {
			split(order[i], k, " ")
			ours = median(all["rn-wg " order[i]]); theirs = median(all["wireguard-go " order[i]])
			if (all["rn-wg " order[i]] == "" || all["wireguard-go " order[i]] == "") continue
			bare = k[1] ~ /^ping/ && k[2] ~ /_us$/ ? median(all["none " order[i]]) : 0
			printf "bench=wg what=%s value=%s cc=%s rn-wg=%s wireguard-go=%s", k[1], k[2], cc, ours, theirs
			if (bare) printf " none=%s", bare
			if (theirs - bare > 0) printf " ratio=%.2f", (ours - bare) / (theirs - bare)
			print ""
		}
	}' "$T/records"
}

PEERS=${WG_PEERS:-10000}
[ -z "${WG_SHORT:-}" ] || PEERS=${WG_PEERS:-1000}

lab
echo "# $(nproc) processors, Linux $(uname -r | cut -d. -f1,2), $CC, $("$WIREGUARD_GO" --version | head -n 1)"
for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
	bare
	for ENGINE in $ENGINES; do
		TO=10.63.0.2
		if up "$ENGINE"; then
			measure
		else
			cat "$T/a.log" "$T/b.log" | sed 's/^/# /'
		fi
		down
		[ "$ROUND" -eq 1 ] || continue # the next two take long and vary less
		case $WHAT in *peers*) many "$PEERS" ;; esac
		case $WHAT in *flood*) flood 100000 ;; esac
	done
done
summary
