/* SPDX-License-Identifier: ISC */
#include "lib/crypto/bcrypt_pbkdf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/hash.h"

#define BF_ROUNDS 16
#define BF_P      (BF_ROUNDS + 2)
#define BF_WORDS  (BF_P + 4 * 256)

#define BLOCK    32 /* bytes that one bcrypt gives */
#define SCHEDULE 64 /* times that salt and passphrase are worked in */

struct blowfish {
	uint32_t p[BF_P];
	uint32_t s[4][256];
};

/*
 * pi, in fixed point: word 0 is the 3, the rest its fraction.  The guard words
 * take the rounding errors: fewer than 10,000 terms, each cut by less than two
 * units of the last word.
 */
#define PI_GUARD 2
#define PI_WORDS (1 + BF_WORDS + PI_GUARD)

static pthread_once_t pi_once = PTHREAD_ONCE_INIT;
static struct blowfish pi_state;

/* q = x / d, from word `from` on, those before being zero.  May be in place. */
static void
fixed_div(const uint32_t *x, uint32_t d, size_t from, uint32_t *q)
{
	uint64_t rest = 0;

	for (size_t i = from; i < PI_WORDS; i++) {
		rest = rest << 32 | x[i];
		q[i] = (uint32_t)(rest / d);
		rest %= d;
	}
}

static void
fixed_add(uint32_t *x, const uint32_t *y, size_t from)
{
	uint64_t carry = 0;

	for (size_t i = PI_WORDS; i-- > 0;) {
		carry += (uint64_t)x[i] + (i >= from ? y[i] : 0);
		x[i] = (uint32_t)carry;
		carry >>= 32;
		if (i <= from && carry == 0)
			break;
	}
}

static void
fixed_sub(uint32_t *x, const uint32_t *y, size_t from)
{
	uint64_t borrow = 0, d;

	for (size_t i = PI_WORDS; i-- > 0;) {
		d = (uint64_t)x[i] - (i >= from ? y[i] : 0) - borrow;
		x[i] = (uint32_t)d;
		borrow = d >> 32 != 0;
		if (i <= from && borrow == 0)
			break;
	}
}

/*
 * sum += sign * m * atan(1 / k), by atan(1/k) = 1/k - 1/3k^3 + 1/5k^5 - ...
 * Leading zero words are stepped over, which halves the work.
 */
static void
add_atan(uint32_t *sum, uint32_t m, uint32_t k, bool minus)
{
	uint32_t power[PI_WORDS] = {m}, term[PI_WORDS];
	size_t from = 0;

	fixed_div(power, k, 0, power);
	for (uint32_t odd = 1;; odd += 2) {
		while (from < PI_WORDS && power[from] == 0)
			from++;
		if (from == PI_WORDS)
			return;
		fixed_div(power, odd, from, term);
		if (minus)
			fixed_sub(sum, term, from);
		else
			fixed_add(sum, term, from);
		minus = !minus;
		fixed_div(power, k * k, from, power);
	}
}

/* pi = 176 atan(1/57) + 28 atan(1/239) - 48 atan(1/682) + 96 atan(1/12943),
   which is Gauss's. */
static void
pi_compute(void)
{
	uint32_t pi[PI_WORDS] = {0};

	add_atan(pi, 176, 57, false);
	add_atan(pi, 28, 239, false);
	add_atan(pi, 48, 682, true);
	add_atan(pi, 96, 12943, false);
	memcpy(pi_state.p, pi + 1, sizeof(pi_state.p));
	memcpy(pi_state.s, pi + 1 + BF_P, sizeof(pi_state.s));
}

static void
encrypt(const struct blowfish *bf, uint32_t *left, uint32_t *right)
{
	uint32_t l = *left, r = *right, t;

	for (int i = 0; i < BF_ROUNDS; i++) {
		l ^= bf->p[i];
		t = bf->s[0][l >> 24] + bf->s[1][l >> 16 & 0xff];
		t ^= bf->s[2][l >> 8 & 0xff];
		t += bf->s[3][l & 0xff];
		t ^= r;
		r = l;
		l = t;
	}
	*left = r ^ bf->p[BF_ROUNDS + 1];
	*right = l ^ bf->p[BF_ROUNDS];
}

/* A digest as the key schedule reads it: 16 big-endian words, for ever. */
struct words {
	uint32_t w[HASH512_LEN / 4];
};

static void
words_load(struct words *w, const uint8_t *d)
{
	for (size_t i = 0; i < HASH512_LEN / 4; i++)
		w->w[i] = (uint32_t)d[4 * i] << 24 |
		    (uint32_t)d[4 * i + 1] << 16 | (uint32_t)d[4 * i + 2] << 8 |
		    d[4 * i + 3];
}

