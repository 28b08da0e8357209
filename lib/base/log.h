/* SPDX-License-Identifier: MIT
 *
 * Log: one record a line on a descriptor (standard error), in one write:
 *
 *     log=warn at=1763640000 program=rn-proxy text=target%20app-1%20is%20down resource=app
 *
 * Never with a secret in it. Before log_open nothing is written, so libraries may call freely.
 */
#ifndef RN_LOG_H
#define RN_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* From now on, levels up to MAX go to FD under PROGRAM's name (which must stay). */
void log_open(int fd, const char *program, enum log_level max);
enum log_level log_level(void);
/* What happened, in plain words; one line. */
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with key and value pairs behind it, ended by NULL: log_event(LOG_INFO, "peer is up",
 * "peer", name, NULL). */
void log_event(enum log_level level, const char *text, ...) __attribute__((sentinel));

#endif
