#include <nursery.h>
#include <stdio.h>

struct pipeline {
	struct nur_send_channel *numbers_in;
	struct nur_receive_channel *numbers_out;
	struct nur_send_channel *squares_in;
	struct nur_receive_channel *squares_out;
};

static int
produce(void *arg)
{
	struct pipeline *pipeline = arg;
	int r = 0;

	for (int i = 1; i <= 4 && r == 0; i++) {
		r = nur_channel_send(pipeline->numbers_in, &i);
	}
	nur_send_channel_close(pipeline->numbers_in); /* the end, for who receives */
	return r;
}

static int
square(void *arg)
{
	struct pipeline *pipeline = arg;
	int number, r;

	while ((r = nur_channel_receive(pipeline->numbers_out, &number)) == 0) {
		number *= number;
		r = nur_channel_send(pipeline->squares_in, &number);
		if (r < 0) {
			break;
		}
	}
	nur_send_channel_close(pipeline->squares_in);
	return r == NUR_EENDOFCHANNEL ? 0 : r;
}

static int
consume(void *arg)
{
	struct pipeline *pipeline = arg;
	int number, r;

	while ((r = nur_channel_receive(pipeline->squares_out, &number)) == 0) {
		printf("%d\n", number);
	}
	return r == NUR_EENDOFCHANNEL ? 0 : r;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	int r = nur_start_soon(nursery, "produce", produce, arg);

	if (r == 0) {
		r = nur_start_soon(nursery, "square", square, arg);
	}
	return r < 0 ? r : nur_start_soon(nursery, "consume", consume, arg);
}

static int
program(void *arg)
{
	struct pipeline pipeline = { NULL, NULL, NULL, NULL };
	int r;

	r = nur_channel_open(sizeof(int), 0, &pipeline.numbers_in, &pipeline.numbers_out);
	if (r == 0) {
		r = nur_channel_open(sizeof(int), 2, &pipeline.squares_in, &pipeline.squares_out);
	}
	if (r == 0) {
		r = nur_nursery_run(body, &pipeline, NULL);
	}

	nur_receive_channel_destroy(pipeline.squares_out);
	nur_send_channel_destroy(pipeline.squares_in);
	nur_receive_channel_destroy(pipeline.numbers_out);
	nur_send_channel_destroy(pipeline.numbers_in);
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
