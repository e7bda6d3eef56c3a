#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "author_match.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char ann[] =
	"{\"by\":\"pitr\",\"user\":\"ann\",\"uid\":1000,\"gid\":100,\"group\":\"staff\",\"pid\":4711,\"process\":"
	"\"pitr\",\"command\":\"pitr put orders x=*\",\"reason\":\"INC-17 cleanup\"}";
static const char job[] = "{\"by\":\"import\",\"user\":\"deploy-7\",\"source\":\"/data/changes [1].gz\","
			  "\"service\":\"ttl\"}";

static void test_patterns(void **state)
{
	static const struct {
		const char *author, *pattern;
		int expected;
	} cases[] = {
		/* a whole field, or any part of the long ones */
		{ ann, "ann", 1 },
		{ ann, "nn", 0 },
		{ ann, "ANN", 0 },
		{ ann, "annx", 0 },
		{ ann, "INC-17", 1 },
		{ ann, "put orders", 1 },
		{ ann, "cleanup", 1 },
		{ job, "ann", 0 },
		{ job, "changes", 1 },
		/* fields that are looked at only when named */
		{ ann, "1000", 0 },
		{ ann, "uid=1000", 1 },
		{ ann, "uid=100", 0 },
		{ ann, "gid=100", 1 },
		{ ann, "group=sta*", 1 },
		{ ann, "staff", 0 },
		{ ann, "pid=47??", 1 },
		{ job, "import", 0 },
		{ job, "by=import", 1 },
		{ job, "ttl", 0 },
		{ job, "service=ttl", 1 },
		{ ann, "service=*", 0 },
		/* named fields */
		{ ann, "user=ann", 1 },
		{ ann, "user=pitr", 0 },
		{ ann, "process=pitr", 1 },
		{ ann, "process=pi", 0 },
		{ ann, "command=orders", 1 },
		{ ann, "reason=17 clean", 1 },
		{ ann, "source=x", 0 },
		{ ann, "reason=ann", 0 },
		/* globs are of the whole field */
		{ job, "deploy-*", 1 },
		{ job, "deploy-[0-9]", 1 },
		{ job, "user=deploy-?", 1 },
		{ job, "eploy-*", 0 },
		{ ann, "command=pitr put *", 1 },
		{ ann, "command=put *", 0 },
		{ ann, "command=*put*", 1 },
		{ ann, "*", 1 },
		{ job, "source=*.gz", 1 },
		{ job, "*changes \\[1\\].gz", 1 },
		{ ann, "x=*", 0 },
		{ ann, "put orders x\\=\\*", 0 },
		{ ann, "*x=\\*", 1 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int result = author_matches(slice_of_text(cases[i].author), cases[i].pattern);
		if (result != cases[i].expected)
			fail_msg("%s of %s: %d", cases[i].pattern, cases[i].author, result);
	}
}

static void test_authors_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(author_matches(slice_of_text("{"), "ann"), -EIO);
	assert_int_equal(author_matches(slice_of_text("[]"), "ann"), 0);
	assert_int_equal(author_matches(slice_of_text("{\"user\":{\"a\":1}}"), "user=*"), 0);
}

static void test_checking_patterns(void **state)
{
	static const char *const good[] = { "ann", "user=ann", "deploy-*", "user=*", "--dry-run=yes", "a b=c",
		"pid=1" };
	struct error error = { 0 };
	char longest[1100];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(author_pattern_check(good[i], NULL), 0);
	assert_int_equal(author_pattern_check("usr=ann", &error), -EINVAL);
	assert_string_equal(error.message,
		"'usr' is nothing that is known of authors; write FIELD=PATTERN with one of user, process, command, "
		"source, reason, by, uid, gid, group, pid or service, or a pattern alone");
	assert_int_equal(author_pattern_check("", &error), -EINVAL);
	assert_non_null(strstr(error.message, "a pattern for authors is missing"));
	assert_int_equal(author_pattern_check("user=", &error), -EINVAL);
	assert_non_null(strstr(error.message, "a pattern for authors is missing"));
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(author_pattern_check(longest, &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_authors_that_are_none),
		cmocka_unit_test(test_checking_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
