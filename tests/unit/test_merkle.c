/* SPDX-License-Identifier: ISC */
/* Trees and proofs, against a tree that is written as RFC 6962 defines it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/tlog/merkle.h"

#define LEAVES 130

static struct hash leaves[LEAVES];

static int
make_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEAVES; i++) {
		const uint8_t text[] = {'l', 'e', 'a', 'f', (uint8_t)i};

		merkle_leaf(text, sizeof(text), &leaves[i]);
	}
	return 0;
}

/* RFC 6962 section 2.1, word by word. */
static struct hash
mth(size_t lo, size_t n)
{
	struct hash l, r, out;
	size_t k = 1;

	if (n == 0) {
		hash_sha256("", 0, &out);
		return out;
	}
	if (n == 1)
		return leaves[lo];
	while (2 * k < n)
		k *= 2;
	l = mth(lo, k);
	r = mth(lo + k, n - k);
	merkle_node(&l, &r, &out);
	return out;
}

static int
get(void *ctx, unsigned level, uint64_t index, struct hash *out, struct err *e)
{
	uint64_t size = *(const uint64_t *)ctx;

	(void)e;
	/* Only what is whole within the tree may be asked for. */
	assert_true((index + 1) << level <= size);
	*out = mth((size_t)(index << level), (size_t)1 << level);
	return 0;
}

static void
the_well_known_trees_have_their_roots(void **state)
{
	static const struct {
		const char *leaf;
		size_t n;
		const char *root;
	} cases[] = {
	    {"", 0,
		"6e340b9cffb37a989ca544e6bb780a2c"
		"78901d3fb33738768511a30617afa01d"},
	    {"\x00", 1,
		"fac54203e7cc696cf0dfcb42c92a1d9d"
		"baf70ad9e621f4bd8d98662f00e3c125"},
	    {"\x10", 1,
		"aeb6bcfe274b70a14fb067a5e5578264"
		"db0fa9b51af5e0ba159158f329e06e77"},
	    {"\x20\x21", 2,
		"d37ee418976dd95753c1c73862b9398f"
		"a2a2cf9b4ff0fdfe8b30cd95209614b7"},
	    {"\x30\x31", 2,
		"4e3bbb1f7b478dcfe71fb631631519a3"
		"bca12c9aefca1612bfce4c13a86264d4"},
	    {"\x40\x41\x42\x43", 4,
		"76e67dadbcdf1e10e1b74ddc608abd2f"
		"98dfb16fbce75277b5232a127f2087ef"},
	    {"PQRSTUVW", 8,
		"ddb89be403809e325750d3d263cd7892"
		"9c2942b7942a34b77e122c9594a74c8c"},
	    {"`abcdefghijklmno", 16,
		"5dc9da79a70659a9ad559cb701ded9a2"
		"ab9d823aad2f4960cfe370eff4604328"},
	};
	struct merkle_edge m = {.size = 0};
	struct hash leaf, root;
	char hex[HASH_HEX];

	(void)state;
	merkle_root(&m, &root);
	hash_hex(&root, hex);
	assert_string_equal(hex,
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		merkle_leaf(cases[i].leaf, cases[i].n, &leaf);
		merkle_append(&m, &leaf);
		merkle_root(&m, &root);
		hash_hex(&root, hex);
		assert_string_equal(hex, cases[i].root);
	}
}

static void
an_edge_has_the_root_of_the_definition_at_every_size(void **state)
{
	struct merkle_edge m = {.size = 0};
	struct hash root, want, from_source;

	(void)state;
	for (uint64_t n = 0; n <= LEAVES; n++) {
		struct merkle_source src = {get, &n};

		want = mth(0, (size_t)n);
		merkle_root(&m, &root);
		assert_memory_equal(&root, &want, sizeof(want));
		assert_int_equal(merkle_source_root(&src, n, &from_source,
				     NULL),
		    0);
		assert_memory_equal(&from_source, &want, sizeof(want));
		if (n < LEAVES)
			merkle_append(&m, &leaves[n]);
		assert_int_equal(m.size, n < LEAVES ? n + 1 : n);
	}
}

