#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trio beside its like in C: the figures of bench_nursery.c that exist for it."""
import os
import time

import trio
import trio.testing

N_SPAWNS, N_YIELDS, N_MESSAGES, N_SCOPES = 10000, 20000, 10000, 20000
N_SLEEPERS, N_SLEEPS = 1000, 10
N_WAITERS, N_EVENTS = 10000, 4


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
        async with trio.open_nursery() as nursery:
            for _ in range(batch):
                nursery.start_soon(nothing)
    report(f"spawn and join, batches of {batch}", start, N_SPAWNS)


async def checkpoints(n):
    for _ in range(n):
        await trio.lowlevel.checkpoint()


async def measure_yield(n_tasks):
    start = time.process_time_ns()
    async with trio.open_nursery() as nursery:
        for _ in range(n_tasks):
            nursery.start_soon(checkpoints, N_YIELDS // n_tasks)
    report(f"checkpoint, {n_tasks} tasks in turn", start, N_YIELDS)


async def send_all(sender):
    async with sender:
        for i in range(N_MESSAGES):
            await sender.send(i)


async def measure_channel(capacity):
    sender, receiver = trio.open_memory_channel(capacity)
    start = time.process_time_ns()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_all, sender)
        async for _ in receiver:
            pass
    report(f"message through a channel of {capacity}", start, N_MESSAGES)


async def measure_scope():
    start = time.process_time_ns()
    for _ in range(N_SCOPES):
        with trio.move_on_after(10):
            await nothing()
    report("timeout around a call", start, N_SCOPES)


async def sleep_often():
    for _ in range(N_SLEEPS):
        await trio.sleep(100e-6)


async def measure_sleep():
    start = time.process_time_ns()
    async with trio.open_nursery() as nursery:
        for _ in range(N_SLEEPERS):
            nursery.start_soon(sleep_often)
    report("sleep, 1000 tasks at a time", start, N_SLEEPERS * N_SLEEPS)


async def wait_for_each(events):
    for event in events:
        await event.wait()


async def measure_event():
    """The tasks that wait are also the parked ones whose memory is measured."""
    events, before = [trio.Event() for _ in range(N_EVENTS)], resident_kib()
    async with trio.open_nursery() as nursery:
        for _ in range(N_WAITERS):
            nursery.start_soon(wait_for_each, events)
        await trio.testing.wait_all_tasks_blocked()
        print(f"resident memory of a parked task\t{(resident_kib() - before) / N_WAITERS:.2f}\tKiB")
        start = time.process_time_ns()
        for event in events[:-1]:
            event.set()
            await trio.testing.wait_all_tasks_blocked()
        report("wake of one of 10000 waiters", start, N_WAITERS * (N_EVENTS - 1))
        events[-1].set()


async def main():
    await measure_event()  # first: later it would find memory that is free
    for batch in 1, 20, 1000:
        await measure_spawn(batch)
    for n_tasks in 1, 1000:
        await measure_yield(n_tasks)
    for capacity in 0, 64:
        await measure_channel(capacity)
    await measure_scope()
    await measure_sleep()


trio.run(main)
