/* SPDX-License-Identifier: MIT
 *
 * What people and pipes are told.
 */
#include "rn-expose.h"

#include <stdarg.h>

void print_note(const struct service *s, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(2, "rn-expose: %s: %s\n", s->asked.name, text);
}

/* A value of the record, decoded, for a person; NULL when absent. */
static const char *value(const struct rec *r, const char *key, struct arena *a)
{
	struct str v = rec_text(r, key, a);

	return v.len ? v.ptr : NULL;
}

static const char *who_may(const struct asked *a, const struct rec *r, struct arena *arena)
{
	const char *allow = value(r, "allow", arena);
	bool web = strncmp(a->protocol, "http", 4) == 0;

	if (a->public_)
		return "everyone";
	if (allow)
		return allow;
	if (web)
		return "who has the share link, and who is logged in to the organisation";
	return "the organisation's own devices, by rn forward";
}

static void print_line(struct cli *c, const char *label, const char *text)
{
	if (text)
		cli_printf(c, "%-19s %s\n", label, text);
}

/* The command that a visitor uses: ssh to the public port, or rn forward on another device. */
static const char *how_to_use(const struct asked *a, const struct rec *r, struct arena *arena)
{
	const struct agent_port *p =
		a->ssh ? agent_port_named("ssh") : agent_port_find(target_port(&a->target), false);
	struct str at = rec_text(r, "public_address", arena), host;
	char line[300];
	uint64_t port;
	ptrdiff_t colon = -1;

	if (strcmp(a->protocol, "tcp") != 0)
		return NULL;
	for (size_t i = 0; i < at.len; i++)
		if (at.ptr[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon < 0)
		return arena_printf(arena, "rn forward %s:%u localhost", a->name,
				    target_port(&a->target))
			.ptr;
	host = arena_str(arena, str_slice(at, 0, (size_t)colon));
	if (!host.ptr || !str_to_u64(str_from_at(at, (size_t)colon + 1), UINT16_MAX, &port) ||
	    !agent_port_use(p, host.ptr, (uint16_t)port, line, sizeof(line)))
		return NULL;
	return arena_str(arena, str_from(line)).ptr;
}

/* "NAME. TTL IN TYPE VALUE.", a line of a zone: in short for who types it in, whole for who pastes
 * it. */
static void print_dns(struct cli *c, const char *zone_line, struct arena *arena)
{
	struct str rest = str_from(zone_line), word[5] = {0};
	size_t n = 0;

	while (n < ARRAY_LEN(word) && str_cut(&rest, ' ', &word[n]))
		n++;
	if (n < ARRAY_LEN(word))
		return;
	if (str_ends(word[0], STR(".")))
		word[0].len--;
	print_line(c, "DNS record:",
		   arena_printf(arena, "%.*s %.*s", STR_ARG(word[3]), STR_ARG(word[0])).ptr);
	print_line(c, "Line for the zone:", zone_line);
}

static void print_people(struct cli *c, const struct asked *a, const struct rec *r,
			 struct arena *arena)
{
	const char *url = value(r, "url", arena), *at = value(r, "public_address", arena);

	if (strncmp(a->protocol, "http", 4) != 0)
		url = at ? at : NULL;
	print_line(c, "Service exposed at:",
		   url ? url : "the gateway, for the organisation's own devices");
	print_dns(c, value(r, "dns", arena), arena);
	print_line(c, "Share link:", value(r, "share", arena));
	print_line(c, "Who may reach it:", who_may(a, r, arena));
	print_line(c, "Use it with:", how_to_use(a, r, arena));
}

void print_up(struct app *app, const struct service *s)
{
	struct str line = buf_str(&s->record);
	struct arena arena;
	struct rn_error err;
	struct rec r;

	if (app->cli->out.view != REC_VIEW_PRETTY) {
		struct buf now;

		buf_init(&now, REC_LINE_MAX);
		service_state(s, &now);
		if (rec_out_put(&app->cli->out, buf_str(&now), &err))
			print_note(s, "%s", err.text);
		buf_free(&now);
		return;
	}
	arena_init(&arena, 65536);
	if (rec_parse(&r, str_slice(line, 0, line.len - 1), NULL, &err) == 0)
		print_people(app->cli, &s->asked, &r, &arena);
	arena_free(&arena);
}