static void
subtrees_append_like_their_leaves(void **state)
{
	struct merkle_edge m = {.size = 0};
	struct hash sub, root, want;

	(void)state;
	for (size_t n = 0; n < 128; n += 16) {
		sub = mth(n, 16);
		merkle_append_subtree(&m, 4, &sub);
		merkle_root(&m, &root);
		want = mth(0, n + 16);
		assert_memory_equal(&root, &want, sizeof(want));
	}
	merkle_append(&m, &leaves[128]);
	merkle_root(&m, &root);
	want = mth(0, 129);
	assert_memory_equal(&root, &want, sizeof(want));
}

static void
every_leaf_is_proven_in_every_tree(void **state)
{
	struct hash proof[MERKLE_PROOF_MAX], root;
	size_t n;

	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size++) {
		struct merkle_source src = {get, &size};

		root = mth(0, (size_t)size);
		for (uint64_t i = 0; i < size; i++) {
			assert_int_equal(merkle_prove_inclusion(&src, i, size,
					     proof, &n, NULL),
			    0);
			assert_int_equal(merkle_check_inclusion(&leaves[i], i,
					     size, proof, n, &root),
			    0);
			/* Nor is it proven anywhere else. */
			assert_int_equal(merkle_check_inclusion(&leaves[i],
					     i ^ 1, size, proof, n, &root),
			    ERR_BADSIG);
			assert_int_equal(merkle_check_inclusion(&leaves[i], i,
					     size * 2 + 1, proof, n, &root),
			    ERR_BADSIG);
		}
	}
}

static void
every_tree_is_consistent_with_every_later_one(void **state)
{
	struct hash proof[MERKLE_PROOF_MAX], a, b;
	size_t n;

	(void)state;
	for (uint64_t to = 1; to <= LEAVES; to++) {
		struct merkle_source src = {get, &to};

		b = mth(0, (size_t)to);
		for (uint64_t from = 1; from <= to; from++) {
			a = mth(0, (size_t)from);
			assert_int_equal(merkle_prove_consistency(&src, from,
					     to, proof, &n, NULL),
			    0);
			assert_int_equal(merkle_check_consistency(from, to,
					     proof, n, &a, &b),
			    0);
			if (from == to)
				continue;
			assert_int_equal(merkle_check_consistency(from, to,
					     proof, n, &b, &b),
			    ERR_BADSIG);
			assert_int_equal(merkle_check_consistency(from, to,
					     proof, n, &a, &a),
			    ERR_BADSIG);
		}
	}
}

