/* SPDX-License-Identifier: MIT
 *
 * Kinds of the control plane.
 */
#include "record/schema_kinds.h"

/* clang-format off */
static const struct schema_key organization_keys[] = {
	{"name", TYPE_TEXT, 0, NULL, NULL, "a name for people"},
	{"domain", TYPE_HOST, 0, NULL, NULL, "its services are below this name"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{0}};
SCHEMA_KIND(organization, .id = TYPE_NAME, .programs = "rn-console",
	.doc = "an organisation: nothing is shared between two");

static const struct schema_key user_keys[] = {
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"role", TYPE_ENUM, 0, "owner|admin|operator|member|auditor", NULL, "what the user may do in the console"},
	{"groups", TYPE_NAME, SET, NULL, NULL, "groups the user is in"},
	{"email", TYPE_TEXT, 0, NULL, NULL, "mail address"},
	{"state", TYPE_ENUM, 0, "active|disabled", NULL, "may the user log in"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when the user was made"},
	{"token", TYPE_TEXT, 0, NULL, NULL, "a new API token; shown once, stored hashed"},
	{0}};
SCHEMA_KIND(user, .id = TYPE_NAME, .programs = "rn-console rn-policy", .doc = "a person");

static const struct schema_key group_keys[] = {
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"members", TYPE_PRINCIPAL, SET, NULL, NULL, "who is in it"},
	{0}};
SCHEMA_KIND(group, .config = true, .id = TYPE_NAME, .programs = "rn-console rn-policy",
	.doc = "a group of users and devices");

static const struct schema_key gateway_keys[] = {
	{"name", TYPE_TEXT, 0, NULL, NULL, "a name for people"},
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"domain", TYPE_HOST, 0, NULL, NULL, "its services are below this name"},
	{"region", TYPE_TEXT, 0, NULL, NULL, "where it is"},
	{"instance_type", TYPE_TEXT, 0, NULL, NULL, "what kind of machine it is"},
	{"public_ip", TYPE_ADDRESS, 0, NULL, NULL, "address from outside"},
	{"endpoint", TYPE_ENDPOINT, 0, NULL, NULL, "where its tunnel is reached from outside"},
	{"wireguard_port", TYPE_U64, 0, PORT, NULL, "UDP port of its tunnel"},
	{"management_port", TYPE_U64, 0, PORT, NULL, "port of its management API"},
	{"address", TYPE_CIDR, LIST, NULL, NULL, "its addresses inside the tunnel"},
	{"status", TYPE_TEXT, 0, NULL, NULL, "is it joined, and heard of"},
	{"serial", TYPE_U64, 0, NULL, NULL, "bundle that it applied last"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{"seen_at", TYPE_TIME, 0, NULL, NULL, "when it was last heard of"},
	{0}};
SCHEMA_KIND(gateway, .id = TYPE_NAME, .programs = "rn-console", .doc = "a machine with a public address");

static const struct schema_key invitation_keys[] = {
	{"url", TYPE_TEXT, 0, NULL, NULL, "the string to give to the joiner; shown once, stored hashed"},
	{"role", TYPE_ENUM, 0, "client|gateway", "client", "what the joiner will be"},
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "until when it may be used"},
	{"used_at", TYPE_TIME, 0, NULL, NULL, "when it was used"},
	{0}};
SCHEMA_KIND(invitation, .id = TYPE_TEXT, .programs = "rn-console rn-node",
	.doc = "lets one machine join, once");

static const struct schema_key service_keys[] = {
	{"name", TYPE_NAME, 0, NULL, NULL, "its name: the first label of its host name"},
	{"url", TYPE_TEXT, 0, NULL, NULL, "where people reach it"},
	{"local_address", TYPE_UPSTREAM, 0, NULL, NULL, "where it is on its own machine"},
	{"protocol", TYPE_ENUM, 0, "http|https|tcp|udp", NULL, "what it speaks"},
	{"subdomain", TYPE_NAME, 0, NULL, NULL, "the name that was asked for"},
	{"public", TYPE_BOOL, 0, NULL, "no", "open to everyone"},
	{"allow", TYPE_PRINCIPAL, SET, NULL, NULL, "who may reach it"},
	{"auth_required", TYPE_BOOL, 0, NULL, "yes", "visitors have to say who they are"},
	{"tunnel_port", TYPE_U64, 0, PORT, NULL, "port inside the tunnel on its device"},
	{"tunnel_address", TYPE_ENDPOINT, 0, NULL, NULL, "where the organisation's devices reach it"},
	{"public_address", TYPE_ENDPOINT, 0, NULL, NULL, "where it is reached from outside (tcp, udp)"},
	{"status", TYPE_TEXT, 0, NULL, NULL, "does it work"},
	{"dns", TYPE_TEXT, 0, NULL, NULL, "DNS record to have, as one line of a zone"},
	{"share", TYPE_TEXT, 0, NULL, NULL, "share link: lets in who has it"},
	{"device", TYPE_NAME, 0, NULL, NULL, "the machine it is on"},
	{"gateway", TYPE_NAME, 0, NULL, NULL, "the gateway it is behind"},
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"pid", TYPE_U64, 0, NULL, NULL, "process that exposes or serves it"},
	{"program", TYPE_TEXT, 0, NULL, NULL, "program that serves it"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "when the share link ends"},
	{0}};
SCHEMA_KIND(service, .id = TYPE_TEXT, .programs = "rn-expose rn-console",
	.doc = "a local service that is, or could be, reached through a gateway");

static const struct schema_key link_keys[] = {
	{"service", TYPE_TEXT, 0, NULL, NULL, "what it opens"},
	{"url", TYPE_TEXT, 0, NULL, NULL, "the link"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "until when"},
	{0}};
SCHEMA_KIND(link, .id = TYPE_TEXT, .programs = "rn-expose", .doc = "a share link");

static const struct schema_key dns_keys[] = {
	{"type", TYPE_ENUM, REQ, "A|AAAA|CNAME|TXT", NULL, "type of the record"},
	{"value", TYPE_TEXT, REQ, NULL, NULL, "what it points to"},
	{"ttl_s", TYPE_U64, 0, NULL, NULL, "how long it may be kept"},
	{0}};
SCHEMA_KIND(dns, .id = TYPE_HOST, .programs = "", .doc = "a DNS record to paste into a zone");

static const struct schema_key audit_keys[] = {
	{"at", TYPE_TIME, REQ, NULL, NULL, "when"},
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"actor", TYPE_TEXT, 0, NULL, NULL, "who did it"},
	{"action", TYPE_TEXT, 0, NULL, NULL, "what was done"},
	{"object", TYPE_TEXT, 0, NULL, NULL, "to what"},
	{"result", TYPE_TEXT, 0, NULL, NULL, "how it ended"},
	{"client", TYPE_TEXT, 0, NULL, NULL, "address it came from"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "details"},
	{"hash", TYPE_HEX, 0, NULL, NULL, "hash over this entry and the one before"},
	{0}};
SCHEMA_KIND(audit, .id = TYPE_TEXT, .programs = "rn-console rn-monitor",
	.doc = "an entry of the audit log");

static const struct schema_key status_keys[] = {
	{"serial", TYPE_U64, 0, NULL, NULL, "last bundle published"},
	{"version", TYPE_TEXT, 0, NULL, NULL, "version of the program"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "more, for a person"},
	{0}};
SCHEMA_KIND(status, .id = TYPE_TEXT, .programs = "rn-node", .doc = "how a program is");
