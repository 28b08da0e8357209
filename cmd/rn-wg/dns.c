/* SPDX-License-Identifier: MIT
 *
 * rn-wg dns: what the administrator may do about names, in the words of four programs. Changes
 * nothing.
 */
#include "rn-wg.h"

#include "wg/config.h"

struct names {
	const char *interface;
	const struct wg_config *config;
};

int dns_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct dns_options *o = opts;
	(void)err;
	switch (key) {
	case 'f':
		o->file = arg;
		return 0;
	case 't':
		o->target = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* " A B" of the list "A,B", with PREFIX before each. */
static void print_list(struct cli *c, const char *list, const char *prefix)
{
	struct str rest = str_from(list), one;
	while (rest.ptr && str_cut(&rest, ',', &one))
		cli_printf(c, " %s%.*s", prefix, STR_ARG(one));
}

/* ---- one function a program ------------------------------------------------------------ */

static void print_resolvectl(struct cli *c, const struct names *n)
{
	if (!n->config->dns)
		return;
	cli_printf(c, "resolvectl dns %s", n->interface);
	print_list(c, n->config->dns, "");
	/* "~." sends every question there; without search domains that is what the config asks for.
	 */
	cli_printf(c, "\nresolvectl domain %s", n->interface);
	if (n->config->search)
		print_list(c, n->config->search, "");
	else
		cli_printf(c, " '~.'");
	cli_printf(c, "\n");
}

static void print_resolvconf(struct cli *c, const struct names *n)
{
	struct str rest = str_from(n->config->dns), one;
	if (!n->config->dns)
		return;
	cli_printf(c, "resolvconf -a %s -m 0 -x <<END\n", n->interface);
	while (rest.ptr && str_cut(&rest, ',', &one))
		cli_printf(c, "nameserver %.*s\n", STR_ARG(one));
	if (n->config->search) {
		cli_printf(c, "search");
		print_list(c, n->config->search, "");
		cli_printf(c, "\n");
	}
	cli_printf(c, "END\n");
}

/* The first address that is wholly PEER's, as text. */
static bool peer_address(const struct wg_peer_config *p, char text[static ADDR_TEXT_MAX])
{
	for (size_t i = 0; i < p->allowed.len; i++) {
		struct addr a;
		if (p->allowed.ptr[i].bits != (p->allowed.ptr[i].family == AF_INET ? 32 : 128))
			continue;
		wg_cidr_addr(&p->allowed.ptr[i], &a);
		addr_format_ip(&a, text);
		return true;
	}
	return false;
}

static void print_peers(struct cli *c, const struct names *n, bool dnsmasq)
{
	char ip[ADDR_TEXT_MAX];
	for (size_t i = 0; i < n->config->peers.len; i++) {
		const struct wg_peer_config *p = &n->config->peers.ptr[i];
		if (!p->name || !peer_address(p, ip))
			continue;
		if (dnsmasq)
			cli_printf(c, "host-record=%s,%s.%s,%s\n", p->name, p->name, n->interface,
				   ip);
		else
			cli_printf(c, "%s %s %s.%s\n", ip, p->name, p->name, n->interface);
	}
}

static void print_dnsmasq(struct cli *c, const struct names *n)
{
	struct str servers = str_from(n->config->dns), server, domain;
	while (servers.ptr && str_cut(&servers, ',', &server)) {
		struct str domains = str_from(n->config->search);
		if (!domains.ptr)
			cli_printf(c, "server=%.*s\n", STR_ARG(server));
		while (domains.ptr && str_cut(&domains, ',', &domain))
			cli_printf(c, "server=/%.*s/%.*s\n", STR_ARG(domain), STR_ARG(server));
	}
	print_peers(c, n, true);
}

static void print_hosts(struct cli *c, const struct names *n)
{
	print_peers(c, n, false);
}

static const struct {
	const char *name;
	const char *where; /* its lines belong */
	void (*print)(struct cli *c, const struct names *n);
} targets[] = {
	{"resolvectl", "systemd-resolved: commands for root", print_resolvectl},
	{"resolvconf", "resolvconf(8): a command for root", print_resolvconf},
	{"dnsmasq", "dnsmasq: lines for a file in /etc/dnsmasq.d", print_dnsmasq},
	{"hosts", "lines for /etc/hosts", print_hosts},
};

static int print(struct cli *c, const char *target, const struct names *n)
{
	bool any = false;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (target && strcmp(target, targets[i].name) != 0)
			continue;
		if (!target)
			cli_printf(c, "# %s\n", targets[i].where);
		targets[i].print(c, n);
		any = true;
	}
	if (any)
		return 0;
	return rn_fail(&c->err, RN_EUSAGE,
		       "--for %s: none of resolvectl, resolvconf, dnsmasq, hosts", target);
}

int run_dns(struct cli *c, int argc, char **argv)
{
	const struct dns_options *o = c->opts;
	struct wg_config config;
	struct names names = {argv[0], &config};
	(void)argc;
	wg_config_init(&config);
	int code = check_name(argv[0], &c->err);
	if (!code)
		code = config_or_running(c, argv[0], o->file, false, &config);
	if (!code)
		code = print(c, o->target, &names);
	wg_config_free(&config);
	return code;
}
