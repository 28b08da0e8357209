/* SPDX-License-Identifier: MIT
 *
 * Kinds of the edge: what rn-proxy is told, and what it tells.
 */
#include "record/schema_kinds.h"

static const struct schema_key listen_keys[] = {
	{"address", TYPE_ENDPOINT, KEY_REQUIRED, NULL, NULL, "address and port to accept on; port 0 picks one"},
	{"proto", TYPE_ENUM, KEY_REQUIRED, "http|https|tcp|udp", NULL, "what is spoken there"},
	{"via", TYPE_NAME, 0, NULL, NULL, "tunnel to listen in; absent: the machine's own network"},
	{"redirect", TYPE_ENUM, 0, "https", NULL, "answer every request with the same URL under https"},
	{"head_s", TYPE_U64, 0, "1-3600", "10", "time for a whole request head or TLS handshake"},
	{"idle_s", TYPE_U64, 0, "1-86400", "75", "how long a connection may wait for its next request"},
	{"gateway", TYPE_NAME, 0, NULL, NULL, "console: the gateway that has it; else the first"},
	{0}};
SCHEMA_KIND(listen, .config = true, .id = TYPE_NAME, .programs = "rn-proxy",
	.doc = "a place where visitors arrive");

static const struct schema_key certificate_keys[] = {
	{"cert_file", TYPE_PATH, KEY_REQUIRED, NULL, NULL, "PEM: the certificate, then its chain"},
	{"key_file", TYPE_PATH, KEY_REQUIRED, NULL, NULL, "PEM: its private key, mode 0600"},
	{"host", TYPE_HOST, KEY_LIST | KEY_SET, NULL, NULL, "server names it is given for; none: the default"},
	{0}};
SCHEMA_KIND(certificate, .config = true, .id = TYPE_NAME, .programs = "rn-proxy",
	.doc = "a TLS certificate of the edge");

static const struct schema_key resource_keys[] = {
	{"listen", TYPE_REF, KEY_REQUIRED | KEY_LIST | KEY_SET, "listen", NULL, "where it can be reached"},
	{"host", TYPE_HOST, KEY_LIST | KEY_SET, NULL, NULL, "names, *.x for all below x; none: any name"},
	{"path", TYPE_URLPATH, 0, NULL, "/", "prefix of its paths"},
	{"name", TYPE_TEXT, 0, NULL, NULL, "what people call it"},
	{"owner", TYPE_TEXT, 0, NULL, NULL, "whom to ask for access"},
	{"device", TYPE_NAME, 0, NULL, NULL, "the device that serves it, which may probe it"},
	{"auth", TYPE_ENUM, 0, "none|login|sso", "none", "login: a visitor without access is shown the way to log in"},
	{"connect_ms", TYPE_U64, 0, "1-60000", "5000", "time for a connection to a target"},
	{"idle_s", TYPE_U64, 0, "1-86400", "60", "longest silence of target or visitor within a request"},
	{"flow_s", TYPE_U64, 0, "1-86400", "3600", "longest silence of a TCP connection or an upgraded one"},
	{"site", TYPE_REF, 0, "site", NULL, "console: the site that its targets are in"},
	{"gateway", TYPE_NAME, 0, NULL, NULL, "console: the gateway that serves it; else the first"},
	{0}};
SCHEMA_KIND(resource, .config = true, .id = TYPE_NAME, .programs = "rn-proxy rn-policy",
	.brief = "resource,host,path",
	.doc = "what people reach");

static const struct schema_key target_keys[] = {
	{"resource", TYPE_REF, KEY_REQUIRED, "resource", NULL, "what it serves"},
	{"address", TYPE_UPSTREAM, KEY_REQUIRED, NULL, NULL, "IP:PORT, unix:/path or cgi:/path"},
	{"via", TYPE_NAME, 0, NULL, NULL, "tunnel that leads there"},
	{"proto", TYPE_ENUM, 0, "http|https", "http", "how HTTP is spoken to it"},
	{"tls_name", TYPE_HOST, 0, NULL, NULL, "name to ask for and to verify; else the address"},
	{"tls_verify", TYPE_BOOL, 0, NULL, "yes", "refuse a certificate that is not valid"},
	{"ca_file", TYPE_PATH, 0, NULL, NULL, "PEM: trust only these CAs; else the system's"},
	{"weight", TYPE_U64, 0, "1-1000", "1", "share of the requests"},
	{"check", TYPE_TEXT, 0, NULL, NULL, "health check: a path to GET, or tcp to connect"},
	{"check_s", TYPE_U64, 0, "1-3600", "10", "between two checks"},
	{"check_timeout_ms", TYPE_U64, 0, "1-60000", "2000", "time for one check"},
	{"rise", TYPE_U64, 0, "1-100", "2", "good checks in a row that bring it back"},
	{"fall", TYPE_U64, 0, "1-100", "3", "failed checks in a row that take it out"},
	{"env", TYPE_TEXT, KEY_LIST, NULL, NULL, "CGI: RN_NAME=value variables"},
	{"limit_s", TYPE_U64, 0, "1-3600", "30", "CGI: time for one run"},
	{0}};
SCHEMA_KIND(target, .config = true, .id = TYPE_NAME, .programs = "rn-proxy",
	.brief = "target,resource,address,weight",
	.doc = "where a resource is");

