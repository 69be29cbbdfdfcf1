/* SPDX-License-Identifier: ISC */
#include "lib/cli/cli.h"
#include "lib/cli/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"

#define LEN(a)    (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX 16

/* --- a program of three commands ----------------------------------------- */

/* What the last command was given, in one text; "" when none ran. */
static char seen[512];
/* What `fail` returns and says. */
static int fail_with;
static const char *fail_words, *fail_hint;

static void
add_seen(const char *name, const char *value)
{
	size_t n = strlen(seen);

	(void)snprintf(seen + n, sizeof(seen) - n, "%s%s%s", n > 0 ? " " : "",
	    name, value != NULL ? value : "-");
}

static int
run_copy(struct cli_args *a, struct err *e)
{
	const struct strs *tags = cli_all(a, "tag");

	(void)e;
	add_seen("C:", cli_dir(a));
	add_seen("n:", cli_get(a, "number"));
	if (cli_flag(a, "verbose"))
		add_seen("v", "");
	if (cli_flag(a, "y"))
		add_seen("y", "");
	for (size_t i = 0; i < tags->n; i++)
		add_seen("t:", tags->v[i]);
	for (size_t i = 0; i < cli_n_operands(a); i++) {
		if (cli_operands(a)->v[i] != cli_operand(a, i))
			return EXIT_SYSTEM;
		add_seen("o:", cli_operand(a, i));
	}
	return cli_operand(a, cli_n_operands(a)) == NULL ? 0 : EXIT_SYSTEM;
}

static int
run_list(struct cli_args *a, struct err *e)
{
	(void)e;
	add_seen("list C:", cli_dir(a));
	return 0;
}

static int
run_fail(struct cli_args *a, struct err *e)
{
	(void)a;
	add_seen("fail", "");
	printf("half\n");
	if (fail_words != NULL)
		(void)err_set(e, fail_with, "%s", fail_words);
	if (fail_hint != NULL)
		err_hint(e, "%s", fail_hint);
	return fail_with;
}

static const struct cli_option copy_options[] = {
    {'n', "number", "N", "how many"},
    {'v', "verbose", NULL, "say more"},
    {0, "tag", "TAG", "mark it"},
    CLI_YES,
};
static const struct cli_command group_subs[] = {
    {.name = "list", .operands = "", .summary = "list all", .run = run_list},
};
static const struct cli_command commands[] = {
    {.name = "copy",
	.operands = "FILE [FILE ...]",
	.summary = "copy files",
	CLI_OPTIONS(copy_options),
	.min_operands = 1,
	.max_operands = 3,
	.run = run_copy},
    {.name = "group",
	.operands = "",
	.summary = "groups",
	CLI_SUBS(group_subs)},
    {.name = "fail", .operands = "", .summary = "fail", .run = run_fail},
    {.name = "other",
	.operands = "WORD ...",
	.summary = "another program's",
	.max_operands = CLI_ANY,
	.through = true,
	.run = run_copy},
};

/* --- running it ---------------------------------------------------------- */

struct printed {
	char *out, *err;
	size_t out_len, err_len;
};

static void
printed_clear(struct printed *p)
{
	free(p->out);
	free(p->err);
	*p = (struct printed){0};
}

/* How a program begins. */
static int (*entry)(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv) = cli_main;

