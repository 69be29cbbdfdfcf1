/* SPDX-License-Identifier: ISC */
#include "agent/states/host_nft.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/states/host_impl.h"

struct request {
	struct nlmsghdr head;
	struct nfgenmsg family;
};

static int
ask(int fd, struct err *e)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct request q = {
	    .head = {.nlmsg_len = sizeof(q),
		.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
		.nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = 1},
	    .family = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
	};

	if (sendto(fd, &q, sizeof(q), 0, (struct sockaddr *)&kernel,
		sizeof(kernel)) != (ssize_t)sizeof(q))
		return err_sys(e, "ask for the generation of nftables");
	return 0;
}

/* The attribute NFTA_GEN_ID of an answer, in network order. */
static int
read_answer(struct slice answer, uint32_t *out, struct err *e)
{
	const size_t head = sizeof(struct request);
	struct nlmsghdr h;
	struct nlattr a;
	uint32_t id;

	if (answer.n < sizeof(h))
		goto bad;
	memcpy(&h, answer.p, sizeof(h));
	if (h.nlmsg_type == NLMSG_ERROR)
		return err_set(e, ERR_NOTFOUND, "this kernel has no nftables");
	for (size_t at = head; at + sizeof(a) <= answer.n;) {
		memcpy(&a, answer.p + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > answer.n - at)
			break;
		if ((a.nla_type & NLA_TYPE_MASK) == NFTA_GEN_ID &&
		    a.nla_len == sizeof(a) + sizeof(id)) {
			memcpy(&id, answer.p + at + sizeof(a), sizeof(id));
			*out = ntohl(id);
			return 0;
		}
		at += NLA_ALIGN(a.nla_len);
	}
bad:
	return err_set(e, ERR_SYS,
	    "the kernel names no generation of nftables");
}

/* The link is the process', and another one each time; what it leads to is
 * the namespace, so it is followed. */
static int
read_namespace(struct host_nft *out, struct err *e)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) != 0)
		return err_sys(e, "read /proc/self/ns/net");
	out->ns_dev = st.st_dev;
	out->ns_ino = st.st_ino;
	return 0;
}

int
host_nft_generation(struct host *h, struct host_nft *out, struct err *e)
{
	uint8_t buf[4096];
	ssize_t n;
	int fd, r;

	if ((r = host_begin(h, "nft", "generation", e)) != 0)
		return r;
	if (h->ops != NULL)
		return err_set(e, ERR_NOTFOUND, "no kernel of its own");
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return err_set(e, ERR_NOTFOUND, "this kernel has no netfilter");
	if ((r = ask(fd, e)) == 0) {
		/* The kernel has answered by the time it has been asked. */
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		r = n < 0 ? err_sys(e, "read the generation of nftables")
			  : read_answer((struct slice){buf, (size_t)n},
				&out->generation, e);
	}
	(void)close(fd);
	return r != 0 ? r : read_namespace(out, e);
}
