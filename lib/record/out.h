/* SPDX-License-Identifier: MIT
 *
 * lib/record inside: the view for people, which needs several records to align columns.
 */
#ifndef RN_RECORD_OUT_H
#define RN_RECORD_OUT_H

#include "record/record.h"

/* Holds R back until another kind begins, rec_pretty_flush, or many are held. */
void rec_pretty_hold(struct rec_out *o, const struct rec *r);
/* Lays what is held into o->text: a table, or a block for each record when it is too wide or only
 * one. */
void rec_pretty_flush(struct rec_out *o);

#endif