/*
 * The key schedule of Blowfish with key, and where salt is not NULL with its
 * words mixed into what is encrypted ("eks").
 */
static void
expand(struct blowfish *bf, const struct words *key, const struct words *salt)
{
	uint32_t *box = &bf->s[0][0], l = 0, r = 0;
	size_t at = 0;

	for (size_t i = 0; i < BF_P; i++)
		bf->p[i] ^= key->w[i % 16];
	for (size_t i = 0; i < BF_WORDS; i += 2) {
		if (salt != NULL) {
			l ^= salt->w[at];
			r ^= salt->w[at + 1];
			at = (at + 2) % 16;
		}
		encrypt(bf, &l, &r);
		if (i < BF_P) {
			bf->p[i] = l;
			bf->p[i + 1] = r;
		} else {
			box[i - BF_P] = l;
			box[i - BF_P + 1] = r;
		}
	}
}

static void
bcrypt_hash(struct blowfish *bf, const struct words *pass,
    const uint8_t salt_digest[HASH512_LEN], uint8_t out[BLOCK])
{
	static const char text[] = "OxychromaticBlowfishSwatDynamite";
	struct words salt;
	uint32_t w[2];

	words_load(&salt, salt_digest);
	*bf = pi_state;
	expand(bf, pass, &salt);
	for (int i = 0; i < SCHEDULE; i++) {
		expand(bf, &salt, NULL);
		expand(bf, pass, NULL);
	}
	for (size_t i = 0; i < BLOCK; i += 8) {
		for (size_t j = 0; j < 2; j++)
			w[j] = (uint32_t)text[i + 4 * j] << 24 |
			    (uint32_t)text[i + 4 * j + 1] << 16 |
			    (uint32_t)text[i + 4 * j + 2] << 8 |
			    (uint32_t)text[i + 4 * j + 3];
		for (int j = 0; j < SCHEDULE; j++)
			encrypt(bf, &w[0], &w[1]);
		/* Read big-endian, written little-endian: so it was defined. */
		for (size_t j = 0; j < 8; j++)
			out[i + j] = (uint8_t)(w[j / 4] >> (8 * (j % 4)));
	}
	mem_wipe(w, sizeof(w));
}

struct work { /* one allocation, wiped at the end */
	struct blowfish bf;
	struct words pass;
	uint8_t digest[HASH512_LEN];
	uint8_t last[BLOCK], sum[BLOCK];
};

/* One block of 32 bytes into w->sum. */
static void
block(struct work *w, const uint8_t *counted, size_t n, uint32_t rounds)
{
	hash_sha512(counted, n, w->digest);
	bcrypt_hash(&w->bf, &w->pass, w->digest, w->last);
	memcpy(w->sum, w->last, BLOCK);
	for (uint32_t i = 1; i < rounds; i++) {
		hash_sha512(w->last, BLOCK, w->digest);
		bcrypt_hash(&w->bf, &w->pass, w->digest, w->last);
		for (size_t j = 0; j < BLOCK; j++)
			w->sum[j] ^= w->last[j];
	}
}

int
bcrypt_pbkdf(struct slice pass, struct slice salt, uint32_t rounds,
    uint8_t *out, size_t n)
{
	size_t blocks = (n + BLOCK - 1) / BLOCK;
	struct work *w = NULL;
	uint8_t *counted = NULL;
	int r = ERR_NOMEM;

	if (pass.n == 0 || salt.n == 0 || salt.n > BCRYPT_SALT_MAX ||
	    rounds == 0 || rounds > BCRYPT_ROUNDS_MAX || n == 0 ||
	    n > BCRYPT_OUT_MAX)
		return ERR_LIMIT;
	w = malloc(sizeof(*w));
	counted = malloc(salt.n + 4);
	if (w == NULL || counted == NULL)
		goto out;
	(void)pthread_once(&pi_once, pi_compute);
	hash_sha512(pass.p, pass.n, w->digest);
	words_load(&w->pass, w->digest);
	memcpy(counted, salt.p, salt.n);
	for (size_t b = 0; b < blocks; b++) {
		size_t count = b + 1;

		counted[salt.n] = 0;
		counted[salt.n + 1] = 0;
		counted[salt.n + 2] = (uint8_t)(count >> 8);
		counted[salt.n + 3] = (uint8_t)count;
		block(w, counted, salt.n + 4, rounds);
		/* Spread, so that no one block gives a whole key. */
		for (size_t i = 0; i * blocks + b < n; i++)
			out[i * blocks + b] = w->sum[i];
	}
	r = 0;
out:
	if (w != NULL)
		mem_wipe(w, sizeof(*w));
	free(w);
	free(counted);
	return r;
}
