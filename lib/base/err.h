/* SPDX-License-Identifier: MIT
 *
 * Errors. A function that can fail returns 0 or a negative enum rn_err and fills the struct
 * rn_error that its caller passed (never NULL). The codes are the exit codes of sysexits(3),
 * negated, so that a program's exit status is -code.
 */
#ifndef RN_ERR_H
#define RN_ERR_H

enum rn_err {
	RN_OK = 0,
	RN_ENO = -1,          /* an honest no: denied, differs, not found */
	RN_EUSAGE = -64,      /* wrong command line */
	RN_EDATA = -65,       /* bad data from outside */
	RN_ENOINPUT = -66,    /* input file missing or unreadable */
	RN_EAWAY = -69,       /* a service that is needed does not answer; a retry may help */
	RN_EBUG = -70,        /* broken invariant, not the user's fault */
	RN_EOS = -71,         /* the system refused: memory, descriptors, fork */
	RN_ECANTCREAT = -73,  /* an output file cannot be made */
	RN_EIO = -74,         /* read or write failed: full disk, closed pipe */
	RN_EAGAIN = -75,      /* try again later */
	RN_EPROTO = -76,      /* the other side spoke wrongly */
	RN_EPERM = -77,       /* no permission, or the credential was refused */
	RN_ECONFIG = -78,     /* bad configuration; nothing was applied */
};

struct rn_error {
	enum rn_err code;
	int sys;        /* errno at the failure, or 0 */
	char text[480]; /* one line for a person, no newline, names what and where */
};

/* Fills *err with CODE and a formatted text; returns CODE. Text that is too long is cut. */
int rn_fail(struct rn_error *err, enum rn_err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of the current errno added, and err->sys set to it. */
int rn_fail_errno(struct rn_error *err, enum rn_err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "WHERE: " in front of the text of an error that a callee filled; returns err->code. */
int rn_fail_in(struct rn_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Aborts with the place if COND does not hold. For broken invariants only, never for input. */
#define rn_assert(cond) ((cond) ? (void)0 : rn_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void rn_assert_failed(const char *cond, const char *file, int line);

#endif