/* Run a line of words split at blanks; p gets what it printed. */
static int
run_line(const char *line, struct printed *p)
{
	FILE *was_out = stdout, *was_err = stderr;
	char copy[256], *argv[WORDS_MAX + 1], *rest = copy;
	int argc = 0, status;

	assert_true(strlen(line) < sizeof(copy));
	memcpy(copy, line, strlen(line) + 1);
	while (rest != NULL && argc < WORDS_MAX) {
		argv[argc++] = rest;
		rest = strchr(rest, ' ');
		if (rest != NULL)
			*rest++ = '\0';
	}
	argv[argc] = NULL;

	*p = (struct printed){0};
	seen[0] = '\0';
	stdout = open_memstream(&p->out, &p->out_len);
	stderr = open_memstream(&p->err, &p->err_len);
	status = entry("writ", "Writ tests a command line.", commands,
	    LEN(commands), argc, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = was_out;
	stderr = was_err;
	return status;
}

static void
expect_has(const char *name, const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s: wanted '%s' in: %s", name, part, text);
}

/* --- words --------------------------------------------------------------- */

static void
options_stand_before_and_after_operands(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
	    {"writ copy a", "C:. n:- o:a"},
	    {"writ copy a b c", "C:. n:- o:a o:b o:c"},
	    {"writ copy -n 5 -v a b", "C:. n:5 v o:a o:b"},
	    {"writ copy a -n 5 b -v", "C:. n:5 v o:a o:b"},
	    {"writ copy a b -v -y", "C:. n:- v y o:a o:b"},
	    /* Each way to give a value, and that it is one option. */
	    {"writ copy -n5 a", "C:. n:5 o:a"},
	    {"writ copy --number 5 a", "C:. n:5 o:a"},
	    {"writ copy --number=5 a", "C:. n:5 o:a"},
	    {"writ copy --number=a=b a", "C:. n:a=b o:a"},
	    {"writ copy -n 1 --number 2 -n3 a", "C:. n:3 o:a"},
	    {"writ copy -v --verbose a", "C:. n:- v o:a"},
	    {"writ copy --tag x a --tag=y --tag x", "C:. n:- t:x t:y t:x o:a"},
	    /* A value is taken whatever it looks like. */
	    {"writ copy -n -v a", "C:. n:-v o:a"},
	    {"writ copy -n -- a", "C:. n:-- o:a"},
	    {"writ copy --tag --tag a", "C:. n:- t:--tag o:a"},
	    {"writ copy -n -h a", "C:. n:-h o:a"},
	    {"writ copy --tag --help a", "C:. n:- t:--help o:a"},
	    {"writ copy -C -h a", "C:-h n:- o:a"},
	    {"writ -C -h copy a", "C:-h n:- o:a"},
	    /* The end of options, and words that are none. */
	    {"writ copy -- -n --verbose", "C:. n:- o:-n o:--verbose"},
	    {"writ copy a -- -C d", "C:. n:- o:a o:-C o:d"},
	    {"writ copy -- -- a", "C:. n:- o:-- o:a"},
	    {"writ copy -- -h", "C:. n:- o:-h"},
	    {"writ copy - -v", "C:. n:- v o:-"},
	    /* The deployment's directory, anywhere. */
	    {"writ -C d copy a", "C:d n:- o:a"},
	    {"writ copy -C d a", "C:d n:- o:a"},
	    {"writ copy a -C d", "C:d n:- o:a"},
	    {"writ copy a -Cd -v", "C:d n:- v o:a"},
	    {"writ -Cd copy a -C e", "C:e n:- o:a"},
	    {"writ copy -n -C a", "C:. n:-C o:a"},
	    {"writ group list", "list C:."},
	    {"writ -C d group list", "list C:d"},
	    {"writ group -C d list", "list C:d"},
	    {"writ group list -C d", "list C:d"},
	    /* What another program is to read is not read here. */
	    {"writ other -h", "C:. n:- o:-h"},
	    {"writ other x --help -C d -n",
		"C:. n:- o:x o:--help o:-C o:d o:-n"},
	    {"writ -C d other -- --x=1", "C:d n:- o:-- o:--x=1"},
	    {"writ other", "C:. n:-"},
	    {"writ help other", "C:. n:- o:help"},
	    {"writ help other x -n", "C:. n:- o:help o:x o:-n"},
	};
	struct printed p;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int status = run_line(cases[i].line, &p);

		if (status != 0 || strcmp(seen, cases[i].want) != 0)
			fail_msg("%s: status %d, seen %s, said %s",
			    cases[i].line, status, seen, p.err);
		assert_string_equal(p.err, "");
		printed_clear(&p);
	}
}

