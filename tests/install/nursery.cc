// SPDX-License-Identifier: MIT
// A C++ program that uses each face of libnursery's macros.
#include <nursery.h>

#include <cerrno>
#include <cstdio>

static int
add(void *arg)
{
	int r = nur_checkpoint();

	++*static_cast<int *>(arg);
	return r;
}

static int
in_a_block(int *sum)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, nullptr);
		for (int i = 0; i < 3 && rc == 0; i++) {
			rc = nur_start_soon(nursery, "add", add, sum);
		}
	}
	return rc;
}

static int
program(void *arg)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_cancel_scope scope;
	int sum = 0;
	int r = in_a_block(&sum);

	if (r < 0) {
		return r;
	}
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, "at once");
	r = NUR_WITHIN(&scope, nur_sleep(NUR_SEC(60)));
	nur_errors_fini(&errors);
	std::printf("sum %d, scope %s\n", sum, nur_strerror(r));
	return r < 0 ? r : nur_fail(-EDOM, "%s", "as agreed");
}

int
main()
{
	int r = nur_run(program, nullptr, nullptr, nullptr);

	return r == -EDOM ? 0 : 1;
}
