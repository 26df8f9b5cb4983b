// SPDX-License-Identifier: MIT

package main

// #include "foreign.h"
import "C"

import (
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

var calls chan uint64

// foreignCall runs on a thread that is not the runtime's own.
//
//export foreignCall
func foreignCall(sent C.uint64_t) {
	calls <- uint64(sent)
}

// load starts pairs of goroutines that work and send without end.
func load(pairs int, stop *int32) *sync.WaitGroup {
	turns := turnsFor(arg("work", 1000))
	var ended sync.WaitGroup
	for ; pairs > 0; pairs-- {
		items := make(chan uint64, 128)
		ended.Add(1)
		go func() {
			expected := uint64(0)
			for v := range items {
				if worked(v, turns) != expected {
					fail("wake: a wrong number")
				}
				expected++
			}
			ended.Done()
		}()
		go func() {
			for i := uint64(0); atomic.LoadInt32(stop) == 0; i++ {
				items <- worked(i, turns)
			}
			close(items)
		}()
	}
	return &ended
}

// wake: a thread of C sends the time of day every pause=us; the goroutine that it wakes
// looks at the clock. The median. load=N: beside N pairs of goroutines that work.
func wake(n int) float64 {
	latency := make([]uint64, n)
	stop := int32(0)
	calls = make(chan uint64, 128)
	loaded := load(arg("load", 0), &stop)
	now, start := uint64(C.foreign_now()), time.Now()
	C.foreign_start(C.uint64_t(n), C.uint64_t(arg("pause", 300)*1000))
	for i := range latency {
		sent := <-calls
		latency[i] = now + uint64(time.Since(start)) - sent
	}
	C.foreign_join()
	atomic.StoreInt32(&stop, 1)
	loaded.Wait()
	return latencies(latency)
}

func bySize(values []uint64) {
	sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
}

// latencies prints the slow ones beside the result, which is the median.
func latencies(ns []uint64) float64 {
	bySize(ns)
	n := len(ns)
	fmt.Printf("INFO p99=%d p999=%d max=%d\n", ns[n*99/100], ns[n*999/1000], ns[n-1])
	return float64(ns[n/2])
}

// luck is how many times as many the luckiest has as the unluckiest.
func luck(items []uint64) float64 {
	bySize(items)
	least, most := items[0], items[len(items)-1]
	fmt.Printf("INFO most=%d least=%d\n", most, least)
	if least == 0 {
		least = 1
	}
	return float64(most) / float64(least)
}

// gather returns when n goroutines wait at the gate; dismiss when all have gone.
func gather(n int) (dismiss func()) {
	gate := make(chan bool)
	var here, ended sync.WaitGroup
	here.Add(n)
	ended.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			here.Done()
			<-gate
			ended.Done()
		}()
	}
	here.Wait()
	return func() {
		close(gate)
		ended.Wait()
	}
}

// idle: n goroutines are parked and nothing happens until the standard input ends.
func idle(n int) float64 {
	dismiss := gather(n)
	fmt.Println("READY")
	io.Copy(io.Discard, os.Stdin)
	dismiss()
	return 0
}

// peak: how much of the memory that n parked goroutines took is still there seconds=10
// after they have gone, in percent.
func peak(n int) float64 {
	before := memory()
	dismiss := gather(n)
	grown := memory() - before
	dismiss()
	time.Sleep(time.Duration(arg("seconds", 10)) * time.Second)
	left := memory() - before
	fmt.Printf("INFO bytes=%.1f\n", left/float64(n))
	return 100 * left / grown
}
