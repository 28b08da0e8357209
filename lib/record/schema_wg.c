/* SPDX-License-Identifier: MIT
 *
 * Kinds of tunnels, and of the control sockets through which programs talk.
 */
#include "record/schema_kinds.h"

/* clang-format off */
static const struct schema_key interface_keys[] = {
	{"address", TYPE_CIDR, LIST, NULL, NULL, "own addresses inside the tunnel, with their prefix"},
	{"private_key_file", TYPE_PATH, 0, NULL, NULL, "file with the private key in base64 (mode 0600)"},
	{"public_key", TYPE_KEY, 0, NULL, NULL, "the public key that belongs to it (shown, not set)"},
	{"listen_port", TYPE_U64, 0, PORT, "0", "UDP port for the outside; 0 picks a free one"},
	{"mtu", TYPE_U64, 0, "576-65535", "1420", "largest inner packet in bytes"},
	{"forward", TYPE_BOOL, 0, NULL, "no", "pass packets on from peer to peer, and for other networks"},
	{"routes", TYPE_BOOL, 0, NULL, "yes", "set a route into the tunnel for each peer's allowed IPs"},
	{"netns", TYPE_ENUM, 0, "private|host", NULL, "where the tunnel's device is: in a network namespace of its own, or on the host"},
	{"engine", TYPE_ENUM, 0, "auto|kernel|user|netstack", "auto", "what carries the packets"},
	{"why", TYPE_TEXT, 0, NULL, NULL, "shown: why auto did not take the kernel's engine"},
	{"fwmark", TYPE_U64, 0, "0-4294967295", "0", "mark on the packets to the outside"},
	{"dns", TYPE_ADDRESS, LIST, NULL, NULL, "resolvers to be asked through the tunnel; rn-wg dns prints what to do about them"},
	{"search", TYPE_HOST, LIST, NULL, NULL, "domains that those resolvers are asked about"},
	{"at", TYPE_TIME, 0, NULL, NULL, "live, with --watch: when this was seen"},
	{"sandbox", TYPE_TEXT, SET, NULL, NULL, "live: what confines the process: seccomp, landlock; none"},
	{0}};
SCHEMA_KIND(interface, .config = true, .id = TYPE_NAME, .programs = "rn-wg",
	.doc = "a WireGuard interface of this machine");

static const struct schema_key peer_keys[] = {
	{"interface", TYPE_REF, REQ, "interface", NULL, "the interface that it belongs to"},
	{"name", TYPE_NAME, 0, NULL, NULL, "a name for people"},
	{"allowed_ips", TYPE_CIDR, SET, NULL, NULL, "inner addresses that are this peer's"},
	{"endpoint", TYPE_ENDPOINT, 0, NULL, NULL, "where to send to; learned from the peer when absent"},
	{"preshared_key_file", TYPE_PATH, 0, NULL, NULL, "file with a further, symmetric key in base64 (mode 0600)"},
	{"keepalive_s", TYPE_U64, 0, PORT, "0", "send something at least this often, to hold NAT mappings; 0 is never"},
	{"remove", TYPE_BOOL, 0, NULL, "no", "for rn-wg set: take the peer away"},
	{"cut", TYPE_BOOL, 0, NULL, "no", "shown: the list of allowed IPs is longer than fits here"},
	{"handshake_at", TYPE_TIME, 0, NULL, NULL, "live: last complete handshake"},
	{"rx_bytes", TYPE_U64, 0, NULL, NULL, "live: received from the peer"},
	{"tx_bytes", TYPE_U64, 0, NULL, NULL, "live: sent to the peer"},
	{"rtt_us", TYPE_U64, 0, NULL, NULL, "live, an estimate: round trip of the last handshake, from our message to the peer's answer to it, both sides' computing included; seldom newer than two minutes"},
	{"rx_packets", TYPE_U64, 0, NULL, NULL, "live: data messages received from the peer, keepalives included"},
	{"rx_lost", TYPE_U64, 0, NULL, NULL, "live: data messages that the peer numbered and that did not come (yet); what we send is not known to arrive"},
	{"initiations_sent", TYPE_U64, 0, NULL, NULL, "live, in detail: handshakes that we began"},
	{"initiations_received", TYPE_U64, 0, NULL, NULL, "live, in detail: valid handshakes that the peer began"},
	{"responses_received", TYPE_U64, 0, NULL, NULL, "live, in detail: valid answers to ours"},
	{"responses_failed", TYPE_U64, 0, NULL, NULL, "live, in detail: answers that did not decrypt"},
	{"source_dropped", TYPE_U64, 0, NULL, NULL, "live, in detail: the peer's packets from addresses that are not allowed it"},
	{"waiting", TYPE_U64, 0, NULL, NULL, "live, in detail: packets that wait for a handshake"},
	{"session_s", TYPE_U64, 0, NULL, NULL, "live, in detail: age of the session that we send with"},
	{0}};