static void
a_wrong_line_runs_nothing_and_says_why(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
	    {"writ copy -x a", "writ: unknown option '-x'\n"},
	    {"writ copy a --nope", "writ: unknown option '--nope'\n"},
	    {"writ copy a --nope=1", "writ: unknown option '--nope=1'\n"},
	    /* No abbreviation: a script must not change its meaning later. */
	    {"writ copy a --verbos", "writ: unknown option '--verbos'\n"},
	    {"writ copy a --verbosely", "writ: unknown option '--verbosely'\n"},
	    {"writ copy a --=1", "writ: unknown option '--=1'\n"},
	    {"writ copy a --y", "writ: unknown option '--y'\n"},
	    {"writ copy a --verbose=1", "option '--verbose=1' takes no value"},
	    {"writ copy a --verbose=", "option '--verbose=' takes no value"},
	    {"writ copy a -vx", "option '-vx' takes no value"},
	    {"writ copy a -n", "writ: option -n wants N\n"},
	    {"writ copy a --tag", "writ: option --tag wants TAG\n"},
	    {"writ copy a --tag=",
		"writ: option --tag is empty, expected TAG\n"},
	    {"writ copy a --tag=x --tag= -v", "option --tag is empty"},
	    {"writ copy a -C", "writ: option -C wants a directory\n"},
	    {"writ -C", "writ: option -C wants a directory\n"},
	    {"writ copy", "writ: missing operand, expected FILE [FILE ...]\n"},
	    {"writ copy -v --",
		"writ: missing operand, expected FILE [FILE ...]\n"},
	    {"writ copy a b c d", "writ: unexpected operand 'd'\n"},
	    {"writ group list x", "writ: unexpected operand 'x'\n"},
	    {"writ", "usage: writ [-C DIR] COMMAND ...\n"},
	    {"writ -C d", "usage: writ [-C DIR] COMMAND ...\n"},
	    {"writ nope", "writ: unknown command 'nope'\n"},
	    {"writ cop a", "writ: unknown command 'cop'\n"},
	    {"writ -v copy a", "writ: unknown command '-v'\n"},
	    {"writ group", "usage: writ group [-C DIR] COMMAND ...\n"},
	    {"writ group nope", "writ: unknown command 'nope'\n"},
	    {"writ help nope", "writ: unknown command 'nope'\n"},
	    {"writ help group nope", "writ: unknown command 'nope'\n"},
	    {"writ group help", "writ: unknown command 'help'\n"},
	    {"writ --version x", "writ: unknown command '--version'\n"},
	    {"writ --versio", "writ: unknown command '--versio'\n"},
	    {"writ copy --version", "writ: unknown option '--version'\n"},
	};
	struct printed p;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int status = run_line(cases[i].line, &p);

		if (status != EXIT_USAGE || seen[0] != '\0')
			fail_msg("%s: status %d, seen %s", cases[i].line,
			    status, seen);
		expect_has(cases[i].line, p.err, cases[i].want);
		assert_string_equal(p.out, "");
		printed_clear(&p);
	}
}

