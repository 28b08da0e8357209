/* SPDX-License-Identifier: MIT
 *
 * Kinds of the control plane.
 */
#include "record/schema_kinds.h"

/* clang-format off */
static const struct schema_key organization_keys[] = {
	{"name", TYPE_TEXT, 0, NULL, NULL, "a name for people"},
	{"network", TYPE_CIDR, 0, NULL, NULL, "IPv4 prefix of its tunnel addresses"},
	{"network6", TYPE_CIDR, 0, NULL, NULL, "IPv6 prefix of them"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{0}};
SCHEMA_KIND(organization, .id = TYPE_NAME, .programs = "rn-console",
	.doc = "an organisation: nothing is shared between two");

static const struct schema_key user_keys[] = {
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"role", TYPE_ENUM, 0, "owner|admin|operator|member|auditor", NULL, "what the user may do in the console"},
	{"groups", TYPE_NAME, SET, NULL, NULL, "groups the user is in"},
	{"status", TYPE_ENUM, 0, "active|suspended", NULL, "may the user do anything"},
	{"password_set", TYPE_BOOL, 0, NULL, NULL, "can the user log in by password"},
	{"password", TYPE_TEXT, 0, NULL, NULL, "a new password that was made; shown once, stored hashed"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when the user was made"},
	{0}};
SCHEMA_KIND(user, .id = TYPE_NAME, .programs = "rn-console rn-policy", .brief = "user,role,groups,status",
	.doc = "a person");

static const struct schema_key group_keys[] = {
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"members", TYPE_NAME, SET, NULL, NULL, "users that are in it"},
	{0}};
SCHEMA_KIND(group, .config = true, .id = TYPE_NAME, .programs = "rn-console rn-policy",
	.doc = "users that policies name together");