static const struct schema_key access_keys[] = {
	{"at", TYPE_TIME, KEY_REQUIRED, NULL, NULL, "when the request or connection began"},
	{"listener", TYPE_NAME, KEY_REQUIRED, NULL, NULL, "where it came in"},
	{"resource", TYPE_NAME, 0, NULL, NULL, "what was asked for, if anything fits"},
	{"target", TYPE_NAME, 0, NULL, NULL, "who served it"},
	{"client", TYPE_ADDRESS, KEY_REQUIRED, NULL, NULL, "address of the visitor"},
	{"device", TYPE_NAME, 0, NULL, NULL, "the device, when it came through the tunnel"},
	{"user", TYPE_TEXT, 0, NULL, NULL, "who was logged in"},
	{"link", TYPE_TEXT, 0, NULL, NULL, "the share link that was shown"},
	{"method", TYPE_TEXT, 0, NULL, NULL, "HTTP method"},
	{"host", TYPE_TEXT, 0, NULL, NULL, "HTTP host"},
	{"path", TYPE_TEXT, 0, NULL, NULL, "HTTP path, without its query"},
	{"status", TYPE_U64, 0, NULL, NULL, "HTTP status of the answer"},
	{"bytes_in", TYPE_U64, 0, NULL, NULL, "from the visitor: bytes of the body or connection"},
	{"bytes_out", TYPE_U64, 0, NULL, NULL, "to the visitor: bytes of the body or connection"},
	{"ms", TYPE_U64, 0, NULL, NULL, "how long it took"},
	{"decision", TYPE_ENUM, 0, "allow|deny", NULL, "what policy said"},
	{"policy", TYPE_NAME, 0, NULL, NULL, "the policy that decided; absent: none allows"},
	{"why", TYPE_TEXT, 0, NULL, NULL, "what went wrong"},
	{"cut", TYPE_BOOL, 0, NULL, NULL, "a text was too long and is cut"},
	{0}};
SCHEMA_KIND(access, .id = TYPE_TEXT, .programs = "rn-monitor",
	.brief = "at,client,resource,method,path,status,ms",
	.doc = "one request or connection at the edge");

static const struct schema_key listener_keys[] = {
	{"address", TYPE_ENDPOINT, KEY_REQUIRED, NULL, NULL, "where it really listens"},
	{"proto", TYPE_ENUM, KEY_REQUIRED, "http|https|tcp|udp", NULL, "what is spoken there"},
	{"via", TYPE_NAME, 0, NULL, NULL, "the tunnel it listens in"},
	{"state", TYPE_ENUM, KEY_REQUIRED, "open|waiting", NULL, "waiting: for its tunnel"},
	{"connections", TYPE_U64, 0, NULL, NULL, "open now"},
	{"accepted", TYPE_U64, 0, NULL, NULL, "since the start"},
	{0}};
SCHEMA_KIND(listener, .id = TYPE_NAME, .programs = "",
	.doc = "a listen record as it lives");

static const struct schema_key health_keys[] = {
	{"resource", TYPE_NAME, KEY_REQUIRED, NULL, NULL, "what the target serves"},
	{"address", TYPE_UPSTREAM, KEY_REQUIRED, NULL, NULL, "where it is"},
	{"state", TYPE_ENUM, KEY_REQUIRED, "up|down|unchecked", NULL, "by its checks; unchecked: it has none"},
	{"at", TYPE_TIME, 0, NULL, NULL, "since when"},
	{"active", TYPE_U64, 0, NULL, NULL, "requests and connections now"},
	{"requests", TYPE_U64, 0, NULL, NULL, "since the start"},
	{"failures", TYPE_U64, 0, NULL, NULL, "since the start: refused, timed out or broken off"},
	{"why", TYPE_TEXT, 0, NULL, NULL, "what the last failed check met"},
	{0}};
SCHEMA_KIND(health, .id = TYPE_NAME, .programs = "rn-monitor",
	.doc = "a target as it lives");

/* clang-format off */
static const struct schema_key limit_keys[] = {
	{"resource", TYPE_REF, 0, "resource", NULL, "what it guards; everything when absent"},
	{"requests_per_s", TYPE_U64, 0, "1-1000000", NULL, "requests a second from one address"},
	{"connections", TYPE_U64, 0, "1-1000000", NULL, "connections at a time from one address"},
	{"body_bytes", TYPE_U64, 0, NULL, NULL, "longest request body"},
	{0}};
SCHEMA_KIND(limit, .config = true, .id = TYPE_NAME, .programs = "rn-proxy",
	.doc = "a limit on what visitors may ask");

static const struct schema_key stat_keys[] = {
	{"value", TYPE_U64, 0, NULL, NULL, "how many"},
	{"at", TYPE_TIME, 0, NULL, NULL, "when it was read"},
	{"resource", TYPE_TEXT, 0, NULL, NULL, "of which resource"},
	{"target", TYPE_TEXT, 0, NULL, NULL, "of which target"},
	{"interface", TYPE_TEXT, 0, NULL, NULL, "of which tunnel"},
	{0}};
SCHEMA_KIND(stat, .id = TYPE_TEXT, .programs = "rn-monitor rn-console",
	.doc = "a counter, by its name");
