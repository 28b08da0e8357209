/* SPDX-License-Identifier: MIT
 *
 * lib/record: lines. The one format for config, state, logs and pipes (the grammar stands in
 * rn-records(5)), and the one schema of kinds and keys.
 *
 *     listen=web address=0.0.0.0:443 proto=https
 *
 * A struct rec is a parsed view of one line: no copy, values still escaped. Most values need no
 * decoding (escapes are rare), and equal text is equal value in canonical form.
 */
#ifndef RN_RECORD_H
#define RN_RECORD_H

#include "base/base.h"

#define REC_LINE_MAX 4096 /* with its LF: PIPE_BUF, so that one write is atomic */
#define REC_FIELDS_MAX 128
#define REC_KEY_MAX 32

struct rec_field {
	struct str key;
	struct str value; /* as written: %XX not undone */
};

struct rec {
	struct str line;		    /* without LF */
	size_t n;			    /* fields used; 0 for a comment or an empty line */
	struct rec_field f[REC_FIELDS_MAX]; /* f[0] is the subject: kind and identity */
};

/* ---- reading -------------------------------------------------------------------------------- */

/* Parses one line (no LF) into R, checking the grammar. 0, or RN_EDATA with *column (from 1) set
 * and err->text saying what is wrong. COLUMN may be NULL. */
int rec_parse(struct rec *r, struct str line, size_t *column, struct rn_error *err) must_check;

/* A stream of records: file, pipe or memory. Skips comments and empty lines. */
struct rec_reader {
	const char *name; /* for messages: file name or "stdin" */
	size_t line;	  /* of the last record, from 1 */
	int fd;		  /* -1 when reading memory */
	struct buf in;	  /* what was read from fd */
	struct str rest;  /* not parsed yet */
	bool eof;
	bool skipping; /* inside a line that is too long */
};
/* NAME must stay. The reader does not own FD. */
void rec_reader_fd(struct rec_reader *rd, int fd, const char *name);
void rec_reader_mem(struct rec_reader *rd, struct str text, const char *name);
void rec_reader_free(struct rec_reader *rd);
/* 1: R holds a record, valid until the next call. 0: end. RN_EDATA: bad line, "NAME:LINE:COL: why"
 * in err, and the next call goes on behind it. Other codes: reading failed. */
int rec_read(struct rec_reader *rd, struct rec *r, struct rn_error *err) must_check;
/* The next rec_read will not wait for input. A filter writes out what it has when this is false. */
bool rec_reader_ready(const struct rec_reader *rd);

static inline struct str rec_kind(const struct rec *r)
{
	return r->f[0].key;
}
static inline struct str rec_id(const struct rec *r)
{
	return r->f[0].value;
}
/* "kind=identity" as it stands in the line. */
static inline struct str rec_subject(const struct rec *r)
{
	return str_make(r->line.ptr, r->f[0].key.len + 1 + r->f[0].value.len);
}
static inline bool rec_is(const struct rec *r, const char *kind)
{
	return r->n && str_is(r->f[0].key, kind);
}

/* The value as written, or NULL ptr when the key is absent. */
struct str rec_get(const struct rec *r, const char *key);
/* Decoded into the arena (NUL-terminated); NULL ptr when absent or out of memory. */
struct str rec_text(const struct rec *r, const char *key, struct arena *a);
/* Typed reads: 0, or RN_EDATA/RN_ECONFIG naming key and value. Absent gives FALLBACK. */
int rec_u64(const struct rec *r, const char *key, uint64_t fallback, uint64_t max, uint64_t *out,
	    struct rn_error *err) must_check;
int rec_bool(const struct rec *r, const char *key, bool fallback, bool *out,
	     struct rn_error *err) must_check;
/* Next element of a list value (still escaped); like str_cut on ',', but an empty list has none
 * (and nothing stands behind a comma at the end, which the schema check refuses). */
bool rec_list_next(struct str *rest, struct str *element);

/* ---- writing -------------------------------------------------------------------------------- */

/* Builds canonical records in B. A record that would pass REC_LINE_MAX sets b->failed. */
void rec_begin(struct buf *b, const char *kind, struct str id);
void rec_add(struct buf *b, const char *key, struct str text);	     /* escapes as needed */
void rec_add_cstr(struct buf *b, const char *key, const char *text); /* NULL: left out */
void rec_add_raw(struct buf *b, const char *key,
		 struct str value); /* canonical already (copied from a record) */
void rec_add_u64(struct buf *b, const char *key, uint64_t v);
void rec_add_i64(struct buf *b, const char *key, int64_t v);
void rec_add_bool(struct buf *b, const char *key, bool v);
void rec_add_list(struct buf *b, const char *key, const struct str *elements, size_t n);
void rec_end(struct buf *b); /* the LF */
/* Writes R again in canonical form: escapes only where they must be. The order of fields is kept.
 */
void rec_write(struct buf *b, const struct rec *r);
/* The same in the schema's order (subject, required keys, optional ones, unknown ones by name) with
 * set-like lists sorted: equal records of a known kind come out as equal text. */
void rec_canonical(struct buf *b, const struct rec *r);

struct schema_kind;

/* RN_EPERM if a key of R that names a file (TYPE_PATH) leads out of the folder that R's own file lies
 * in: for records that somebody else wrote, who is not to choose among all files of this machine. */
int rec_files_beside(const struct rec *r, struct rn_error *err) must_check;

