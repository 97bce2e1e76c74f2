/* SPDX-License-Identifier: MIT */
/* X9, X12-X20: what a switch keeps, where signals run, what a debugger sees, and two runs at a time. */
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unwind.h>

#include "tests/support/in_run.h"

/* Each frame uses the one above it after the call, so that no compiler turns it into a loop. */
static __attribute__((noinline)) int
recurse(volatile char *above, int depth)
{
	volatile char bytes[1024];

	bytes[0] = above[0];
	bytes[1023] = (char)depth;
	return depth < 0 ? 0 : recurse(bytes, depth + 1) + bytes[1023];
}

static int
overflow(void *unused)
{
	volatile char start = 1;

	return recurse(&start, 0);
}

static const char pattern[64] = "a neighbour's memory";

/* Lives beside the greedy task; its frame is looked at by the signal handler below. */
static int
keep_a_pattern(void *ret_copy)
{
	volatile char copy[sizeof(pattern)];

	memcpy((char *)copy, pattern, sizeof(pattern));
	*(volatile char **)ret_copy = copy;
	return nur_sleep_forever();
}

static volatile char *copies[2];

static void
look_at_the_neighbours(int signal_number)
{
	for (int i = 0; i < 2; i++) {
		if (memcmp((char *)copies[i], pattern, sizeof(pattern)) != 0) {
			_exit(3);
		}
	}
	_exit(4);
}

static void
overflow_beside_neighbours(void)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, keep_a_pattern, &copies[0]);
	t_start(&nursery, keep_a_pattern, &copies[1]);
	t_settle();
	ck_assert_int_eq(nur_start_soon(&nursery, "greedy", overflow, NULL), 0);
	(void)nur_nursery_close(&nursery, 0, NULL);
}

static void
overflow_a_stack(void)
{
	t_in_run(overflow_beside_neighbours);
}

static void
overflow_a_stack_and_look(void)
{
	const struct sigaction action = { .sa_handler = look_at_the_neighbours,
		.sa_flags = SA_ONSTACK };

	(void)sigaction(SIGABRT, &action, NULL);
	(void)sigaction(SIGSEGV, &action, NULL);
	t_in_run(overflow_beside_neighbours);
}

START_TEST(x09_an_overflow_is_stopped_with_the_tasks_name)
{
	char text[4096];
	int status = t_in_child(overflow_a_stack, text, sizeof(text));

	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	ck_assert_msg(strstr(text, "greedy"), "no name in: %s", text);
}
END_TEST

/* After its message the report goes on to the handler that was there before. */
START_TEST(x09_an_overflow_touches_no_memory_of_other_tasks)
{
	char text[4096];
	int status = t_in_child(overflow_a_stack_and_look, text, sizeof(text));

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 4);
}
END_TEST

static int
spoil_errno(void *unused)
{
	for (int i = 0; i < 3; i++) {
		errno = 1000 + i;
		(void)!nur_checkpoint();
	}
	return 0;
}

IN_RUN_TEST(x12_errno_survives_a_checkpoint)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, spoil_errno, NULL);
	errno = EXDEV;
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

struct rounding {
	int mode;
	double third;
};

static int
divide_with_a_mode(void *arg)
{
	struct rounding *rounding = arg;
	volatile double one = 1, three = 3;

	ck_assert_int_eq(fesetround(rounding->mode), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
		ck_assert_int_eq(fegetround(), rounding->mode);
	}
	rounding->third = one / three;
	return 0;
}

IN_RUN_TEST(x13_a_rounding_mode_stays_in_its_task)
{
	struct rounding up = { .mode = FE_UPWARD }, down = { .mode = FE_DOWNWARD };
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, divide_with_a_mode, &up);
	t_start(&nursery, divide_with_a_mode, &down);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	ck_assert(up.third > down.third || t_is_watched()); /* valgrind's arithmetic has one mode */
}
END_TEST

/*
 * registers_after() - fill the registers that a call keeps with @seed and what follows it, make the
 * call, and count those that changed
 */
int registers_after(uint64_t seed, int (*call)(void));

