/* SPDX-License-Identifier: MIT
 *
 * Reading the files of wg-quick(8) and wg(8): sections, "Key = value", "#" begins a comment. Keys
 * are matched without regard to case; a list may be spread over several lines.
 */
#include "wg/quick.h"

enum section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

struct parser {
	struct wg_config *config;
	struct wg_peer_config *peer;
	struct buf dns, search; /* lists under way */
	struct map peers;	/* public keys seen (the values mean nothing) */
	struct arena arena;	/* of the keys in the map */
	const char *ignore;
	enum section section;
	bool interface_seen, key_seen;
	size_t peer_line; /* where the section of the last peer began */
};

/* ---- one function a key: NULL, or what is wrong with VALUE ----------------------------------- */

#define NOT_UNDERSTOOD "not understood"
#define NO_MEMORY "out of memory"

static const char *text_of(struct parser *p, struct str value, const char **out)
{
	*out = arena_str(&p->config->arena, value).ptr;
	return *out ? NULL : NO_MEMORY;
}

/* As plain text; the schema looks at it as it stands in a record, where % begins an escape. */
static bool is_a(enum schema_type type, struct str value)
{
	struct rn_error err;
	return str_find(value, '%') < 0 && !schema_check_value(type, NULL, value, &err);
}

static const char *set_private_key(struct parser *p, struct str value)
{
	p->config->has_private_key = true;
	return base64_decode(p->config->private_key, WG_KEY_LEN, value, BASE64_STD) ? NULL
										    : "not a key";
}

static const char *set_number(struct str value, uint64_t min, uint64_t max, bool *has,
			      uint64_t *out)
{
	*has = str_to_u64(value, max, out) && *out >= min;
	return *has ? NULL : NOT_UNDERSTOOD;
}

static const char *set_listen_port(struct parser *p, struct str value)
{
	uint64_t port = 0;
	const char *bad = set_number(value, 0, UINT16_MAX, &p->config->has_listen_port, &port);
	p->config->listen_port = (uint16_t)port;
	return bad;
}

static const char *set_mtu(struct parser *p, struct str value)
{
	uint64_t mtu = 0;
	const char *bad = set_number(value, 576, UINT16_MAX, &p->config->has_mtu, &mtu);
	p->config->mtu = (uint32_t)mtu;
	return bad ? "not a number from 576 to 65535" : NULL;
}

/* "0xca6c" */
static bool hex_number(struct str value, uint64_t *out)
{
	*out = 0;
	if (value.len < 3 || value.len > 10 || !str_starts(value, STR("0x")))
		return false;
	for (size_t i = 2; i < value.len; i++) {
		char c = value.ptr[i];
		bool digit = c >= '0' && c <= '9';
		char letter = (char)(c | 0x20);
		if (!digit && (letter < 'a' || letter > 'f'))
			return false;
		*out = *out * 16 + (uint64_t)(digit ? c - '0' : letter - 'a' + 10);
	}
	return true;
}

static const char *set_fwmark(struct parser *p, struct str value)
{
	uint64_t mark = 0;
	bool good = str_is(value, "off") || hex_number(value, &mark) ||
		    str_to_u64(value, UINT32_MAX, &mark);
	p->config->has_fwmark = good;
	p->config->fwmark = (uint32_t)mark;
	return good ? NULL : NOT_UNDERSTOOD;
}

static const char *set_address(struct parser *p, struct str value)
{
	struct str one;
	p->config->has_addresses = true;
	while (str_cut(&value, ',', &one)) {
		struct cidr *a = VEC_PUSH(&p->config->addresses);
		if (!a)
			return NO_MEMORY;
		if (!wg_parse_address(a, str_trim(one)))
			return "not an address with its prefix";
	}
	return NULL;
}

static void add_element(struct buf *list, struct str one)
{
	if (list->len)
		buf_add_byte(list, ',');
	buf_add(list, one);
}

/* As wg-quick does it: what is no address is a domain to search in. */
static const char *set_dns(struct parser *p, struct str value)
{
	struct str one;
	struct addr a;
	while (str_cut(&value, ',', &one)) {
		one = str_trim(one);
		if (addr_parse_ip(&a, one)) {
			char text[ADDR_TEXT_MAX];
			addr_format_ip(&a, text);
			add_element(&p->dns, str_from(text));
		} else if (is_a(TYPE_HOST, one)) {
			add_element(&p->search, one);
		} else {
			return "neither an address nor a domain in lower case";
		}
	}
	return p->dns.failed || p->search.failed ? "too many of them" : NULL;
}

static const char *set_table(struct parser *p, struct str value)
{
	if (str_is(value, "auto"))
		return NULL;
	if (!str_is(value, "off"))
		return "a routing table of one's own is not supported (auto and off are)";
	p->config->has_routes = true;
	p->config->routes = false;
	return NULL;
}

