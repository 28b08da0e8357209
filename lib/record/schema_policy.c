/* SPDX-License-Identifier: MIT
 *
 * Kinds of who may reach what.
 */
#include "record/schema_kinds.h"

/* clang-format off */
static const struct schema_key policy_keys[] = {
	{"effect", TYPE_ENUM, REQ, "allow|deny", NULL, "what it does when it applies; deny wins over allow of the same priority"},
	{"from", TYPE_PRINCIPAL, REQ | SET, NULL, NULL, "who"},
	{"to", TYPE_TEXT, REQ | SET, NULL, NULL, "what: resource:NAME, or * for all"},
	{"action", TYPE_NAME, SET, NULL, NULL, "HTTP methods, or connect for TCP and UDP; all when absent"},
	{"priority", TYPE_U64, 0, "0-65535", "0", "higher ones are asked first"},
	{"when", TYPE_TEXT, 0, NULL, NULL, "condition that must hold too: trust>=60&mfa"},
	{0}};
SCHEMA_KIND(policy, .config = true, .id = TYPE_NAME, .programs = "rn-policy rn-proxy",
	.doc = "a rule of who may reach what; without one that allows, nobody may");

static const struct schema_key device_keys[] = {
	{"address", TYPE_CIDR, LIST, NULL, NULL, "its addresses inside the tunnel"},
	{"name", TYPE_NAME, 0, NULL, NULL, "a name for people"},
	{"user", TYPE_NAME, 0, NULL, NULL, "whose it is"},
	{"groups", TYPE_NAME, SET, NULL, NULL, "groups that it or its user is in"},
	{"role", TYPE_ENUM, 0, "client|gateway", NULL, "what it does in its network"},
	{"status", TYPE_TEXT, 0, NULL, NULL, "active, or suspended"},
	{"client_type", TYPE_TEXT, 0, NULL, NULL, "what kind of machine it is, as it says"},
	{"org", TYPE_NAME, 0, NULL, NULL, "organisation"},
	{"wg_key", TYPE_KEY, 0, NULL, NULL, "its WireGuard public key"},
	{"sign_key", TYPE_KEY, 0, NULL, NULL, "its Ed25519 public key"},
	{"created_at", TYPE_TIME, 0, NULL, NULL, "when it joined"},
	{"seen_at", TYPE_TIME, 0, NULL, NULL, "when it was last heard of"},
	{0}};
SCHEMA_KIND(device, .config = true, .id = TYPE_NAME, .programs = "rn-proxy rn-policy rn-console",
	.brief = "device,user,address",
	.doc = "a machine that joined; inside the tunnel its source address is the device");

static const struct schema_key signer_keys[] = {
	{"use", TYPE_ENUM, SET, "link|login", NULL, "what it may sign; both when absent"},
	{0}};
SCHEMA_KIND(signer, .config = true, .id = TYPE_KEY, .programs = "rn-proxy",
	.doc = "an Ed25519 public key (base64) that may sign share links and logins");

static const struct schema_key logout_keys[] = {
	{"at", TYPE_TIME, REQ, NULL, NULL, "when"},
	{0}};
SCHEMA_KIND(logout, .config = true, .id = TYPE_NAME, .programs = "rn-proxy",
	.doc = "a user whose logins from before are over: suspended, removed, or changed");

static const struct schema_key assertion_keys[] = {
	{"groups", TYPE_NAME, SET, NULL, NULL, "groups of the user"},
	{"resource_host", TYPE_HOST, REQ, NULL, NULL, "the only host it is good for"},
	{"expires_at", TYPE_TIME, REQ, NULL, NULL, "until when"},
	{"nonce", TYPE_TEXT, REQ, NULL, NULL, "serves once"},
	{0}};
SCHEMA_KIND(assertion, .config = true, .id = TYPE_NAME, .programs = "rn-proxy",
	.doc = "who logged in, as the console signs it for a gateway");

static const struct schema_key decision_keys[] = {
	{"effect", TYPE_ENUM, REQ, "allow|deny", NULL, "the answer"},
	{"policy", TYPE_TEXT, 0, NULL, NULL, "the policy that made it; absent: none allowed"},
	{"at", TYPE_TIME, 0, NULL, NULL, "when"},
	{"from", TYPE_PRINCIPAL, 0, NULL, NULL, "the principal of that policy that fits who asked"},
	{"to", TYPE_TEXT, 0, NULL, NULL, "for what: resource:NAME"},
	{"action", TYPE_TEXT, 0, NULL, NULL, "to do what"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "why, for a person"},
	{0}};
SCHEMA_KIND(decision, .id = TYPE_TEXT, .programs = "rn-monitor",
	.doc = "what policy said to a request");

/* What is known of who asks; shared by the two kinds of questions. */
#define FACTS                                                                                      \
	{"resource", TYPE_NAME, REQ, NULL, NULL, "what is asked for"},                              \
	{"action", TYPE_NAME, 0, NULL, NULL, "HTTP method, or connect for TCP and UDP"},            \
	{"user", TYPE_TEXT, 0, NULL, NULL, "who is logged in"},                                     \
	{"groups", TYPE_NAME, SET, NULL, NULL, "groups of the user or device"},                     \
	{"device", TYPE_NAME, 0, NULL, NULL, "the joined device that asks"},                        \
	{"link", TYPE_BOOL, 0, NULL, "no", "a valid share link of the resource is shown"},          \
	{"address", TYPE_ADDRESS, 0, NULL, NULL, "where the request comes from"},                   \
	{"trust", TYPE_U64, 0, "0-100", NULL, "trust score"},                                       \
	{"mfa", TYPE_BOOL, 0, NULL, NULL, "a second factor was shown"},                             \
	{"at", TYPE_TIME, 0, NULL, NULL, "when"}

static const struct schema_key question_keys[] = {FACTS, {0}};
SCHEMA_KIND(question, .config = true, .id = TYPE_TEXT, .programs = "rn-policy",
	.doc = "somebody asks for a resource: rn-policy answers with a decision");

static const struct schema_key expect_keys[] = {
	{"effect", TYPE_ENUM, REQ, "allow|deny", NULL, "the answer that is right"},
	{"policy", TYPE_NAME, 0, NULL, NULL, "the policy that should decide"},
	FACTS,
	{0}};
SCHEMA_KIND(expect, .config = true, .id = TYPE_TEXT, .programs = "rn-policy",
	.doc = "a question with its right answer: a test of policy");

static const struct schema_key step_keys[] = {
	{"policy", TYPE_NAME, REQ, NULL, NULL, "which policy"},
	{"effect", TYPE_ENUM, REQ, "allow|deny", NULL, "what it does when all of it holds"},
	{"result", TYPE_ENUM, REQ, "decided|not_from|not_action|not_when|unknown|after", NULL, "what came of it"},
	{"text", TYPE_TEXT, 0, NULL, NULL, "the same in words"},
	{0}};
SCHEMA_KIND(step, .id = TYPE_U64, .programs = "",
	.doc = "how one policy took part in a decision, in the order they were asked");
