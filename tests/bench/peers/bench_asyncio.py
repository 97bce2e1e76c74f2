#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""asyncio beside tasks in C: the figures of bench_nursery.c that exist for it."""
import asyncio
import os
import random
import time

N_SPAWNS, N_YIELDS, N_MESSAGES, N_SCOPES = 20000, 40000, 20000, 20000
N_SLEEPERS, N_SLEEPS = 1000, 10
N_TIMERS, N_TIMER_CHANGES = 100000, 20000
N_WAITERS, N_EVENTS = 10000, 10


def report(what, start_ns, n):
    print(f"{what}\t{(time.process_time_ns() - start_ns) / n:.2f}\tns")


def resident_kib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


async def nothing():
    pass


async def measure_spawn(batch):
    start = time.process_time_ns()
    for _ in range(N_SPAWNS // batch):
        async with asyncio.TaskGroup() as group:
            for _ in range(batch):
                group.create_task(nothing())
    report(f"spawn and join, batches of {batch}", start, N_SPAWNS)


async def yields(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def measure_yield(n_tasks):
    start = time.process_time_ns()
    async with asyncio.TaskGroup() as group:
        for _ in range(n_tasks):
            group.create_task(yields(N_YIELDS // n_tasks))
    report(f"checkpoint, {n_tasks} tasks in turn", start, N_YIELDS)


async def send_all(queue):
    for i in range(N_MESSAGES):
        await queue.put(i)


async def measure_queue(capacity):
    queue, start = asyncio.Queue(capacity), time.process_time_ns()
    async with asyncio.TaskGroup() as group:
        group.create_task(send_all(queue))
        for _ in range(N_MESSAGES):
            await queue.get()
    report(f"message through a channel of {capacity}", start, N_MESSAGES)


async def measure_scope():
    start = time.process_time_ns()
    for _ in range(N_SCOPES):
        async with asyncio.timeout(10):
            await nothing()
    report("timeout around a call", start, N_SCOPES)


async def sleep_often():
    for _ in range(N_SLEEPS):
        await asyncio.sleep(100e-6)


async def measure_sleep():
    start = time.process_time_ns()
    async with asyncio.TaskGroup() as group:
        for _ in range(N_SLEEPERS):
            group.create_task(sleep_often())
    report("sleep, 1000 tasks at a time", start, N_SLEEPERS * N_SLEEPS)


async def measure_timers():
    loop = asyncio.get_running_loop()

    def add():
        return loop.call_later(1000 + 10 * random.random(), int)

    timers = [add() for _ in range(N_TIMERS)]
    start = time.process_time_ns()
    for _ in range(N_TIMER_CHANGES):
        i = int(N_TIMERS * random.random())
        timers[i].cancel()
        timers[i] = add()
    report("timer cancelled and added, among 100000", start, N_TIMER_CHANGES)
    for timer in timers:
        timer.cancel()


class Waiters:
    """Tasks that wait for one event after the other, and say when all of them do."""

    def __init__(self):
        self.events = [asyncio.Event() for _ in range(N_EVENTS)]
        self.all_waiting = [asyncio.Event() for _ in range(N_EVENTS)]
        self.n_waits = 0

    async def wait_for_each(self):
        for event in self.events:
            self.n_waits += 1
            if self.n_waits % N_WAITERS == 0:
                self.all_waiting[self.n_waits // N_WAITERS - 1].set()
            await event.wait()


async def measure_event():
    """The tasks that wait are also the parked ones whose memory is measured."""
    waiters, before = Waiters(), resident_kib()
    async with asyncio.TaskGroup() as group:
        for _ in range(N_WAITERS):
            group.create_task(waiters.wait_for_each())
        await waiters.all_waiting[0].wait()
        print(f"resident memory of a parked task\t{(resident_kib() - before) / N_WAITERS:.2f}\tKiB")
        start = time.process_time_ns()
        for i in range(1, N_EVENTS):
            waiters.events[i - 1].set()
            await waiters.all_waiting[i].wait()
        report("wake of one of 10000 waiters", start, N_WAITERS * (N_EVENTS - 1))
        waiters.events[-1].set()


async def main():
    await measure_event()  # first: later it would find memory that is free
    for batch in 1, 20, 1000:
        await measure_spawn(batch)
    for n_tasks in 1, 1000:
        await measure_yield(n_tasks)
    await measure_queue(64)  # it has no queue without room
    await measure_scope()
    await measure_sleep()
    await measure_timers()


asyncio.run(main())