/* clang-format off */
#if defined(__x86_64__)
__asm__(".text\n"
	".globl registers_after\n"
	".type registers_after, @function\n"
	"registers_after:\n"
	"	endbr64\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	push %rdi\n"
	"	mov %rdi, %rbx\n"
	"	lea 1(%rdi), %rbp\n"
	"	lea 2(%rdi), %r12\n"
	"	lea 3(%rdi), %r13\n"
	"	lea 4(%rdi), %r14\n"
	"	lea 5(%rdi), %r15\n"
	"	call *%rsi\n"
	"	pop %rdi\n"
	"	xor %eax, %eax\n"
	"	xor %ecx, %ecx\n"
	"	cmp %rdi, %rbx\n"
	"	setne %cl\n"
	"	add %ecx, %eax\n"
	"	lea 1(%rdi), %rdx\n"
	"	cmp %rdx, %rbp\n"
	"	setne %cl\n"
	"	add %ecx, %eax\n"
	"	lea 2(%rdi), %rdx\n"
	"	cmp %rdx, %r12\n"
	"	setne %cl\n"
	"	add %ecx, %eax\n"
	"	lea 3(%rdi), %rdx\n"
	"	cmp %rdx, %r13\n"
	"	setne %cl\n"
	"	add %ecx, %eax\n"
	"	lea 4(%rdi), %rdx\n"
	"	cmp %rdx, %r14\n"
	"	setne %cl\n"
	"	add %ecx, %eax\n"
	"	lea 5(%rdi), %rdx\n"
	"	cmp %rdx, %r15\n"
	"	setne %cl\n"
	"	add %ecx, %eax\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	".size registers_after, .-registers_after\n");
#elif defined(__aarch64__)
#define FILL(n, offset)   "	add x" #n ", x0, #" #offset "\n"
#define FILL_D(n, offset) "	add x9, x0, #" #offset "\n	fmov d" #n ", x9\n"
#define LOOK(n, offset)   "	add x9, x10, #" #offset "\n	cmp x" #n ", x9\n	cinc w0, w0, ne\n"
#define LOOK_D(n, offset) \
	"	add x9, x10, #" #offset "\n	fmov x11, d" #n "\n	cmp x11, x9\n	cinc w0, w0, ne\n"
__asm__(".text\n"
	".globl registers_after\n"
	".type registers_after, %function\n"
	"registers_after:\n"
	"	hint #34\n" /* bti c */
	"	stp x29, x30, [sp, #-176]!\n"
	"	stp x19, x20, [sp, #16]\n"
	"	stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n"
	"	stp x25, x26, [sp, #64]\n"
	"	stp x27, x28, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	str x0, [sp, #160]\n"
	FILL(19, 0) FILL(20, 1) FILL(21, 2) FILL(22, 3) FILL(23, 4)
	FILL(24, 5) FILL(25, 6) FILL(26, 7) FILL(27, 8) FILL(28, 9)
	FILL_D(8, 10) FILL_D(9, 11) FILL_D(10, 12) FILL_D(11, 13)
	FILL_D(12, 14) FILL_D(13, 15) FILL_D(14, 16) FILL_D(15, 17)
	"	blr x1\n"
	"	ldr x10, [sp, #160]\n"
	"	mov w0, #0\n"
	LOOK(19, 0) LOOK(20, 1) LOOK(21, 2) LOOK(22, 3) LOOK(23, 4)
	LOOK(24, 5) LOOK(25, 6) LOOK(26, 7) LOOK(27, 8) LOOK(28, 9)
	LOOK_D(8, 10) LOOK_D(9, 11) LOOK_D(10, 12) LOOK_D(11, 13)
	LOOK_D(12, 14) LOOK_D(13, 15) LOOK_D(14, 16) LOOK_D(15, 17)
	"	ldp x19, x20, [sp, #16]\n"
	"	ldp x21, x22, [sp, #32]\n"
	"	ldp x23, x24, [sp, #48]\n"
	"	ldp x25, x26, [sp, #64]\n"
	"	ldp x27, x28, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	ldp x29, x30, [sp], #176\n"
	"	ret\n"
	".size registers_after, .-registers_after\n");
#else
/* No assembly for this machine: the compiler's own use of its registers has to do. */
int
registers_after(uint64_t seed, int (*call)(void))
{
	return call() < 0;
}
#endif
/* clang-format on */

static int
do_nothing(void)
{
	return 0;
}

static int
keep_registers(void *seed)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(registers_after((uint64_t)(uintptr_t)seed, nur_checkpoint), 0);
	}
	return 0;
}