static void
help_is_asked_for_anywhere(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
	    {"writ -h", "Writ tests a command line.\n"},
	    {"writ --help", "  copy       copy files\n  group      groups\n"},
	    {"writ -C d -h", "usage: writ [-C DIR] COMMAND ...\n"},
	    {"writ group -h", "  list       list all\n"},
	    {"writ copy -h",
		"usage: writ copy [OPTION ...] FILE [FILE ...]\ncopy files\n"},
	    {"writ copy a -x -h", "  -n, --number N "},
	    {"writ copy --help", "  -v, --verbose "},
	    /* What stands before it takes no value, or has one already. */
	    {"writ copy -v -h", "  -n, --number N "},
	    {"writ copy -n5 -h", "  -n, --number N "},
	    {"writ copy --tag=x -h", "  -n, --number N "},
	    {"writ copy -n -- -h", "  -n, --number N "},
	    {"writ nope -n -h", "usage: writ [-C DIR] COMMAND ...\n"},
	    {"writ copy --help", "  --tag TAG "},
	    {"writ copy --help", "  -y "},
	    {"writ copy --help", "  -C DIR "},
	    {"writ group list -h", "usage: writ group list [OPTION ...] \n"},
	    {"writ help", "Writ tests a command line.\n"},
	    {"writ help -C d", "Writ tests a command line.\n"},
	    {"writ help copy", "usage: writ copy [OPTION ...] FILE [FILE"},
	    {"writ help group", "  list       list all\n"},
	    {"writ help group list", "usage: writ group list [OPTION ...] \n"},
	    {"writ --version", "writ " WRIT_VERSION "\n"},
	    {"writ -C d --version", "writ " WRIT_VERSION "\n"},
	};
	struct printed p;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(run_line(cases[i].line, &p), 0);
		assert_string_equal(seen, "");
		assert_string_equal(p.err, "");
		expect_has(cases[i].line, p.out, cases[i].want);
		printed_clear(&p);
	}
}

/* --- statuses ------------------------------------------------------------ */

static void
each_failure_has_its_exit_status(void **state)
{
	static const struct {
		int code, status;
	} cases[] = {
	    {ERR_NOMEM, EXIT_SYSTEM},
	    {ERR_SYS, EXIT_SYSTEM},
	    {ERR_PARSE, EXIT_INPUT},
	    {ERR_LIMIT, EXIT_INPUT},
	    {ERR_DENIED, EXIT_REFUSED},
	    {ERR_BADSIG, EXIT_INPUT},
	    {ERR_NOTFOUND, EXIT_SYSTEM},
	    {ERR_EXISTS, EXIT_REFUSED},
	    {ERR_BUSY, EXIT_SYSTEM},
	    {ERR_EXPIRED, EXIT_REFUSED},
	    {ERR_ROLLBACK, EXIT_REFUSED},
	    {ERR_RECORD, EXIT_RECORD},
	    {ERR_NET, EXIT_SYSTEM},
	    {ERR_CRYPTO, EXIT_SYSTEM},
	    {ERR_USAGE, EXIT_USAGE},
	    {ERR_WAIT, EXIT_WAITING},
	    {ERR_CORRUPT, EXIT_RECORD},
	};
	struct printed p;
	char want[256];

	(void)state;
	assert_int_equal(cli_exit_status(0), 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		fail_with = cases[i].code;
		fail_words = fail_hint = NULL;
		assert_int_equal(run_line("writ fail", &p), cases[i].status);
		(void)snprintf(want, sizeof(want), "writ: %s\n",
		    err_text(fail_with));
		assert_string_equal(p.err, want);
		assert_string_equal(p.out, "half\n");
		printed_clear(&p);
	}
	/* Answers of a command go out as they are. */
	for (int status = 0; status <= EXIT_SYSTEM; status++) {
		fail_with = status;
		assert_int_equal(run_line("writ fail", &p), status);
		assert_string_equal(p.err, "");
		printed_clear(&p);
	}
}

static void
a_failure_says_what_and_what_to_do(void **state)
{
	struct printed p;

	(void)state;
	fail_with = ERR_DENIED;
	fail_words = "no grant names this";
	fail_hint = "ask an officer";
	assert_int_equal(run_line("writ fail", &p), EXIT_REFUSED);
	assert_string_equal(p.err,
	    "writ: no grant names this\n  ask an officer\n");
	printed_clear(&p);
	fail_words = fail_hint = NULL;
}

static void
a_program_of_hosts_takes_no_deployment(void **state)
{
	static const char *const lines[] = {
	    "writ -C x copy a", "writ copy -C x a", "writ copy a -Cx"};
	struct printed p;

	(void)state;
	entry = cli_main_no_dir;
	for (size_t i = 0; i < LEN(lines); i++) {
		assert_int_equal(run_line(lines[i], &p), EXIT_USAGE);
		printed_clear(&p);
	}
	assert_int_equal(run_line("writ copy -h", &p), 0);
	assert_null(strstr(p.out, "-C"));
	printed_clear(&p);
	entry = cli_main;
}