static const char *set_save_config(struct parser *p, struct str value)
{
	(void)p;
	return str_is(value, "false") ? NULL
				      : "not supported: a tunnel never writes its config "
					"(rn-wg export does)";
}

static const char *refuse_script(struct parser *p, struct str value)
{
	(void)p, (void)value;
	return "not supported: rn-wg runs no commands (do it around rn-wg up, in a systemd unit "
	       "for "
	       "example; --ignore leaves it out)";
}

static const char *set_public_key(struct parser *p, struct str value)
{
	uint8_t *key = arena_alloc(&p->arena, WG_KEY_LEN);
	if (!key)
		return NO_MEMORY;
	if (!base64_decode(key, WG_KEY_LEN, value, BASE64_STD))
		return "not a key";
	if (p->key_seen || map_get(&p->peers, str_make(key, WG_KEY_LEN)))
		return "stands twice";
	p->key_seen = true;
	memcpy(p->peer->public_key, key, WG_KEY_LEN);
	return map_set(&p->peers, str_make(key, WG_KEY_LEN), p->config) ? NULL : NO_MEMORY;
}

static const char *set_psk(struct parser *p, struct str value)
{
	if (!p->peer->psk)
		p->peer->psk = arena_alloc(&p->config->arena, WG_KEY_LEN);
	if (!p->peer->psk)
		return NO_MEMORY;
	return base64_decode(p->peer->psk, WG_KEY_LEN, value, BASE64_STD) ? NULL : "not a key";
}

static const char *set_allowed(struct parser *p, struct str value)
{
	struct str one;
	p->peer->replace_allowed = true;
	if (!value.len)
		return NULL;
	while (str_cut(&value, ',', &one)) {
		struct cidr *c = VEC_PUSH(&p->peer->allowed);
		if (!c)
			return NO_MEMORY;
		if (!cidr_parse(c, str_trim(one), false))
			return "not an address or prefix";
	}
	return NULL;
}

static const char *set_endpoint(struct parser *p, struct str value)
{
	if (!is_a(TYPE_ENDPOINT, value))
		return "not host:port";
	return text_of(p, value, &p->peer->endpoint);
}

static const char *set_keepalive(struct parser *p, struct str value)
{
	uint64_t seconds = 0;
	p->peer->has_keepalive = str_is(value, "off") || str_to_u64(value, UINT16_MAX, &seconds);
	p->peer->keepalive_s = (uint16_t)seconds;
	return p->peer->has_keepalive ? NULL : NOT_UNDERSTOOD;
}

static const struct key {
	const char *name;
	enum section section;
	bool list; /* may stand on several lines */
	const char *(*set)(struct parser *p, struct str value);
} keys[] = {
	{"Address", SECTION_INTERFACE, true, set_address},
	{"DNS", SECTION_INTERFACE, true, set_dns},
	{"FwMark", SECTION_INTERFACE, false, set_fwmark},
	{"ListenPort", SECTION_INTERFACE, false, set_listen_port},
	{"MTU", SECTION_INTERFACE, false, set_mtu},
	{"PostDown", SECTION_INTERFACE, true, refuse_script},
	{"PostUp", SECTION_INTERFACE, true, refuse_script},
	{"PreDown", SECTION_INTERFACE, true, refuse_script},
	{"PreUp", SECTION_INTERFACE, true, refuse_script},
	{"PrivateKey", SECTION_INTERFACE, false, set_private_key},
	{"SaveConfig", SECTION_INTERFACE, false, set_save_config},
	{"Table", SECTION_INTERFACE, false, set_table},
	{"AllowedIPs", SECTION_PEER, true, set_allowed},
	{"Endpoint", SECTION_PEER, false, set_endpoint},
	{"PersistentKeepalive", SECTION_PEER, false, set_keepalive},
	{"PresharedKey", SECTION_PEER, false, set_psk},
	{"PublicKey", SECTION_PEER, false, set_public_key},
};

/* ---- lines ------------------------------------------------------------ */

static bool is_ignored(const struct parser *p, struct str key)
{
	struct str rest = str_from(p->ignore), one;
	while (rest.ptr && str_cut(&rest, ',', &one))
		if (str_eq_nocase(str_trim(one), key))
			return true;
	return false;
}

static const char *end_section(const struct parser *p)
{
	return p->section == SECTION_PEER && !p->key_seen ? "the peer has no PublicKey" : NULL;
}

static const char *begin_section(struct parser *p, struct str title)
{
	static const uint8_t none[WG_KEY_LEN];
	if (str_eq_nocase(title, STR("[Interface]"))) {
		if (p->interface_seen)
			return "[Interface] stands twice";
		p->interface_seen = true;
		p->section = SECTION_INTERFACE;
		return NULL;
	}
	if (!str_eq_nocase(title, STR("[Peer]")))
		return "unknown section: neither [Interface] nor [Peer]";
	p->section = SECTION_PEER;
	p->key_seen = false;
	p->peer = wg_config_peer(p->config, none);
	return p->peer ? NULL : NO_MEMORY;
}