IN_RUN_TEST(x14_registers_that_a_call_keeps_survive_a_switch)
{
	struct nur_nursery nursery;

	ck_assert_int_eq(registers_after(100, do_nothing), 0);
	t_open(&nursery);
	for (int i = 1; i <= 5; i++) {
		t_start(&nursery, keep_registers, T_CODE(1000 * i));
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static uintptr_t handler_frame;
static bool is_on_alternate_stack;

static void
note_the_frame(int signal_number)
{
	stack_t stack;

	handler_frame = (uintptr_t)__builtin_frame_address(0); /* a sanitizer moves locals away */
	is_on_alternate_stack = sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK);
}

static int
be_interrupted(void *unused)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	(void)raise(SIGUSR2); /* fails for bad numbers only */
	ck_assert(is_on_alternate_stack);
	ck_assert(handler_frame > frame + 65536 || handler_frame < frame - 65536);
	return 0;
}

IN_RUN_TEST(x15_a_signal_is_handled_on_an_alternate_stack)
{
	const struct sigaction action = { .sa_handler = note_the_frame, .sa_flags = SA_ONSTACK };
	struct nur_nursery nursery;

	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	t_open(&nursery);
	t_start(&nursery, be_interrupted, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

/* Frames as the unwinder sees them: what a debugger draws. */
struct backtrace {
	uintptr_t frames[64];
	int n;
	bool is_out_of_order;
};

static _Unwind_Reason_Code
note_frame(struct _Unwind_Context *context, void *arg)
{
	struct backtrace *trace = arg;
	uintptr_t frame = _Unwind_GetCFA(context);

	if (trace->n == 64) {
		return _URC_NORMAL_STOP;
	}
	if (trace->n > 0 && frame < trace->frames[trace->n - 1]) {
		trace->is_out_of_order = true;
	}
	trace->frames[trace->n++] = frame;
	return _URC_NO_REASON;
}

static int
look_back(void *unused)
{
	struct backtrace trace = { .n = 0 };
	_Unwind_Reason_Code end;

	end = _Unwind_Backtrace(note_frame, &trace);
	ck_assert_int_eq(end, _URC_END_OF_STACK);
	ck_assert_int_ge(trace.n, 2);
	ck_assert_int_lt(
		trace.n, 10); /* this function, what calls it, the entry; no frame of nur_run() */
	ck_assert(!trace.is_out_of_order);
	ck_assert_uint_lt(trace.frames[trace.n - 1] - trace.frames[0], 65536);
	return nur_checkpoint();
}

IN_RUN_TEST(x16_a_backtrace_ends_at_the_tasks_entry)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, look_back, NULL);
	t_start(&nursery, look_back, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static volatile sig_atomic_t n_profiled;

static void
profile(int signal_number)
{
	struct backtrace trace = { .n = 0 };

	(void)_Unwind_Backtrace(note_frame, &trace);
	n_profiled++;
}

enum {
	N_SAMPLES = 50
};

static int
switch_until_profiled(void *unused)
{
	size_t n = t_scaled(100000000);
	int r = 0;

	for (size_t i = 0; i < n && n_profiled < N_SAMPLES && r == 0; i++) {
		r = nur_checkpoint();
	}
	return r;
}

/*
 * CPU time, not the wall clock, decides when a sample is due. Tools hold signals back until a place
 * that suits them, so samples are counted without them only.
 */
IN_RUN_TEST(x17_a_profiler_may_interrupt_a_switch)
{
	const struct sigaction action = { .sa_handler = profile,
		.sa_flags = SA_ONSTACK | SA_RESTART };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct nur_nursery nursery;

	profile(0); /* loads what the unwinder needs, outside of a handler */
	n_profiled = 0;
	ck_assert_int_eq(sigaction(SIGPROF, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_PROF, &often, NULL), 0);
	t_open(&nursery);
	t_start(&nursery, switch_until_profiled, NULL);
	t_start(&nursery, switch_until_profiled, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_PROF, &never, NULL), 0);

	ck_assert(n_profiled >= N_SAMPLES || t_is_watched());
}
END_TEST

static __attribute__((noinline)) int
fill_frames(int depth, int value)
{
	volatile int numbers[32];
	int r;

	for (int i = 0; i < 32; i++) {
		numbers[i] = value + i;
	}
	r = nur_checkpoint();
	if (r == 0 && depth > 0) {
		r = fill_frames(depth - 1, value + 1000);
	}
	for (int i = 0; i < 32; i++) {
		ck_assert_int_eq(numbers[i], value + i);
	}
	return r;
}

static int
fill_a_stack(void *value)
{
	return fill_frames(5, t_return(value));
}

/*
 * The tool in use is the judge: addresses of locals are taken, stacks are switched in the middle of
 * frames, tasks end by return and by cancellation, and their stacks are used again.
 */
IN_RUN_TEST(x18_switches_are_clean_under_the_tool_in_use)
{
	for (int round = 0; round < 3; round++) {
		struct nur_nursery nursery;

		t_open(&nursery);
		for (int i = 0; i < 8; i++) {
			t_start(&nursery, fill_a_stack, T_CODE(100 * i));
			t_start(&nursery, t_sleep_forever, NULL);
		}
		ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
		nur_nursery_cancel(&nursery, NULL);
		ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	}
}
END_TEST

static int
run_the_loop(void *unused)
{
	ck_assert_int_eq(nur_run(t_return, T_CODE(0), NULL, NULL), NUR_ENESTEDRUN);
	return nur_checkpoint();
}

static void
run_the_loop_in_the_loop(void *ret_result)
{
	*(int *)ret_result = nur_run(t_return, T_CODE(0), NULL, NULL);
}

IN_RUN_TEST(x19_nobody_inside_a_run_can_run_the_loop)
{
	struct nur_nursery nursery;
	struct nur_call call;
	int result = 0;

	t_open(&nursery);
	t_start(&nursery, run_the_loop, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	nur_call_init(&call, run_the_loop_in_the_loop, &result);
	nur_call_soon(&call);
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_int_eq(result, NUR_ENESTEDRUN);
}
END_TEST

struct own_run {
	int sum;
	nur_time end;
};

static int
add_up(void *arg)
{
	struct own_run *own = arg;

	for (int i = 0; i < 100; i++) {
		int before = own->sum;
		int r = i % 10 == 0 ? nur_sleep(NUR_MSEC(1)) : nur_checkpoint();

		if (r < 0) {
			return r;
		}
		own->sum += own->sum >= before; /* only ever grows: by its own run's tasks */
	}
	return 0;
}

static int
add_up_with_many(void *arg)
{
	struct own_run *own = arg;
	struct nur_nursery nursery;
	int r = nur_nursery_open(&nursery);

	for (int i = 0; i < 50 && r == 0; i++) {
		r = nur_start_soon(&nursery, "adder", add_up, own);
	}
	r = nur_nursery_close(&nursery, r, NULL);
	own->end = nur_now();
	return r;
}

static void *
run_on_a_thread(void *own)
{
	struct nur_mock_clock *clock;
	struct nur_run_options options = { .clock = NULL };
	intptr_t r;

	r = nur_mock_clock_create(0, 0, &clock);
	if (r == 0) {
		options.clock = nur_mock_clock_clock(clock);
		r = nur_run(add_up_with_many, own, &options, NULL);
		nur_mock_clock_destroy(clock);
	}
	return (void *)r;
}

START_TEST(x20_two_runs_on_two_threads_do_not_disturb_each_other)
{
	struct own_run own[2] = { { .sum = 0 } };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_on_a_thread, &own[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		void *result;

		ck_assert_int_eq(pthread_join(threads[i], &result), 0);
		ck_assert_int_eq((intptr_t)result, 0);
		ck_assert_int_eq(own[i].sum, 5000);
		ck_assert_int_eq(own[i].end, NUR_MSEC(10));
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("switch");
	TCase *tc = tcase_create("switch");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, x09_an_overflow_is_stopped_with_the_tasks_name);
	tcase_add_test(tc, x09_an_overflow_touches_no_memory_of_other_tasks);
	tcase_add_test(tc, x12_errno_survives_a_checkpoint);
	tcase_add_test(tc, x13_a_rounding_mode_stays_in_its_task);
	tcase_add_test(tc, x14_registers_that_a_call_keeps_survive_a_switch);
	tcase_add_test(tc, x15_a_signal_is_handled_on_an_alternate_stack);
	tcase_add_test(tc, x16_a_backtrace_ends_at_the_tasks_entry);
	tcase_add_test(tc, x17_a_profiler_may_interrupt_a_switch);
	tcase_add_test(tc, x18_switches_are_clean_under_the_tool_in_use);
	tcase_add_test(tc, x19_nobody_inside_a_run_can_run_the_loop);
	tcase_add_test(tc, x20_two_runs_on_two_threads_do_not_disturb_each_other);
	suite_add_tcase(suite, tc);
	return suite;
}
