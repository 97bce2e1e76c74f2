#include <errno.h>
#include <nursery.h>
#include <stdio.h>

static int
patient(void *arg)
{
	int r = nur_sleep(NUR_SEC(60)); /* NUR_ECANCELED as soon as a sibling has failed */

	printf("patient: %s\n", nur_strerror(r));
	return r;
}

static int
unlucky(void *arg)
{
	return nur_fail(-EIO, "no luck today");
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	(void)nur_start_soon(nursery, "patient", patient, NULL);
	(void)nur_start_soon(nursery, "unlucky", unlucky, NULL);
	return 0; /* leaving the nursery waits for both */
}

static int
program(void *arg)
{
	return nur_nursery_run(body, NULL, NULL);
}

int
main(void)
{
	struct nur_errors errors;
	char text[256];
	int r = nur_run(program, NULL, NULL, &errors);

	nur_errors_format(&errors, text, sizeof(text));
	printf("run: %s\n%s", nur_strerror(r), text);
	nur_errors_fini(&errors);
	return 0;
}
