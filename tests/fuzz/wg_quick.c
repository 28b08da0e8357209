/* SPDX-License-Identifier: MIT
 *
 * Files of wg-quick: what is accepted is written as a file and as records. The file, read and written
 * again, is the same; the records are read by the reader of configs (but for the key files, which do
 * not exist), and no message holds more of a line than the name of its key.
 */
#include "wg/quick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_file(const struct wg_config *config)
{
	struct buf first, second;
	struct wg_config again;
	struct rn_error err;
	buf_init_secret(&first, QUICK_MAX);
	buf_init_secret(&second, QUICK_MAX);
	wg_config_init(&again);
	quick_write(&first, config, true);
	rn_assert(!first.failed);
	rn_assert(quick_parse(&again, buf_str(&first), "again", NULL, &err) == 0);
	quick_write(&second, &again, true);
	rn_assert(str_eq(buf_str(&first), buf_str(&second)));
	wg_config_free(&again);
	buf_free(&first);
	buf_free(&second);
}

static int take(void *ctx, const struct rec *r, struct rn_error *err)
{
	(void)err;
	*(size_t *)ctx += r->n > 0;
	return 0;
}

static void check_records(const struct wg_config *config)
{
	struct buf text;
	struct rn_error err;
	size_t n = 0;
	buf_init(&text, QUICK_MAX);
	quick_records(&text, config, "wg0");
	if (!text.failed) { /* else a peer has more prefixes than a record holds */
		rn_assert(rec_config_mem(buf_str(&text), "records", take, &n, &err) == 0);
		rn_assert(n == 1 + config->peers.len);
	}
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wg_config config;
	struct rn_error err;
	wg_config_init(&config);
	if (quick_parse(&config, str_make(data, size), "f", NULL, &err) == 0) {
		check_file(&config);
		check_records(&config);
	} else {
		rn_assert(strlen(err.text) < 200);
	}
	wg_config_free(&config);
	return 0;
}
