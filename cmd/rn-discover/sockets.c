/* SPDX-License-Identifier: MIT
 *
 * The kernel's socket tables, proc_net(5):
 *
 *     sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
 *      0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000       0 12345
 * …
 */
#include "rn-discover.h"

#include <arpa/inet.h>

#define TABLE_MAX (16u << 20)
#define COLUMN_LOCAL 1
#define COLUMN_REMOTE 2
#define COLUMN_STATE 3
#define COLUMN_INODE 9
#define COLUMNS 10

/* Splits at runs of blanks. False if there are fewer than COLUMNS. */
static bool split(struct str line, struct str columns[static COLUMNS])
{
	size_t n = 0;

	while (n < COLUMNS) {
		ptrdiff_t end;

		line = str_trim(line);
		if (!line.len)
			return false;
		end = str_find(line, ' ');
		columns[n++] = end < 0 ? line : str_slice(line, 0, (size_t)end);
		line = str_from_at(line, columns[n - 1].len);
	}
	return true;
}

/* Each 32-bit word of the address is printed as a number of the machine's own byte order. */
static bool parse_words(uint32_t *out, size_t n, struct str hex)
{
	uint8_t bytes[16];

	if (!hex_decode(bytes, n * 4, hex))
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
			 (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
	return true;
}

/* "0100007F:0BB8" */
static bool parse_address(struct addr *a, struct str text)
{
	struct str ip, port = text;
	uint32_t words[4];
	uint8_t p[2];

	*a = (struct addr){0};
	if (!str_cut(&port, ':', &ip) || !port.ptr || !hex_decode(p, 2, port))
		return false;
	if (ip.len == 8 && parse_words(words, 1, ip)) {
		a->in.sin_family = AF_INET;
		memcpy(&a->in.sin_addr, words, 4);
	} else if (ip.len == 32 && parse_words(words, 4, ip)) {
		a->in6.sin6_family = AF_INET6;
		memcpy(&a->in6.sin6_addr, words, 16);
	} else {
		return false;
	}
	addr_set_port(a, (uint16_t)(p[0] << 8 | p[1]));
	return true;
}

static bool is_wildcard(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == INADDR_ANY;
	return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool socket_parse(struct listener *l, struct str line, bool udp)
{
	const char *listening = udp ? "07" : "0A"; /* TCP_CLOSE (no peer) and TCP_LISTEN */
	struct str columns[COLUMNS];
	struct addr remote;
	uint64_t inode;

	*l = (struct listener){.udp = udp, .protocol = udp ? "udp" : "tcp"};
	if (!split(line, columns) || !str_is(columns[COLUMN_STATE], listening) ||
	    !parse_address(&l->bound, columns[COLUMN_LOCAL]) ||
	    !parse_address(&remote, columns[COLUMN_REMOTE]) || addr_port(&remote) != 0 ||
	    addr_port(&l->bound) == 0 || !str_to_u64(columns[COLUMN_INODE], UINT64_MAX, &inode))
		return false;
	l->inode = inode;
	l->address = l->bound;
	if (is_wildcard(&l->bound)) {
		struct str loopback =
			l->bound.sa.sa_family == AF_INET ? STR("127.0.0.1") : STR("::1");

		return addr_parse(&l->address, loopback, addr_port(&l->bound));
	}
	return true;
}

void sockets_read(struct listeners *ls, const char *path, bool udp)
{
	struct str rest, line;
	struct rn_error err;
	struct buf text;

	buf_init(&text, TABLE_MAX);
	if (file_read(path, &text, &err))
		log_write(LOG_DEBUG, "%s", err.text); /* no IPv6, or no /proc */
	rest = text.len ? buf_str(&text) : STR("");
	while (str_cut(&rest, '\n', &line)) {
		struct listener l, *kept;

		if (socket_parse(&l, line, udp) && (kept = VEC_PUSH(&ls->all)))
			*kept = l;
	}
	buf_free(&text);
}
