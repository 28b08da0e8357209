/* SPDX-License-Identifier: MIT */
#include "rn-discover.h"

#define BUDGET_MS 350 /* of the 500 ms that all of it may take */

struct options {
	bool all, no_probe;
};
enum { OPT_ALL = 0x100, OPT_NO_PROBE };

/* Listeners that nobody means when asking for services: they serve this machine or this link only.
 */
static const struct {
	uint16_t port;
	bool udp;
} plumbing[] = {
	{67, true},   {68, true},   {111, false}, {111, true},	{323, true},
	{546, true},  {547, true},  {1900, true}, {5353, true}, {5355, false},
	{5355, true}, {3702, true}, {631, true},  {137, true},	{138, true},
};

static bool is_plumbing(const struct listener *l)
{
	uint16_t port = addr_port(&l->bound);

	for (size_t i = 0; i < ARRAY_LEN(plumbing); i++)
		if (plumbing[i].port == port && plumbing[i].udp == l->udp)
			return true;
	/* systemd-resolved's stub */
	return port == 53 && l->bound.sa.sa_family == AF_INET && addr_is_loopback(&l->bound) &&
	       (ntohl(l->bound.in.sin_addr.s_addr) & 0xff) >= 53;
}

/* The first port that the kernel hands to clients. */
static uint16_t first_client_port(void)
{
	struct rn_error ignored;
	struct str rest, first;
	struct buf text;
	uint64_t port = 32768;

	buf_init(&text, 256);
	if (file_read("/proc/sys/net/ipv4/ip_local_port_range", &text, &ignored) == 0 && text.len) {
		rest = buf_str(&text);
		str_cut(&rest, '\t', &first);
		if (!str_to_u64(first, UINT16_MAX, &port))
			port = 32768;
	}
	buf_free(&text);
	return (uint16_t)port;
}

static bool is_ours(const struct listener *l)
{
	return str_starts(str_from(l->program), STR("rn-")) ||
	       strcmp(l->program, "rustronaut-cli") == 0;
}

static bool is_worth(const struct listener *l, uint16_t client_port)
{
	if (is_ours(l) || is_plumbing(l))
		return false;
	/* A UDP socket up there is most likely somebody's question, not a service. */
	return !l->udp || addr_port(&l->bound) < client_port ||
	       agent_port_find(addr_port(&l->bound), true);
}

/* Drops what is not worth a record, and the second of two families of the same port. */
static void keep_worthy(struct listeners *ls, bool all)
{
	uint16_t client_port = first_client_port();
	size_t n = 0;

	for (size_t i = 0; i < ls->all.len; i++) {
		struct listener *l = &ls->all.ptr[i];
		bool twice = false;

		for (size_t k = 0; k < n; k++) {
			const struct listener *o = &ls->all.ptr[k];

			twice |= o->udp == l->udp &&
				 addr_port(&o->address) == addr_port(&l->address) &&
				 (addr_eq_ip(&o->address, &l->address) ||
				  (addr_is_loopback(&o->address) && addr_is_loopback(&l->address)));
		}
		if (!twice && !is_ours(l) && (all || is_worth(l, client_port)))
			ls->all.ptr[n++] = *l;
	}
	ls->all.len = n;
}

static void guess_by_port(struct listeners *ls)
{
	for (size_t i = 0; i < ls->all.len; i++) {
		struct listener *l = &ls->all.ptr[i];
		const struct agent_port *p = agent_port_find(addr_port(&l->address), l->udp);

		if (!p)
			continue;
		l->guess = p->name;
		l->protocol = p->protocol;
	}
}

/* "ssh" at its own port, else "ssh-2200"; with a further number if that is taken. */
static void service_name(const struct listeners *ls, size_t i, char *out, size_t size)
{
	const struct listener *l = &ls->all.ptr[i];
	const char *what = l->guess ? l->guess : l->protocol;
	const struct agent_port *p = agent_port_named(what);
	uint16_t port = addr_port(&l->address);
	unsigned same = 1;

	for (size_t k = 0; k < i; k++)
		same += ls->all.ptr[k].udp == l->udp && addr_port(&ls->all.ptr[k].address) == port;
	if (p && p->port == port && strcmp(p->name, "http") != 0)
		snprintf(out, size, "%s", what);
	else
		snprintf(out, size, "%s-%u", what, port);
	if (same > 1)
		snprintf(out + strlen(out), size - strlen(out), "-%u", same);
}

static int put(struct cli *c, const struct listeners *ls, size_t i)
{
	const struct listener *l = &ls->all.ptr[i];
	char name[64], at[ADDR_TEXT_MAX];
	struct buf b;
	int rc;

	service_name(ls, i, name, sizeof(name));
	addr_format(&l->address, at);
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "service", str_from(name));
	rec_add_cstr(&b, "local_address", at);
	rec_add_cstr(&b, "protocol", l->protocol);
	if (l->program[0])
		rec_add_cstr(&b, "program", l->program);
	rec_add_cstr(&b, "guess", l->guess);
	rec_end(&b);
	rc = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

static int by_port(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;
	int d = (int)x->udp - (int)y->udp;

	if (!d)
		d = (int)addr_port(&x->address) - (int)addr_port(&y->address);
	return d ? d : (int)x->address.sa.sa_family - (int)y->address.sa.sa_family;
}

static int run(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	struct listeners ls = {0};
	int rc = 0;

	(void)argc;
	(void)argv;
	sockets_read(&ls, "/proc/net/tcp", false);
	sockets_read(&ls, "/proc/net/tcp6", false);
	sockets_read(&ls, "/proc/net/udp", true);
	sockets_read(&ls, "/proc/net/udp6", true);
	owners_find(&ls, "/proc");
	if (ls.all.len)
		qsort(ls.all.ptr, ls.all.len, sizeof(*ls.all.ptr), by_port);
	keep_worthy(&ls, o->all);
	guess_by_port(&ls);
	if (!o->no_probe)
		rc = probe_all(&ls, BUDGET_MS, &c->err);
	for (size_t i = 0; !rc && i < ls.all.len; i++)
		rc = put(c, &ls, i);
	if (!rc && !ls.all.len)
		dprintf(2, "rn-discover: nothing worth exposing listens on this machine\n");
	vec_free(&ls.all.base);
	return rc;
}

static int parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct options *o = opts;

	(void)arg;
	(void)err;
	switch (key) {
	case OPT_ALL:
		o->all = true;
		return 0;
	case OPT_NO_PROBE:
		o->no_probe = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"all", OPT_ALL, 0, 0,
	 "Also what hardly anybody wants to expose: mDNS, DHCP, clients' UDP ports…", 0},
	{"no-probe", OPT_NO_PROBE, 0, 0, "Guess by port number only, connect to nothing", 0},
	{0}};

static const struct cli_cmd cmds[] = {{.doc = "Find local services that could be exposed\v"
					      "Prints a service record for each TCP and UDP "
					      "listener of this machine, with a guess what it is. "
					      "Listeners on loopback are asked (all at once, under "
					      "half a second); others are judged by their port. "
					      "Rustronaut's own sockets are left out.",
				       .options = options,
				       .parse = parse,
				       .opts_size = sizeof(struct options),
				       .run = run},
				      {0}};

static const char examples[] =
	"  rn-discover                       # what runs here\n"
	"  rn-discover | rn expose -         # all of it, for who has the links\n"
	"  rn-discover | grep guess=http | rn expose -\n"
	"  rn-discover -o local_address,guess\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {.name = "rn-discover",
					     .doc = "Find local services worth exposing",
					     .cmds = cmds,
					     .examples = examples};

	return cli_main(&prog, argc, argv);
}