SCHEMA_KIND(peer, .config = true, .id = TYPE_KEY, .programs = "rn-wg rn-monitor",
	.brief = "name,endpoint,handshake_at,rx_bytes,tx_bytes",
	.doc = "a WireGuard peer, by its public key");

static const struct schema_key tunnel_keys[] = {
	{"pid", TYPE_U64, 0, NULL, NULL, "process that runs it"},
	{"address", TYPE_CIDR, LIST, NULL, NULL, "own addresses inside"},
	{"mode", TYPE_TEXT, 0, NULL, NULL, "where its device is: private or host"},
	{"engine", TYPE_TEXT, 0, NULL, NULL, "what carries its packets"},
	{"mtu", TYPE_U64, 0, NULL, NULL, "largest inner packet in bytes"},
	{"public_key", TYPE_KEY, 0, NULL, NULL, "its public key"},
	{"listen_port", TYPE_U64, 0, PORT, NULL, "UDP port for the outside"},
	{0}};
SCHEMA_KIND(tunnel, .id = TYPE_NAME, .programs = "rn-expose rn-forward rn-proxy rn-node",
	.doc = "a running tunnel, as rn-wg answers to hello");

static const struct schema_key socket_keys[] = {
	{"address", TYPE_ENDPOINT, 0, NULL, NULL, "where it is bound"},
	{"connect", TYPE_ENUM, 0, "self", NULL, "the caller has to connect the socket itself"},
	{0}};
SCHEMA_KIND(socket, .id = TYPE_NAME, .programs = "rn-expose rn-forward rn-proxy",
	.doc = "a socket inside a tunnel, whose descriptor rides beside this answer");

static const struct schema_key plan_keys[] = {
	{"interface", TYPE_REF, REQ, "interface", NULL, "the tunnel"},
	{"what", TYPE_TEXT, REQ, NULL, NULL, "device, socket, address, route, peer or policy"},
	{"value", TYPE_TEXT, 0, NULL, NULL, "which one"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "more about it"},
	{0}};
SCHEMA_KIND(plan, .id = TYPE_U64, .programs = "",
	.doc = "what rn-wg up --dry-run would do, in order");

static const struct schema_key probe_keys[] = {
	{"peer", TYPE_KEY, 0, NULL, NULL, "the peer that is looked at"},
	{"result", TYPE_ENUM, REQ, "ok|failed|unknown|skipped", NULL, "unknown: cannot be told from here"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "the evidence"},
	{0}};
SCHEMA_KIND(probe, .id = TYPE_NAME, .programs = "",
	.doc = "a step of rn-wg why");

static const struct schema_key why_keys[] = {
	{"interface", TYPE_REF, REQ, "interface", NULL, "the tunnel"},
	{"result", TYPE_ENUM, REQ, "ok|failed", NULL, "whether the peer can be reached"},
	{"step", TYPE_NAME, 0, NULL, NULL, "the first step that failed"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "what to do about it"},
	{0}};
SCHEMA_KIND(why, .id = TYPE_TEXT, .programs = "",
	.doc = "the answer of rn-wg why: a peer, by name or key, and the first step that fails");

static const struct schema_key finding_keys[] = {
	{"result", TYPE_ENUM, REQ, "ok|warning|failed", NULL, "failed: tunnels do not work because of it"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "what was found"},
	{"advice", TYPE_TEXT, 0, NULL, NULL, "what to do about it"},
	{0}};
SCHEMA_KIND(finding, .id = TYPE_NAME, .programs = "rn-monitor",
	.doc = "what rn-wg doctor found about this machine");

static const struct schema_key request_keys[] = {
	{"address", TYPE_ENDPOINT, 0, NULL, NULL, "address inside the tunnel"},
	{"peer", TYPE_ENDPOINT, 0, NULL, NULL, "far end of a UDP socket"},
	{"what", TYPE_TEXT, 0, NULL, NULL, "what to show"},
	{"name", TYPE_TEXT, 0, NULL, NULL, "which one is meant"},
	{0}};
SCHEMA_KIND(request, .id = TYPE_NAME, .programs = "rn-wg rn-proxy rn-node",
	.doc = "a request on a control socket");

static const struct schema_key done_keys[] = {{0}};
SCHEMA_KIND(done, .id = TYPE_TEXT, .programs = "rn-wg rn-proxy rn-node",
	.doc = "end of an answer on a control socket");

static const struct schema_key error_keys[] = {
	{"text", TYPE_TEXT, 0, NULL, NULL, "what went wrong, for a person"},
	{0}};
SCHEMA_KIND(error, .id = TYPE_TEXT, .programs = "rn-wg rn-proxy rn-node rn-console",
	.doc = "a refused request, on a control socket or in a REST answer");
