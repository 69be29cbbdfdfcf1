/* SPDX-License-Identifier: ISC */
/*
 * The firewall of one host as rules, in the words of iptables-save(8), and what
 * has to be said to iptables-restore(8) to get there.
 *
 * Only chains named WRIT-... are ours, with the one jump to each from INPUT,
 * FORWARD or OUTPUT, which stands last: what others put before it (fail2ban's
 * bans, a container engine's chains) is asked first.  Pure.
 */
#ifndef AGENT_STATES_FW_RULES_H
#define AGENT_STATES_FW_RULES_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/diag.h"

#define FW_ALLOWS_MAX 512	/* entries of allow */
#define FW_PORTS_MAX  64	/* of one entry */
#define FW_RULES_MAX  8192	/* of one family */

enum fw_family { FW_V4, FW_V6 };
enum fw_hook { FW_INPUT, FW_FORWARD, FW_OUTPUT, FW_HOOKS };
enum fw_verdict { FW_NONE, FW_ACCEPT, FW_DROP, FW_REJECT };

struct fw_port {
	unsigned lo, hi;	/* both inclusive; 1 to 65535 */
};

struct fw_allow {
	char	      *proto;	/* "tcp"; NULL: any */
	struct fw_port ports[FW_PORTS_MAX];
	size_t	       n_ports;	/* 0: any; else proto is tcp, udp or sctp */
	struct strs    from, to; /* addresses, CIDR; empty: any */
	char	      *interface; /* NULL: any */
	struct conf_pos pos;
};

struct fw_chain {
	enum fw_verdict	 policy; /* FW_NONE: the chain is not the state's */
	struct fw_allow *allow;
	size_t		 n_allow, cap_allow;
	struct strs	 block;	/* sources, before everything that is allowed */
};

struct fw_params {
	bool		absent;
	struct fw_chain hooks[FW_HOOKS];
};

/*
 * The rules of one family, appended, a line each: "-A WRIT-INPUT -i lo -j
 * ACCEPT".  masters are the agent's way out, "ADDRESS:PORT" or "[ADDRESS]:PORT".
 * Implicit rules come first, always.  ERR_LIMIT, ERR_NOMEM.
 */
int  fw_compile(const struct fw_params *p, enum fw_family family,
     const struct strs *masters, struct strs *out) MUST_CHECK;

/* What is ours in the words of iptables-save: chains and jumps. */
struct fw_live {		/* zero-initialise; fw_live_clear */
	struct strs rules;	/* of our chains, as they stand */
	bool	    chain[FW_HOOKS];
	unsigned    jumps[FW_HOOKS];
	bool	    last[FW_HOOKS]; /* the jump is the last rule */
	struct strs before;	/* foreign rules that accept before our jump */
};
int  fw_read(const char *saved, struct fw_live *out) MUST_CHECK;
void fw_live_clear(struct fw_live *l);

/* Is the live firewall those rules, with the jump of each chain they need in
 * its place, and nothing else of ours?  Order counts; spelling does not. */
bool fw_same(const struct fw_live *live, const struct strs *rules);

/*
 * One transaction for iptables-restore --noflush that makes live what rules
 * say (no rule: nothing of ours at all).  Appended to out.
 */
int  fw_transaction(const struct fw_live *live, const struct strs *rules,
     struct str *out) MUST_CHECK;

/* A way into the host, by tcp. */
struct fw_way {
	const char *from;	/* an address or range; NULL: from somewhere */
	unsigned port;
	/* What it comes in by, and at which of the host's addresses; NULL: not
	   known, and an entry that names one of these does not count. */
	const char *interface, *to;
};
/* Does the input of the state let it in?  For the lock-out proof; without a word
 * on foreign rules. */
bool fw_lets_in(const struct fw_params *p, const struct fw_way *way);
/* Does an entry of input hang on what way it is? */
bool fw_asks_way(const struct fw_params *p);

const char *fw_hook_name(enum fw_hook h);	/* "INPUT" */

#endif
