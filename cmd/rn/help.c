/* SPDX-License-Identifier: MIT
 *
 * rn help: what each program says of itself. Asked from the programs, so that nothing stands here
 * that could grow old.
 */
#include "rn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs PATH --list-options; its output is read from the descriptor. */
static int ask(const char *path, pid_t *pid)
{
	char list[] = "--list-options", *argv[] = {NULL, list, NULL}, *copy = strdup(path);
	posix_spawn_file_actions_t actions;
	int ends[2];
	if (!copy || pipe2(ends, O_CLOEXEC) < 0) {
		free(copy);
		return -1;
	}
	argv[0] = copy;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	free(copy);
	close(ends[1]);
	if (rc != 0)
		fd_close(&ends[0]);
	return ends[0];
}

/* The program's one line about itself, or an empty one. */
static void doc_of(const char *name, char *doc, size_t size)
{
	char path[4096];
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	struct arena a;
	pid_t pid;
	int fd = program_find(name, path, sizeof path) ? ask(path, &pid) : -1;
	doc[0] = '\0';
	if (fd < 0)
		return;
	arena_init(&a, 1 << 20);
	rec_reader_fd(&rd, fd, name);
	/* To the end, so that the program does not meet SIGPIPE. */
	while (rec_read(&rd, &r, &err) > 0)
		if (rec_is(&r, "program"))
			str_copy(doc, size, rec_text(&r, "doc", &a));
	rec_reader_free(&rd);
	arena_free(&a);
	fd_close(&fd);
	waitpid(pid, NULL, 0);
}

int help_all(struct rn_error *err)
{
	struct programs p;
	char doc[256];
	int rc = programs_list(&p, err);
	printf("Usage: rn COMMAND [ARGUMENT...]\n"
	       "Run a Rustronaut command: rn COMMAND is the program rn-COMMAND.\n\nCommands:\n");
	for (size_t i = 0; rc == 0 && i < p.names.len; i++) {
		doc_of(p.names.ptr[i], doc, sizeof doc);
		printf("  %-10s  %s\n", p.names.ptr[i] + 3, doc);
	}
	printf("\nShorthands:\n");
	for (const struct shorthand *s = shorthands; s->word; s++)
		printf("  %-10s  %s (%s %s)\n", s->word, s->doc, s->program, s->word);
	printf("\n  rn help COMMAND   more about one of them (its manual: man rn-COMMAND)\n"
	       "  rn --list         the names of all commands\n"
	       "  rn --version      the version\n"
	       "\nExamples:\n"
	       "  rn join INVITATION\n"
	       "  rn expose localhost:3000 http\n");
	programs_free(&p);
	return rc;
}