static void
a_flipped_bit_spoils_a_proof(void **state)
{
	struct hash proof[MERKLE_PROOF_MAX], root, old;
	uint64_t size = 119, from = 77;
	struct merkle_source src = {get, &size};
	uint8_t *p = proof[0].b;
	size_t n;

	(void)state;
	root = mth(0, 119);
	old = mth(0, 77);
	assert_int_equal(merkle_prove_inclusion(&src, 100, size, proof, &n,
			     NULL),
	    0);
	for (size_t bit = 0; bit < n * HASH_LEN * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(merkle_check_inclusion(&leaves[100], 100, size,
				     proof, n, &root),
		    ERR_BADSIG);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(merkle_prove_consistency(&src, from, size, proof, &n,
			     NULL),
	    0);
	for (size_t bit = 0; bit < n * HASH_LEN * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(merkle_check_consistency(from, size, proof, n,
				     &old, &root),
		    ERR_BADSIG);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
proofs_too_short_or_too_long_are_refused(void **state)
{
	struct hash proof[MERKLE_PROOF_MAX], root, old;
	uint64_t size = 100;
	struct merkle_source src = {get, &size};
	size_t n;

	(void)state;
	root = mth(0, 100);
	old = mth(0, 64);
	assert_int_equal(merkle_prove_inclusion(&src, 3, size, proof, &n, NULL),
	    0);
	proof[n] = root;
	assert_int_equal(merkle_check_inclusion(&leaves[3], 3, size, proof,
			     n + 1, &root),
	    ERR_BADSIG);
	assert_int_equal(merkle_check_inclusion(&leaves[3], 3, size, proof,
			     n - 1, &root),
	    ERR_BADSIG);
	assert_int_equal(merkle_prove_consistency(&src, 64, size, proof, &n,
			     NULL),
	    0);
	proof[n] = root;
	assert_int_equal(merkle_check_consistency(64, size, proof, n + 1, &old,
			     &root),
	    ERR_BADSIG);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(merkle_check_consistency(64, size, proof, k,
				     &old, &root),
		    ERR_BADSIG);
}

static void
the_empty_tree_and_what_lies_outside_prove_nothing(void **state)
{
	struct hash proof[MERKLE_PROOF_MAX] = {{{0}}}, root = mth(0, 5), empty;
	uint64_t size = 5;
	struct merkle_source src = {get, &size};
	size_t n;

	(void)state;
	empty = mth(0, 0);
	assert_int_equal(merkle_prove_inclusion(&src, 5, 5, proof, &n, NULL),
	    ERR_NOTFOUND);
	assert_int_equal(merkle_prove_inclusion(&src, 0, 0, proof, &n, NULL),
	    ERR_NOTFOUND);
	assert_int_equal(merkle_prove_consistency(&src, 0, 5, proof, &n, NULL),
	    ERR_NOTFOUND);
	assert_int_equal(merkle_prove_consistency(&src, 6, 5, proof, &n, NULL),
	    ERR_NOTFOUND);
	assert_int_equal(merkle_check_inclusion(&leaves[0], 0, 0, proof, 0,
			     &leaves[0]),
	    ERR_BADSIG);
	for (size_t k = 0; k < 4; k++)
		assert_int_equal(merkle_check_consistency(0, 5, proof, k,
				     &empty, &root),
		    ERR_BADSIG);
	assert_int_equal(merkle_check_consistency(0, 0, proof, 0, &empty,
			     &empty),
	    ERR_BADSIG);
	assert_int_equal(merkle_check_consistency(6, 5, proof, 0, &root, &root),
	    ERR_BADSIG);
	assert_int_equal(merkle_check_consistency(5, 5, proof, 1, &root, &root),
	    ERR_BADSIG);
}

static int
get_nothing(void *ctx, unsigned level, uint64_t index, struct hash *out,
    struct err *e)
{
	(void)ctx;
	(void)level;
	(void)index;
	(void)out;
	return err_set(e, ERR_CORRUPT, "no tile");
}

static void
a_source_that_fails_ends_the_proof(void **state)
{
	struct hash proof[MERKLE_PROOF_MAX], root;
	struct merkle_source src = {get_nothing, NULL};
	struct err e = {0};
	size_t n = 99;

	(void)state;
	assert_int_equal(merkle_prove_inclusion(&src, 1, 5, proof, &n, &e),
	    ERR_CORRUPT);
	assert_int_equal(merkle_prove_consistency(&src, 1, 5, proof, &n, &e),
	    ERR_CORRUPT);
	assert_int_equal(merkle_source_root(&src, 5, &root, &e), ERR_CORRUPT);
	assert_int_equal(n, 99);
	assert_string_equal(e.msg, "no tile");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_well_known_trees_have_their_roots),
	    cmocka_unit_test(
		an_edge_has_the_root_of_the_definition_at_every_size),
	    cmocka_unit_test(subtrees_append_like_their_leaves),
	    cmocka_unit_test(every_leaf_is_proven_in_every_tree),
	    cmocka_unit_test(every_tree_is_consistent_with_every_later_one),
	    cmocka_unit_test(a_flipped_bit_spoils_a_proof),
	    cmocka_unit_test(proofs_too_short_or_too_long_are_refused),
	    cmocka_unit_test(
		the_empty_tree_and_what_lies_outside_prove_nothing),
	    cmocka_unit_test(a_source_that_fails_ends_the_proof),
	};

	return cmocka_run_group_tests(tests, make_leaves, NULL);
}
