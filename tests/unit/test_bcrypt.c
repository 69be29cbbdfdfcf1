/* SPDX-License-Identifier: ISC */
/*
 * Vectors made with another implementation, that of Go's x/crypto/ssh.  That
 * ssh-keygen agrees is in test_key.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/crypto/bcrypt_pbkdf.h"
#include "tests/unit/alloc.h"

static const struct {
	const char *pass, *salt;
	uint32_t rounds;
	const char *want;
} cases[] = {
    {"password", "salt", 12,
	"1ae42c05d487bc02f64921a4ebe4ea93bcacfe135fda99974c06b7b01fae149a"},
    {"password", "salt", 1, "7a"},
    {"p", "s", 2,
	"11f175a1d3d8a0197670cff4741d878b3dc50d10f81bc72d76d394ea0011"
	"1f021c"},
    {"correct horse", "sixteen byte salt", 24,
	"3a19896e5198d6082fd09a9057f0f7ef845c1e58083bd716759a7c84b92c"
	"80d2815831a610ffc14d5785a03bbf28cc57"},
    {"x", "0123456789abcdef", 3,
	"252336ccce8408e22f8cd8161ba032e134e633a771793242164204b4fc7b"
	"fc2d688ac9d611939250ab18773b"},
    {"long passphrase, longer than one block of SHA-512 is: 012345"
     "678901234567890123456789012345678901234567890123456789012345"
     "6789012345678901234567890123456789",
	"salt", 2,
	"3366c54e8cefdd269fe84d893557a919cc53bf01b8c01a3c1ca1ade52235"
	"273d31980410b1e3da846c22faac7313391147fd752013467186f8c41662"
	"5d42961e455e1430609e6e2405a9e3f42993d6690bead3d3a9666f7dab2d"
	"821b80cd77557e0c4612"},
};

static void
outputs_are_those_of_openbsd(void **state)
{
	uint8_t out[BCRYPT_OUT_MAX], want[BCRYPT_OUT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].want) / 2;

		print_message("case %zu\n", i);
		assert_int_equal(hex_decode(cases[i].want, 2 * n, want, n), 0);
		assert_int_equal(bcrypt_pbkdf(slice_str(cases[i].pass),
				     slice_str(cases[i].salt), cases[i].rounds,
				     out, n),
		    0);
		assert_memory_equal(out, want, n);
	}
}

static void
limits_are_refused_and_leave_the_output(void **state)
{
	static const uint8_t salt[BCRYPT_SALT_MAX + 1];
	struct slice p = slice_str("p"), s = slice_str("s");
	struct slice none = {NULL, 0};
	uint8_t out[BCRYPT_OUT_MAX + 1] = {42};

	(void)state;
	assert_int_equal(bcrypt_pbkdf(none, s, 1, out, 32), ERR_LIMIT);
	assert_int_equal(bcrypt_pbkdf(p, none, 1, out, 32), ERR_LIMIT);
	assert_int_equal(bcrypt_pbkdf(p, s, 0, out, 32), ERR_LIMIT);
	assert_int_equal(bcrypt_pbkdf(p, s, BCRYPT_ROUNDS_MAX + 1, out, 32),
	    ERR_LIMIT);
	assert_int_equal(bcrypt_pbkdf(p, s, 1, out, 0), ERR_LIMIT);
	assert_int_equal(bcrypt_pbkdf(p, s, 1, out, sizeof(out)), ERR_LIMIT);
	assert_int_equal(bcrypt_pbkdf(p, slice_of(salt, sizeof(salt)), 1, out,
			     32),
	    ERR_LIMIT);
	assert_int_equal(out[0], 42);
	assert_int_equal(bcrypt_pbkdf(p, slice_of(salt, sizeof(salt) - 1), 1,
			     out, 32),
	    0);
	assert_int_equal(bcrypt_pbkdf(p, s, 1, out, BCRYPT_OUT_MAX), 0);
}

static int
derive_once(void *arg)
{
	uint8_t out[32];

	(void)arg;
	return bcrypt_pbkdf(slice_str("p"), slice_str("s"), 1, out, 32);
}

static void
every_failing_allocation_is_reported(void **state)
{
	(void)state;
	assert_int_equal(alloc_each(derive_once, NULL), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outputs_are_those_of_openbsd),
	    cmocka_unit_test(limits_are_refused_and_leave_the_output),
	    cmocka_unit_test(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
