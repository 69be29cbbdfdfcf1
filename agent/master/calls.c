/* SPDX-License-Identifier: ISC */
#include "agent/master/calls.h"

static const struct call_row rows[] = {
    {CALL_HELLO, "hello", call_words_none, false, true, "",
	"which master this is, and its policy"},
    {CALL_HELP, "help", call_words_none, false, false, "", "these lines"},
    {CALL_ENROL, "enrol", NULL, false, true, "", "a host asks in"},
    {CALL_ATTEND, "attend", NULL, false, false, "",
	"a host is there, and hears what it is to have"},
    {CALL_CHAIN, "chain", NULL, false, false, "",
	"the statements that lead to a policy or a fleet"},
    {CALL_OBJECT, "object", NULL, false, false, "", "a file of them"},
    {CALL_REPORT, "report", NULL, false, false, "", "what a host says"},
    {CALL_RENEW, "renew", NULL, false, false, "",
	"a host asks for its certificate"},
    {CALL_DIFF, "diff", NULL, false, false, "", "what a host was asked for"},
    {CALL_DIAL, "dial", NULL, false, false, "",
	"can a host be reached from outside?"},
    {CALL_KEYS, "keys", NULL, false, false, "", "hosts, and those that ask in"},
    {CALL_SUBMIT, "submit", NULL, false, false, "",
	"hand in signed statements"},
    {CALL_PUT, "put", NULL, false, false, "", "a file for a push"},
    {CALL_PUSH, "push", NULL, false, false, "",
	"put a policy or a fleet in force"},
    {CALL_STATUS, "status", NULL, false, false, "", "how hosts are"},
    {CALL_FACTS, "facts", NULL, false, false, "",
	"what a host has said of itself"},
    {CALL_JOBS, "jobs", NULL, false, false, "", "orders, and how far they are"},
    {CALL_WATCH, "watch", NULL, false, false, "",
	"an order, host by host, until it is over"},
    {CALL_SHOW_DIFF, "show_diff", NULL, false, false, "",
	"a diff, asked of its host"},
    {CALL_LOGINS, "logins", NULL, false, false, "",
	"who logged in, as hosts saw it"},
};

const struct call_table master_calls = {rows, sizeof(rows) / sizeof(rows[0])};
