#include <errno.h>
#include <nursery.h>
#include <stdio.h>

static int
read_settings(void *arg)
{
	return nur_fail(-ENOENT, "there are no settings");
}

static int
read_history(void *arg)
{
	return nur_fail(-ENOENT, "there is no history");
}

static int
read_key(void *arg)
{
	return nur_fail(-EACCES, "the key is not ours");
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	int r = nur_start_soon(nursery, "settings", read_settings, NULL);

	if (r == 0) {
		r = nur_start_soon(nursery, "history", read_history, NULL);
	}
	return r < 0 ? r : nur_start_soon(nursery, "key", read_key, NULL);
}

static int
program(void *arg)
{
	struct nur_errors errors;
	int r = nur_nursery_run(body, NULL, &errors);
	int rest = errors.n_lost > 0 ? r : 0;
	int n_missing = 0;

	for (size_t i = 0; i < errors.n; i++) {
		if (errors.items[i].code == -ENOENT) {
			n_missing++; /* except* FileNotFoundError */
		} else {
			rest = errors.items[i].code;
		}
	}
	printf("%zu failures, %d files to make anew\n", errors.n, n_missing);

	if (rest == 0) {
		nur_errors_fini(&errors);
		return 0;
	}
	return nur_fail_with(rest, &errors); /* goes on, with all that is known */
}

int
main(void)
{
	struct nur_errors errors;
	int r = nur_run(program, NULL, NULL, &errors);

	printf("run: %s\n", nur_strerror(r));
	if (nur_errors_has(&errors, -ENOENT)) {
		printf("what was dealt with is still on record\n");
	}
	nur_errors_fini(&errors);
	return 0;
}
