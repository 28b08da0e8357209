/* SPDX-License-Identifier: MIT
 *
 * Kinds of nodes: bundles, trust, what runs on a device.
 */
#include "record/schema_kinds.h"

/* clang-format off */
static const struct schema_key bundle_keys[] = {
	{"serial", TYPE_U64, REQ, NULL, NULL, "grows with each; a node never goes back"},
	{"made_at", TYPE_TIME, REQ, NULL, NULL, "when it was made"},
	{"org", TYPE_NAME, 0, NULL, NULL, "organisation"},
	{"console", TYPE_TEXT, 0, NULL, NULL, "URL of the console it came from"},
	{0}};
SCHEMA_KIND(bundle, .config = true, .id = TYPE_NAME, .programs = "rn-node",
	.doc = "first line of a node's bundle: everything that the node needs, signed");

static const struct schema_key trust_keys[] = {
	{"serial", TYPE_U64, REQ, NULL, NULL, "grows with each"},
	{"made_at", TYPE_TIME, REQ, NULL, NULL, "when it was made"},
	{"signer", TYPE_KEY, REQ, NULL, NULL, "the console's Ed25519 public key"},
	{"ca", TYPE_BASE64, 0, NULL, NULL, "the console's CA certificate (DER); absent: the system's CAs do"},
	{0}};
SCHEMA_KIND(trust, .config = true, .id = TYPE_HOST, .programs = "rn-node",
	.doc = "what a console's domain is to be trusted by");

static const struct schema_key node_keys[] = {
	{"network", TYPE_NAME, 0, NULL, NULL, "name of the network it joined"},
	{"role", TYPE_ENUM, 0, "client|gateway", NULL, "what it does there"},
	{"url", TYPE_TEXT, 0, NULL, NULL, "the console"},
	{"connect", TYPE_ADDRESS, 0, NULL, NULL, "IP address of the console to use instead of DNS"},
	{"address", TYPE_CIDR, LIST, NULL, NULL, "its addresses inside the tunnel"},
	{"name", TYPE_NAME, 0, NULL, NULL, "a name for people"},
	{"certificate_pem", TYPE_BASE64, 0, NULL, NULL, "answer to a gateway's join: its certificate (PEM)"},
	{"management", TYPE_ENDPOINT, 0, NULL, "127.0.0.1:9090", "gateway: where rn-node takes push, poke, healthz, metrics"},
	{"serial", TYPE_U64, 0, NULL, NULL, "bundle that it applied last"},
	{"state", TYPE_TEXT, 0, NULL, NULL, "how it is"},
	{"pid", TYPE_U64, 0, NULL, NULL, "process of its agent"},
	{"joined_at", TYPE_TIME, 0, NULL, NULL, "when it joined"},
	{"pulled_at", TYPE_TIME, 0, NULL, NULL, "when the console answered last"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "more, for a person"},
	{0}};
SCHEMA_KIND(node, .config = true, .id = TYPE_NAME, .programs = "rn-node rn-expose rn-forward",
	.doc = "this machine in a network that it joined");

static const struct schema_key daemon_keys[] = {
	{"state", TYPE_ENUM, REQ, "down|starting|up|stopped", NULL, "how it is"},
	{"pid", TYPE_U64, 0, NULL, NULL, "its process"},
	{"starts", TYPE_U64, 0, NULL, NULL, "how often this agent had to start it"},
	{0}};
SCHEMA_KIND(daemon, .id = TYPE_NAME, .programs = "rn-node", .doc = "a program that rn-node keeps running");

static const struct schema_key applied_keys[] = {
	{"serial", TYPE_U64, REQ, NULL, NULL, "which"},
	{"at", TYPE_TIME, 0, NULL, NULL, "when"},
	{"changes", TYPE_U64, 0, NULL, NULL, "records that differ from the one before"},
	{"ms", TYPE_U64, 0, NULL, NULL, "how long it took, in milliseconds"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "more, for a person"},
	{0}};
SCHEMA_KIND(applied, .id = TYPE_NAME, .programs = "rn-console",
	.doc = "a bundle that a node applied, by the node's name");

static const struct schema_key forward_keys[] = {
	{"local_address", TYPE_ENDPOINT, 0, NULL, NULL, "where it listens here"},
	{"remote_address", TYPE_ENDPOINT, 0, NULL, NULL, "where it leads to"},
	{"service", TYPE_TEXT, 0, NULL, NULL, "the service that is meant"},
	{"protocol", TYPE_ENUM, 0, "tcp|udp", "tcp", "what is carried"},
	{"network", TYPE_NAME, 0, NULL, NULL, "through which network"},
	{"status", TYPE_TEXT, 0, NULL, NULL, "does it work"},
	{"connections", TYPE_U64, 0, NULL, NULL, "open connections"},
	{"pid", TYPE_U64, 0, NULL, NULL, "process that runs it"},
	{0}};
SCHEMA_KIND(forward, .id = TYPE_TEXT, .programs = "rn-forward",
	.doc = "a local port whose far end is through the tunnel");

static const struct schema_key log_keys[] = {
	{"at", TYPE_TIME, REQ, NULL, NULL, "when"},
	{"program", TYPE_TEXT, 0, NULL, NULL, "who says it"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "what happened"},
	{0}};
SCHEMA_KIND(log, .id = TYPE_TEXT, .programs = "rn-monitor",
	.doc = "what a program says about its work, by level: error, warn, info, debug");
