# SPDX-License-Identifier: MIT
# A small internet of network namespaces for tests, made as root and removed again:
#
#     visitor 203.0.113.10 --+
#     gateway 203.0.113.2  --+-- inet (bridge)
#     nat1    203.0.113.31 --+-- client1 192.168.71.2   behind NAT, nothing reaches in
#     nat2    203.0.113.32 --+-- client2 192.168.72.2   the same, another site
#
# LAB_MORE="NAME…" adds machines on the bridge, 203.0.113.41 and up.
#
# Every name starts with $LAB, which is this test's own. Nothing outside the namespaces is touched.

lab_ns() { echo "$LAB-$1"; }

# Runs a command inside: in_ns client1 curl …
in_ns() {
	local ns=$1
	shift
	ip netns exec "$LAB-$ns" "$@"
}

lab_link() { # lab_link NS ADDRESS/LEN: one machine on the internet bridge
	local ns=$1
	ip link add "p-$ns" netns "$LAB-inet" type veth peer name eth0 netns "$LAB-$ns"
	in_ns inet ip link set "p-$ns" master br0 up
	in_ns "$ns" ip addr add "$2" dev eth0
	in_ns "$ns" ip link set eth0 up
}

lab_nat() { # lab_nat NAT CLIENT PREFIX: a client behind a masquerading router that drops what comes in
	ip link add lan0 netns "$LAB-$1" type veth peer name eth0 netns "$LAB-$2"
	in_ns "$1" ip addr add "$3.1/24" dev lan0
	in_ns "$1" ip link set lan0 up
	in_ns "$2" ip addr add "$3.2/24" dev eth0
	in_ns "$2" ip link set eth0 up
	in_ns "$2" ip route add default via "$3.1"
	in_ns "$1" sysctl -qw net.ipv4.ip_forward=1
	in_ns "$1" nft -f - <<-NFT
		table ip nat {
			chain post {
				type nat hook postrouting priority srcnat
				oifname "eth0" masquerade
			}
			chain forward {
				type filter hook forward priority filter; policy drop
				iifname "lan0" accept
				ct state established,related accept
			}
		}
	NFT
}

lab_up() {
	LAB=rn$$$RANDOM
	export LAB
	local ns
	for ns in inet visitor gateway nat1 client1 nat2 client2 ${LAB_MORE:-}; do
		ip netns add "$LAB-$ns"
		in_ns "$ns" ip link set lo up
	done
	in_ns inet ip link add br0 type bridge
	in_ns inet ip link set br0 up
	lab_link visitor 203.0.113.10/24
	lab_link gateway 203.0.113.2/24
	lab_link nat1 203.0.113.31/24
	lab_link nat2 203.0.113.32/24
	local n=41
	for ns in ${LAB_MORE:-}; do
		lab_link "$ns" "203.0.113.$n/24"
		n=$((n + 1))
	done
	lab_nat nat1 client1 192.168.71
	lab_nat nat2 client2 192.168.72
}

lab_down() {
	local ns
	[ -n "${LAB:-}" ] || return 0
	for ns in inet visitor gateway nat1 client1 nat2 client2 ${LAB_MORE:-}; do
		ip netns del "$LAB-$ns" 2>/dev/null || true
	done
}

# Cuts and mends the link between a machine and the internet.
lab_cut() { in_ns inet ip link set "p-$1" down; }
lab_mend() { in_ns inet ip link set "p-$1" up; }
