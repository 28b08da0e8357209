/* SPDX-License-Identifier: MIT
 *
 * Kinds by which the tools speak about themselves: the schema, command lines, measurements.
 */
#include "record/schema_kinds.h"

/* clang-format off */
static const struct schema_key type_keys[] = {
	{"doc", TYPE_TEXT, 0, NULL, NULL, "what it allows"},
	{0}};
SCHEMA_KIND(type, .id = TYPE_NAME, .programs = "", .doc = "a type of values, in --schema");

static const struct schema_key kind_keys[] = {
	{"type", TYPE_TEXT, REQ, NULL, NULL, "type of the identity"},
	{"config", TYPE_BOOL, 0, NULL, NULL, "yes: unknown keys are refused"},
	{"programs", TYPE_NAME, LIST, NULL, NULL, "programs that read it"},
	{"doc", TYPE_TEXT, 0, NULL, NULL, "what it is"},
	{0}};
SCHEMA_KIND(kind, .id = TYPE_TEXT, .programs = "", .doc = "a kind of record, in --schema");

static const struct schema_key key_keys[] = {
	{"kind", TYPE_TEXT, REQ, NULL, NULL, "the kind it belongs to"},
	{"type", TYPE_TEXT, REQ, NULL, NULL, "type of its value, or of each element"},
	{"values", TYPE_TEXT, 0, NULL, NULL, "the words, the range or the kind that is meant"},
	{"required", TYPE_BOOL, 0, NULL, NULL, "yes: must be there"},
	{"list", TYPE_ENUM, 0, "list|set", NULL, "comma-separated; a set's order has no meaning"},
	{"fallback", TYPE_TEXT, 0, NULL, NULL, "value that stands when it is absent"},
	{"doc", TYPE_TEXT, 0, NULL, NULL, "what it is"},
	{0}};
SCHEMA_KIND(key, .id = TYPE_TEXT, .programs = "", .doc = "a key of a kind, in --schema");

static const struct schema_key program_keys[] = {
	{"doc", TYPE_TEXT, 0, NULL, NULL, "what it is for"},
	{0}};
SCHEMA_KIND(program, .id = TYPE_NAME, .programs = "rn", .doc = "a program, in --list-options");

static const struct schema_key command_keys[] = {
	{"program", TYPE_NAME, REQ, NULL, NULL, "the program"},
	{"args", TYPE_TEXT, 0, NULL, NULL, "its arguments"},
	{"doc", TYPE_TEXT, 0, NULL, NULL, "what it does"},
	{0}};
SCHEMA_KIND(command, .id = TYPE_TEXT, .programs = "", .doc = "a command of a program, in --list-options");

static const struct schema_key option_keys[] = {
	{"program", TYPE_NAME, 0, NULL, NULL, "the program"},
	{"command", TYPE_TEXT, 0, NULL, NULL, "the command; absent: every command"},
	{"short", TYPE_TEXT, 0, NULL, NULL, "its letter"},
	{"arg", TYPE_TEXT, 0, NULL, NULL, "its argument"},
	{"doc", TYPE_TEXT, 0, NULL, NULL, "what it does"},
	{0}};
SCHEMA_KIND(option, .id = TYPE_TEXT, .programs = "", .doc = "an option, in --list-options");

static const struct schema_key bench_keys[] = {
	{"tool", TYPE_TEXT, 0, NULL, NULL, "what was measured"},
	{0}};
SCHEMA_KIND(bench, .id = TYPE_NAME, .programs = "", .doc = "a measurement; further keys name their unit");
