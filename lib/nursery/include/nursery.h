/* SPDX-License-Identifier: MIT */
/*
 * libnursery: structured concurrency for C on libevent. This header includes all the others.
 *
 * A task is a function with a stack of its own. It is started in a nursery, and the nursery does
 * not close before the task has ended. The first failure in a nursery cancels the other tasks in
 * it. A cancel scope bounds any piece of code by a deadline or by a call from outside. See
 * nursery(7).
 */
#pragma once

#include <nursery/address.h>
#include <nursery/cancel_scope.h>
#include <nursery/channel.h>
#include <nursery/checkpoint.h>
#include <nursery/clock.h>
#include <nursery/condition.h>
#include <nursery/connect.h>
#include <nursery/errors.h>
#include <nursery/event.h>
#include <nursery/fd.h>
#include <nursery/guest.h>
#include <nursery/instrument.h>
#include <nursery/limiter.h>
#include <nursery/listener.h>
#include <nursery/local.h>
#include <nursery/lock.h>
#include <nursery/nursery.h>
#include <nursery/park.h>
#include <nursery/quorum.h>
#include <nursery/resolve.h>
#include <nursery/run.h>
#include <nursery/semaphore.h>
#include <nursery/serve.h>
#include <nursery/signal.h>
#include <nursery/stack_use.h>
#include <nursery/start.h>
#include <nursery/stream.h>
#include <nursery/task.h>
#include <nursery/testing.h>
#include <nursery/thread.h>
#include <nursery/token.h>
#include <nursery/tree.h>
#include <nursery/watch.h>