/* ---- views ---------------------------------------------------------------------------------- */

enum rec_view { REC_VIEW_RECORDS, REC_VIEW_PRETTY, REC_VIEW_COLUMNS, REC_VIEW_JSON };

/* An output of records in one view: a program builds records and hands each to out_record. */
struct rec_out {
	int fd;
	enum rec_view view;
	struct str columns; /* "a,b" for REC_VIEW_COLUMNS */
	bool header;	    /* "#rn 1 KIND key…" before the first record */
	struct buf text;    /* not written yet */
	struct buf held;    /* pretty: records held back to align columns */
	bool started;
	const struct schema_kind *last; /* of the last record, for the header */
};
void rec_out_init(struct rec_out *o, int fd, enum rec_view view);
/* RECORD is one or more canonical lines, each with LF. */
int rec_out_put(struct rec_out *o, struct str record, struct rn_error *err) must_check;
/* Writes out what may be written now (pretty holds back until columns are known). */
int rec_out_flush(struct rec_out *o, struct rn_error *err) must_check;
/* Writes what is held back; RN_EIO on a full disk or a closed pipe. Frees. */
int rec_out_finish(struct rec_out *o, struct rn_error *err) must_check;
/* R as one JSON object, no LF: the subject first; numbers, booleans and arrays where the schema
 * says so, text else. A value that is not UTF-8 is {"base64":"…"}; a number past 2^53 is a string.
 */
int rec_to_json(struct buf *b, const struct rec *r, struct rn_error *err) must_check;
/* The reverse: JSON is one object; adds one canonical record with its LF. The subject is the member
 * named KIND (missing: empty identity), or with KIND NULL the first member. null members are left
 * out. RN_EDATA for what cannot be a record; the schema is not checked. */
int rec_from_json(struct buf *b, struct str json, const char *kind,
		  struct rn_error *err) must_check;

/* ---- schema --------------------------------------------------------------------------------- */

enum schema_type {
	TYPE_TEXT,
	TYPE_NAME,
	TYPE_U64,
	TYPE_BOOL,
	TYPE_ENUM,
	TYPE_ADDRESS,  /* an IP address */
	TYPE_CIDR,
	TYPE_ENDPOINT, /* host:port */
	TYPE_UPSTREAM, /* an endpoint, unix:/path or cgi:/path */
	TYPE_KEY,      /* 32 bytes, base64 */
	TYPE_HOST,     /* may start with *. */
	TYPE_PATH,     /* of a file */
	TYPE_URLPATH,
	TYPE_REF,
	TYPE_TIME,      /* Unix seconds */
	TYPE_PRINCIPAL, /* any, link, org, user:x, group:x, device:x, cidr:x */
	TYPE_HEX,
	TYPE_BASE64,
};
enum { KEY_REQUIRED = 1, KEY_LIST = 2, KEY_SET = 4 /* list written sorted */ };
struct schema_key {
	const char *name;
	enum schema_type type;
	unsigned flags;
	const char *values; /* TYPE_ENUM: "a|b"; TYPE_REF: the kind; TYPE_U64: "min-max"; or NULL */
	const char *fallback; /* default as text, or NULL */
	const char *doc;      /* one line */
};
struct schema_kind {
	const char *name;
	bool config;	      /* unknown keys are refused (configuration and rules), else ignored */
	enum schema_type id;  /* type of the identity */
	const char *programs; /* "rn-wg rn-proxy": who reads it */
	const char *brief;    /* keys of a table that is too wide for the terminal; NULL: blocks */
	const char *doc;
	const struct schema_key *keys; /* ends with name NULL */
};
/* All kinds, ended by name NULL; NULL for an unknown name. */
extern const struct schema_kind *const schema_kinds[];
/* "text", "endpoint"…, as --schema and rn-records(5) name it, and one line of what it allows. */
const char *schema_type_name(enum schema_type t);
const char *schema_type_doc(enum schema_type t);
const struct schema_kind *schema_find(struct str kind);
const struct schema_key *schema_key_find(const struct schema_kind *k, struct str key);
/* Checks one value (one element, for a list) as written. 0 or RN_EDATA with what is wrong. */
int schema_check_value(enum schema_type t, const char *values, struct str value,
		       struct rn_error *err) must_check;
/* Checks R against its kind: required keys, types, unknown keys (with the nearest known name).
 * Unknown kinds pass. 0 or RN_ECONFIG (config kinds) / RN_EDATA, the key named; *column is set. */
int schema_check(const struct rec *r, size_t *column, struct rn_error *err) must_check;
/* The schema itself as records, for --schema: type=… lines (without ONLY_KIND), then for each kind
 * its kind=… line and a key=… line for each key. */
void schema_write(struct buf *b, const char *only_kind);

/* ---- config files --------------------------------------------------------------------------- */

/* Reads a whole config ("-": stdin), checking grammar and schema of every line and that subjects do
 * not repeat; calls FN for each record (valid only during the call). The first error stops it, and
 * err says "FILE:LINE:COL: why" with code RN_ECONFIG. Nothing was applied if this fails. */
typedef int rec_config_fn(void *ctx, const struct rec *r, struct rn_error *err);
int rec_config_read(const char *path, rec_config_fn *fn, void *ctx,
		    struct rn_error *err) must_check;
int rec_config_mem(struct str text, const char *name, rec_config_fn *fn, void *ctx,
		   struct rn_error *err) must_check;

#endif
