// SPDX-License-Identifier: MIT

// Goroutines beside tasks: the figures of bench_nursery.c that exist for them.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	nSpawns       = 2000000
	nYields       = 2000000
	nMessages     = 1000000
	nSleepers     = 1000
	nSleeps       = 100
	nTimers       = 100000
	nTimerChanges = 500000
	nWaiters      = 10000
	nEvents       = 20
)

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only with a wrong argument
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func report(what string, start time.Duration, n int) {
	fmt.Printf("%s\t%.2f\tns\n", what, float64(cpu()-start)/float64(n))
}

func measureSpawn(batch int) {
	start := cpu()
	for n := 0; n < nSpawns; n += batch {
		var group sync.WaitGroup
		group.Add(batch)
		for i := 0; i < batch; i++ {
			go func() { group.Done() }()
		}
		group.Wait()
	}
	report(fmt.Sprintf("spawn and join, batches of %d", batch), start, nSpawns)
}

func measureYield(nTasks int) {
	var group sync.WaitGroup
	start := cpu()
	group.Add(nTasks)
	for i := 0; i < nTasks; i++ {
		go func() {
			for n := 0; n < nYields/nTasks; n++ {
				runtime.Gosched()
			}
			group.Done()
		}()
	}
	group.Wait()
	report(fmt.Sprintf("checkpoint, %d tasks in turn", nTasks), start, nYields)
}

func measureChannel(capacity int) {
	channel := make(chan int, capacity)
	start := cpu()
	go func() {
		for i := 0; i < nMessages; i++ {
			channel <- i
		}
		close(channel)
	}()
	for range channel {
	}
	report(fmt.Sprintf("message through a channel of %d", capacity), start, nMessages)
}

func measureSleep() {
	var group sync.WaitGroup
	start := cpu()
	group.Add(nSleepers)
	for i := 0; i < nSleepers; i++ {
		go func() {
			for n := 0; n < nSleeps; n++ {
				time.Sleep(100 * time.Microsecond)
			}
			group.Done()
		}()
	}
	group.Wait()
	report("sleep, 1000 tasks at a time", start, nSleepers*nSleeps)
}

func someTime() time.Duration {
	return 1000*time.Second + time.Duration(rand.Int63n(int64(10*time.Second)))
}

func measureTimers() {
	timers := make([]*time.Timer, nTimers)
	for i := range timers {
		timers[i] = time.AfterFunc(someTime(), func() {})
	}
	start := cpu()
	for n := 0; n < nTimerChanges; n++ {
		timer := timers[rand.Intn(nTimers)]
		timer.Stop()
		timer.Reset(someTime())
	}
	report("timer cancelled and added, among 100000", start, nTimerChanges)
	for _, timer := range timers {
		timer.Stop()
	}
}

func residentKiB() int {
	var size, resident int
	file, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0
	}
	defer file.Close()
	_, _ = fmt.Fscan(file, &size, &resident) // the kernel writes numbers
	return resident * os.Getpagesize() / 1024
}

// The goroutines that wait are also the parked ones whose memory is measured.
func measureEvent() {
	var events [nEvents]chan struct{}
	var waiting, ended sync.WaitGroup
	for i := range events {
		events[i] = make(chan struct{})
	}
	before := residentKiB()
	waiting.Add(nWaiters)
	ended.Add(nWaiters)
	for i := 0; i < nWaiters; i++ {
		go func() {
			for _, event := range events {
				waiting.Done()
				<-event
			}
			ended.Done()
		}()
	}
	waiting.Wait()
	fmt.Printf("resident memory of a parked task\t%.2f\tKiB\n", float64(residentKiB()-before)/nWaiters)

	start := cpu()
	for _, event := range events[:nEvents-1] {
		waiting.Add(nWaiters)
		close(event)
		waiting.Wait()
	}
	report("wake of one of 10000 waiters", start, (nEvents-1)*nWaiters)
	close(events[nEvents-1])
	ended.Wait()
}

func main() {
	measureEvent() // first: later it would find used stacks
	measureSpawn(1)
	measureSpawn(20)
	measureSpawn(1000)
	measureYield(1)
	measureYield(1000)
	measureChannel(0)
	measureChannel(64)
	measureSleep()
	measureTimers()
}