static void
output_that_cannot_be_written_is_a_failure(void **state)
{
	static const struct cli_command one[] = {
	    {.name = "fail", .operands = "", .run = run_fail},
	};
	char program[] = "writ", command[] = "fail";
	char *argv[] = {program, command, NULL}, *text = NULL;
	FILE *was_out = stdout, *was_err = stderr;
	size_t n = 0;
	int statuses[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		fail_with = i == 0 ? 0 : EXIT_WAITING;
		stdout = fopen("/dev/full", "w");
		stderr = open_memstream(&text, &n);
		statuses[i] = cli_main("writ", "", one, 1, 2, argv);
		fclose(stdout);
		fclose(stderr);
		stdout = was_out;
		stderr = was_err;
		expect_has("/dev/full", text,
		    "writ: standard output: No space left on device\n");
		free(text);
		text = NULL;
	}
	assert_int_equal(statuses[0], EXIT_SYSTEM);
	/* What the command itself had to say comes first. */
	assert_int_equal(statuses[1], EXIT_WAITING);
}

static void
printing_leaves_the_text_empty(void **state)
{
	FILE *was_out = stdout;
	struct str s = STR_INIT;
	struct err e = {0};
	char *text = NULL;
	size_t n = 0;
	int r[2];

	(void)state;
	stdout = open_memstream(&text, &n);
	str_addn(&s, "a\0b", 3);
	r[0] = cli_print(&s, &e);
	alloc_fail_nth(1);
	str_add(&s, "not whole");
	alloc_fail_nth(0);
	r[1] = cli_print(&s, &e);
	fclose(stdout);
	stdout = was_out;
	assert_int_equal(r[0], 0);
	assert_int_equal(r[1], ERR_NOMEM);
	assert_int_equal(n, 3);
	assert_memory_equal(text, "a\0b", 3);
	assert_ptr_equal(s.p, str_empty);
	free(text);
}

static void
a_line_without_memory_fails_and_leaks_nothing(void **state)
{
	size_t failed = 0;
	struct printed p;
	int status;

	(void)state;
	for (size_t nth = 1;; nth++) {
		bool fired;

		alloc_fail_nth(nth);
		status = run_line("writ copy --tag x -n 1 a b", &p);
		fired = alloc_failed();
		alloc_fail_nth(0);
		if (!fired) {
			printed_clear(&p);
			break;
		}
		assert_int_equal(status, EXIT_SYSTEM);
		assert_string_equal(p.err, "writ: out of memory\n");
		assert_string_equal(seen, "");
		printed_clear(&p);
		failed++;
	}
	assert_int_equal(status, 0);
	assert_string_equal(seen, "C:. n:1 t:x o:a o:b");
	assert_true(failed >= 5);
}

static void
a_warning_names_the_program(void **state)
{
	FILE *was_err = stderr;
	struct printed p;
	char *text = NULL;
	size_t n = 0;

	(void)state;
	(void)run_line("writ copy a", &p);
	printed_clear(&p);
	stderr = open_memstream(&text, &n);
	cli_warn("%d of %s", 3, "four");
	fclose(stderr);
	stderr = was_err;
	assert_string_equal(text, "writ: warning: 3 of four\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_stand_before_and_after_operands),
	    cmocka_unit_test(a_wrong_line_runs_nothing_and_says_why),
	    cmocka_unit_test(help_is_asked_for_anywhere),
	    cmocka_unit_test(each_failure_has_its_exit_status),
	    cmocka_unit_test(a_failure_says_what_and_what_to_do),
	    cmocka_unit_test(a_program_of_hosts_takes_no_deployment),
	    cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
	    cmocka_unit_test(printing_leaves_the_text_empty),
	    cmocka_unit_test(a_line_without_memory_fails_and_leaks_nothing),
	    cmocka_unit_test(a_warning_names_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