static const struct schema_key token_keys[] = {
	{"user", TYPE_REF, 0, "user", NULL, "whose it is"},
	{"name", TYPE_TEXT, 0, NULL, NULL, "what it is for"},
	{"secret", TYPE_TEXT, 0, NULL, NULL, "the token itself; shown once, stored hashed"},
	{"expires_s", TYPE_U64, 0, NULL, NULL, "when asked for: how long it is to last"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "until when it serves; absent: for ever"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{0}};
SCHEMA_KIND(token, .id = TYPE_TEXT, .programs = "rn-console", .doc = "an API token of a user");

static const struct schema_key gateway_keys[] = {
	{"name", TYPE_TEXT, 0, NULL, NULL, "a name for people"},
	{"org", TYPE_REF, 0, "organization", NULL, "organisation"},
	{"domain", TYPE_HOST, 0, NULL, NULL, "its services are below this name"},
	{"region", TYPE_TEXT, 0, NULL, NULL, "where it is"},
	{"instance_type", TYPE_TEXT, 0, NULL, NULL, "what kind of machine it is"},
	{"public_ip", TYPE_ADDRESS, 0, NULL, NULL, "address from outside"},
	{"wg_port", TYPE_U64, 0, PORT, NULL, "UDP port of its tunnel"},
	{"https_port", TYPE_U64, 0, PORT, NULL, "port of its HTTPS services"},
	{"http_port", TYPE_U64, 0, PORT, NULL, "port that redirects to it; 0: none"},
	{"management", TYPE_ENDPOINT, 0, NULL, NULL, "where bundles are pushed to"},
	{"management_port", TYPE_U64, 0, PORT, NULL, "port of its agent's management interface"},
	{"wg_key", TYPE_KEY, 0, NULL, NULL, "its WireGuard public key"},
	{"address", TYPE_CIDR, LIST, NULL, NULL, "its addresses inside the tunnel"},
	{"status", TYPE_TEXT, 0, NULL, NULL, "is it joined, and heard of"},
	{"serial", TYPE_U64, 0, NULL, NULL, "bundle that it applied last"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{"seen_at", TYPE_TIME, 0, NULL, NULL, "when it was last heard of"},
	{"invitation", TYPE_TEXT, 0, NULL, NULL, "a new one: what its machine joins with; shown once, stored hashed"},
	{0}};
SCHEMA_KIND(gateway, .id = TYPE_NAME, .programs = "rn-console", .brief = "gateway,name,public_ip,region,status",
	.doc = "a machine with a public address");

static const struct schema_key invitation_keys[] = {
	{"url", TYPE_TEXT, 0, NULL, NULL, "the string to give to the joiner; shown once, stored hashed"},
	{"role", TYPE_ENUM, 0, "client|gateway", "client", "what the joiner will be"},
	{"user", TYPE_REF, 0, "user", NULL, "whose device it will be"},
	{"node", TYPE_NAME, 0, NULL, NULL, "the gateway that it is for"},
	{"expires_s", TYPE_U64, 0, NULL, NULL, "when asked for: how long it is to last"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "until when it may be used"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{"used_at", TYPE_TIME, 0, NULL, NULL, "when it was used"},
	{0}};
SCHEMA_KIND(invitation, .id = TYPE_TEXT, .programs = "rn-console rn-node",
	.doc = "lets one machine join, once");

static const struct schema_key join_keys[] = {
	{"token", TYPE_TEXT, REQ, NULL, NULL, "of the invitation"},
	{"name", TYPE_TEXT, 0, NULL, NULL, "the machine's own name for itself"},
	{"wg_key", TYPE_KEY, REQ, NULL, NULL, "its WireGuard public key"},
	{"sign_key", TYPE_KEY, REQ, NULL, NULL, "its Ed25519 public key"},
	{"client_type", TYPE_TEXT, 0, NULL, NULL, "what kind of machine it is; shown only"},
	{"csr", TYPE_TEXT, 0, NULL, NULL, "gateway: request for its server certificate (PEM)"},
	{"public_ip", TYPE_ADDRESS, 0, NULL, NULL, "gateway: address from outside"},
	{0}};
SCHEMA_KIND(join, .config = true, .id = TYPE_TEXT, .programs = "rn-console",
	.doc = "what a machine sends to become a node");

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
	{"guess", TYPE_TEXT, 0, NULL, NULL, "what rn-discover takes it for"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it was made"},
	{"expires_s", TYPE_U64, 0, NULL, NULL, "when asked for: how long it is to last"},
	{"ends_at", TYPE_TIME, 0, NULL, NULL, "when it goes by itself"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "when the share link ends"},
	{0}};
SCHEMA_KIND(service, .id = TYPE_TEXT, .programs = "rn-expose rn-console",
	.brief = "name,protocol,status,url,public_address",
	.doc = "a local service that is, or could be, reached through a gateway");

static const struct schema_key link_keys[] = {
	{"service", TYPE_TEXT, 0, NULL, NULL, "what it opens"},
	{"url", TYPE_TEXT, 0, NULL, NULL, "the link"},
	{"expires_s", TYPE_U64, 0, NULL, NULL, "when asked for: how long it is to last"},
	{"expires_at", TYPE_TIME, 0, NULL, NULL, "until when"},
	{0}};
SCHEMA_KIND(link, .id = TYPE_TEXT, .programs = "rn-expose", .doc = "a share link");

static const struct schema_key site_keys[] = {
	{"name", TYPE_TEXT, 0, NULL, NULL, "a name for people"},
	{"subnet", TYPE_CIDR, SET, NULL, NULL, "networks that are there"},
	{"endpoints", TYPE_TEXT, LIST, NULL, NULL, "where it is reached"},
	{"connection", TYPE_ENUM, 0, "local|wireguard", "local",
	 "local: targets are reached from the gateway itself; wireguard: by tunnel addresses"},
	{0}};
SCHEMA_KIND(site, .config = true, .id = TYPE_NAME, .programs = "rn-console", .doc = "where targets are");

static const struct schema_key rule_keys[] = {
	{"path", TYPE_URLPATH, 0, NULL, NULL, "prefix of its paths"},
	{"resource", TYPE_NAME, 0, NULL, NULL, "where it leads"},
	{"gateway", TYPE_NAME, 0, NULL, NULL, "which gateway serves it"},
	{0}};
SCHEMA_KIND(rule, .id = TYPE_HOST, .programs = "", .doc = "which host and path lead where");

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
	{"prev", TYPE_HEX, 0, NULL, NULL, "BLAKE2b-256 of the line before"},
	{"detail", TYPE_TEXT, 0, NULL, NULL, "more"},
	{0}};
SCHEMA_KIND(audit, .id = TYPE_U64, .programs = "rn-console rn-monitor",
	.brief = "audit,at,actor,action,object",
	.doc = "an entry of the audit log");

static const struct schema_key status_keys[] = {
	{"serial", TYPE_U64, 0, NULL, NULL, "last bundle published"},
	{"domain", TYPE_HOST, 0, NULL, NULL, "of the console"},
	{"url", TYPE_TEXT, 0, NULL, NULL, "of the console"},
	{"version", TYPE_TEXT, 0, NULL, NULL, "version of the program"},
	{"database", TYPE_U64, 0, NULL, NULL, "version of the database"},
	{"waiting", TYPE_U64, 0, NULL, NULL, "bundles that are not published yet"},
	{"gateways", TYPE_U64, 0, NULL, NULL, "how many"},
	{"devices", TYPE_U64, 0, NULL, NULL, "how many"},
	{"services", TYPE_U64, 0, NULL, NULL, "how many"},
	{"resources", TYPE_U64, 0, NULL, NULL, "how many"},
	{"audit_records", TYPE_U64, 0, NULL, NULL, "how many"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "more, for a person"},
	{0}};
SCHEMA_KIND(status, .id = TYPE_TEXT, .programs = "rn-node", .doc = "how a program is");

static const struct schema_key console_keys[] = {
	{"url", TYPE_TEXT, 0, NULL, NULL, "where it is reached"},
	{"dir", TYPE_PATH, 0, NULL, NULL, "its folder"},
	{"node_dir", TYPE_PATH, 0, NULL, NULL, "folder of the gateway beside it"},
	{0}};
SCHEMA_KIND(console, .id = TYPE_HOST, .programs = "", .doc = "a console that was made");

static const struct schema_key chain_keys[] = {
	{"records", TYPE_U64, REQ, NULL, NULL, "how many were followed"},
	{"head", TYPE_HEX, 0, NULL, NULL, "hash of the newest; keep it elsewhere to notice a rewritten log"},
	{"why", TYPE_TEXT, 0, NULL, NULL, "what is wrong with the last one followed"},
	{0}};
SCHEMA_KIND(chain, .id = TYPE_TEXT, .programs = "rn-monitor",
	.doc = "the audit log as a whole: ok or broken");

static const struct schema_key published_keys[] = {
	{"serial", TYPE_U64, REQ, NULL, NULL, "of the bundle"},
	{"changed", TYPE_BOOL, REQ, NULL, NULL, "was it another one than before"},
	{0}};
SCHEMA_KIND(published, .id = TYPE_NAME, .programs = "", .doc = "a node's bundle that was published");

static const struct schema_key imported_keys[] = {{0}};
SCHEMA_KIND(imported, .id = TYPE_U64, .programs = "", .doc = "how many records were taken in");

static const struct schema_key expired_keys[] = {
	{"count", TYPE_U64, REQ, NULL, NULL, "how many were removed"},
	{0}};
SCHEMA_KIND(expired, .id = TYPE_TEXT, .programs = "", .doc = "a kind of things whose time was over");

static const struct schema_key database_keys[] = {
	{"version", TYPE_U64, REQ, NULL, NULL, "of its tables"},
	{"wanted", TYPE_U64, REQ, NULL, NULL, "that the program brings it to"},
	{0}};
SCHEMA_KIND(database, .id = TYPE_PATH, .programs = "", .doc = "the console's database");
