/* SPDX-License-Identifier: ISC */
/*
 * notify.yaml: the channels by which people are told, and their credentials.
 *
 *	channels:
 *	  - name: chat
 *	    webhook: https://chat.example.com/hooks/4242
 *	    chat: yes
 *	    for: {groups: [approvers], kinds: [waiting, reminder]}
 *	  - name: mail
 *	    mail: smtps://mail.example.com
 *	    from: writ@example.com
 *	    login: {user: writ, password: "..."}
 *	    to: "{person}"
 *	  - name: pager
 *	    exec: [/usr/local/bin/page, --urgent]
 *
 * writ.yaml(5) lists every key.  The file is read as far as it goes, so that
 * all its faults are named at once.
 */
#ifndef LIB_NOTIFY_CHANNELS_H
#define LIB_NOTIFY_CHANNELS_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/diag.h"
#include "lib/notify/notice.h"

#define CHANNELS_FILE_MAX 262144 /* bytes of notify.yaml */
#define CHANNELS_MAX	  32
#define CHANNEL_ARGS_MAX  64
#define CHANNEL_PEOPLE_MAX 10000

enum channel_kind { CHANNEL_WEBHOOK = 1, CHANNEL_MAIL, CHANNEL_EXEC };

struct channel_address {
	char *person, *address;
};

struct channel {
	enum channel_kind kind;
	char *name;
	char *url;		/* of webhook and mail */
	char *secret;		/* webhook: NULL: not signed */
	bool chat;		/* webhook: {"text": ...} */
	char *from;		/* mail */
	char *user, *password;	/* mail: NULL: no login */
	char *to;		/* mail: has "{person}"; NULL: addresses */
	struct channel_address *addresses; /* mail, by person, sorted */
	size_t n_addresses, cap_addresses;
	struct strs argv;	/* exec */
	struct strs groups, persons, kinds; /* for: empty: all */
};

struct channels { /* zero-initialise; channels_clear, which wipes secrets */
	struct channel v[CHANNELS_MAX];
	size_t n;
};
void channels_clear(struct channels *c);

/* text is the whole of the file; faults go to diags.  ERR_PARSE, ERR_NOMEM. */
int channels_parse(const char *file, struct slice text, struct channels *out,
    struct conf_diags *diags) MUST_CHECK;
/*
 * Read path.  ERR_NOTFOUND; ERR_DENIED: others than its owner may read or write
 * it; ERR_PARSE with file:line:column; ERR_LIMIT, ERR_SYS, ERR_NOMEM.
 */
int channels_load(const char *path, struct channels *out, struct err *e)
    MUST_CHECK;

/* Which of the notice's persons c tells: appended to out, none where it is not
 * for this notice.  ERR_NOMEM. */
int channel_covers(const struct channel *c, const struct notice *n,
    struct strs *out) MUST_CHECK;
/* Where person gets mail: a new string, NULL when c has no address for him. */
int channel_address(const struct channel *c, const char *person, char **out)
    MUST_CHECK;
/* local@domain, of the characters of an atom: nothing that means something in
 * a header or to a server. */
bool address_is_valid(const char *s);

#endif
