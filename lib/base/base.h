/* SPDX-License-Identifier: MIT
 *
 * lib/base: what every part of Rustronaut stands on. Nothing here knows of records, networks or
 * WireGuard. Libraries never print, never exit, never read argv or the environment; the one thing
 * here that writes is the log, to a descriptor that the program names.
 *
 *   err.h     error codes (= exit codes, negated) and struct rn_error
 *   str.h     strings by pointer and length; parsing of integers
 *   mem.h     saturating sizes, arenas with a hard cap, growable bounded buffers
 *   map.h     hash map from strings to pointers, keyed against flooding
 *   codec.h   hex, base64 and base64url, value escapes
 *   file.h    descriptors, whole-file reads, atomic replacement
 *   secret.h  locked memory, wiping, constant-time compare
 *   clock.h   monotonic and wall time; a fake for tests
 *   log.h     log records on a descriptor
 */
#ifndef RN_BASE_H
#define RN_BASE_H

#include "base/banned.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The struct that holds MEMBER at PTR; for timers, watchers and list links kept inside a struct. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