/* "# Name = laptop" behind [Peer], as people note it: the peer's name, if it can be one. */
static const char *take_comment(struct parser *p, struct str comment)
{
	struct str key;
	comment = str_trim(comment);
	if (p->section != SECTION_PEER || p->peer->name || !str_cut(&comment, '=', &key) ||
	    !comment.ptr || !str_eq_nocase(str_trim(key), STR("Name")))
		return NULL;
	comment = str_trim(comment);
	if (!is_a(TYPE_NAME, comment))
		return NULL;
	return text_of(p, comment, &p->peer->name);
}

/* What is no word may be a key that lost its name. */
static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] | 0x20) < 'a' || (s.ptr[i] | 0x20) > 'z')
			return false;
	return s.len > 0 && s.len <= 24;
}

static int fail_line(const char *name, size_t line, struct str key, const char *why,
		     struct rn_error *err)
{
	if (!is_word(key))
		return rn_fail(err, RN_EDATA, "%s:%zu: %s", name, line, why);
	return rn_fail(err, RN_EDATA, "%s:%zu: %.*s: %s", name, line, STR_ARG(key), why);
}

/* NULL, or why not. *KEY is for the message. */
static const char *take_key(struct parser *p, uint32_t *seen, struct str value, struct str *key)
{
	if (!str_cut(&value, '=', key) || !value.ptr) {
		*key = (struct str){0};
		return "neither a section nor Key = value";
	}
	*key = str_trim(*key);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!str_eq_nocase(*key, str_from(keys[i].name)))
			continue;
		if (is_ignored(p, *key))
			return NULL;
		if (p->section != keys[i].section)
			return keys[i].section == SECTION_PEER
				       ? "belongs into a [Peer] section"
				       : "belongs into the [Interface] section";
		if (!keys[i].list && (*seen & 1U << i))
			return "stands twice";
		*seen |= 1U << i;
		return keys[i].set(p, str_trim(value));
	}
	return is_ignored(p, *key) ? NULL : "unknown key";
}

static int take_line(struct parser *p, struct str line, size_t number, uint32_t *seen,
		     const char *name, struct rn_error *err)
{
	struct str rest = line, text, key = {0};
	const char *why = NULL;
	size_t at = number;
	if (!str_cut(&rest, '#', &text))
		return 0;
	text = str_trim(text);
	if (text.len && text.ptr[text.len - 1] == '\r')
		text = str_trim(str_slice(text, 0, text.len - 1));
	if (text.len && text.ptr[0] == '[') {
		why = end_section(p);
		at = why ? p->peer_line : number;
		if (!why)
			why = begin_section(p, text);
		p->peer_line = number;
		*seen = 0;
	} else if (text.len) {
		why = take_key(p, seen, text, &key);
	}
	if (!why && rest.ptr)
		why = take_comment(p, rest);
	return why ? fail_line(name, at, key, why, err) : 0;
}

static int finish(struct parser *p, const char *name, struct rn_error *err)
{
	const char *why = end_section(p);
	if (why)
		return fail_line(name, p->peer_line, (struct str){0}, why, err);
	if (!p->interface_seen)
		return rn_fail(err, RN_EDATA, "%s: no [Interface] section", name);
	if (p->dns.len && (why = text_of(p, buf_str(&p->dns), &p->config->dns)))
		return rn_fail(err, RN_EOS, "%s: %s", name, why);
	if (p->search.len && (why = text_of(p, buf_str(&p->search), &p->config->search)))
		return rn_fail(err, RN_EOS, "%s: %s", name, why);
	return 0;
}

int quick_parse(struct wg_config *out, struct str text, const char *name, const char *ignore,
		struct rn_error *err)
{
	struct parser p = {.config = out, .ignore = ignore};
	struct str line;
	uint32_t seen = 0;
	int code = 0;
	buf_init(&p.dns, REC_LINE_MAX / 4); /* both must fit a record */
	buf_init(&p.search, REC_LINE_MAX / 4);
	arena_init(&p.arena, QUICK_MAX);
	if (text.len && memchr(text.ptr, 0, text.len))
		code = rn_fail(err, RN_EDATA, "%s: not a text", name);
	for (size_t number = 1; !code && str_cut(&text, '\n', &line); number++)
		code = take_line(&p, line, number, &seen, name, err);
	if (!code)
		code = finish(&p, name, err);
	buf_free(&p.dns);
	buf_free(&p.search);
	map_free(&p.peers);
	arena_free(&p.arena);
	return code;
}
