// SPDX-License-Identifier: MIT

package main

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// burn takes a turn of work after another, each of which needs the one before.
//
//go:noinline
func burn(seed uint64, turns int) uint64 {
	for ; turns > 0; turns-- {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
	}
	return seed
}

// turnsFor is how many turns take ns, by the fastest of short blocks.
func turnsFor(ns int) int {
	const blocks, turns = 400, 20000
	fastest, seed := math.Inf(1), uint64(88172645463325252)
	for i := 0; i < blocks; i++ {
		start := time.Now()
		seed = burn(seed, turns)
		if turn := per(start, turns); turn < fastest && seed != 0 {
			fastest = turn
		}
	}
	return int(float64(ns)/fastest + 0.5)
}

// worked is the item itself; the work's result decides that, so it cannot be left out.
func worked(item uint64, turns int) uint64 {
	if burn(item+1, turns) == 0 {
		return item + 1
	}
	return item
}

// work: a pipeline in which every stage, the first and the last included, works on each
// item; one operation is an item that has gone through all stages.
func work(n int) float64 {
	capacity, stages := arg("capacity", 128), arg("stages", 2)
	turns := turnsFor(arg("work", 1000))
	first := make(chan uint64, capacity)
	in := first
	for i := 2; i < stages; i++ {
		out := make(chan uint64, capacity)
		go func(in, out chan uint64) {
			for v := range in {
				out <- worked(v, turns)
			}
			close(out)
		}(in, out)
		in = out
	}
	start := time.Now()
	go func() {
		for i := uint64(0); i < uint64(n); i++ {
			first <- worked(i, turns)
		}
		close(first)
	}()
	arrived := 0
	for v := range in {
		if worked(v, turns) != uint64(arrived) {
			fail("work: a wrong number")
		}
		arrived++
	}
	if arrived != n {
		fail("work: items were lost")
	}
	return per(start, n)
}

// selecting: one goroutine selects over four channels, each with its own producer; one
// operation is an item.
func selecting(n int) float64 {
	if arg("channels", 4) != 4 {
		fail("select: four channels")
	}
	var channels [4]chan uint64
	each := uint64(n / len(channels))
	for i := range channels {
		channels[i] = make(chan uint64, arg("capacity", 128))
	}
	start := time.Now()
	for _, c := range channels {
		go func(c chan uint64) {
			for v := uint64(1); v <= each; v++ {
				c <- v
			}
		}(c)
	}
	a, b, c, d := channels[0], channels[1], channels[2], channels[3]
	total, sum := 4*each, uint64(0)
	for i := uint64(0); i < total; i++ {
		select {
		case v := <-a:
			sum += v
		case v := <-b:
			sum += v
		case v := <-c:
			sum += v
		case v := <-d:
			sum += v
		}
	}
	if sum != 4*(each*(each+1)/2) {
		fail("select: items were lost")
	}
	return per(start, int(total))
}

// fair: producers that send as fast as they can until the consumer has n items; how many
// times as many the luckiest got rid of as the unluckiest.
func fair(n int) float64 {
	producers := arg("producers", 8)
	items := make(chan uint64, arg("capacity", 128))
	got := make([]uint64, producers)
	stop := int32(0)
	var sending sync.WaitGroup
	for id := 0; id < producers; id++ {
		sending.Add(1)
		go func(id uint64) {
			for atomic.LoadInt32(&stop) == 0 {
				items <- id
			}
			sending.Done()
		}(uint64(id))
	}
	for i := 0; i < n; i++ {
		got[<-items]++
	}
	atomic.StoreInt32(&stop, 1)
	go func() {
		sending.Wait()
		close(items)
	}()
	for range items {
	}
	return luck(got)
}

// hog: one goroutine wakes 500 others and computes for ms=200; they do n round trips with
// 500 partners. The result is how long that took, in milliseconds.
func hog(n int) float64 {
	const pairs = 500
	milliseconds := time.Duration(arg("ms", 200)) * time.Millisecond
	gate, began, stop := make(chan bool), make(chan time.Time, 1), int32(0)
	var asking, hogging sync.WaitGroup
	for i := 0; i < pairs; i++ {
		question, answer := make(chan uint64, 1), make(chan uint64, 1)
		asking.Add(1)
		go func() {
			for v := range question {
				answer <- v + 1
			}
		}()
		go func() {
			<-gate
			for i := uint64(0); i < uint64(n/pairs); i++ {
				question <- i
				if <-answer != i+1 {
					fail("hog: a wrong answer")
				}
			}
			close(question)
			asking.Done()
		}()
	}
	runtime.Gosched()
	hogging.Add(1)
	go func() {
		start, seed := time.Now(), uint64(1)
		began <- start
		close(gate)
		for atomic.LoadInt32(&stop) == 0 && time.Since(start) < milliseconds {
			seed = burn(seed, 1000)
		}
		hogging.Done()
	}()
	asking.Wait()
	result := per(<-began, 1000000)
	atomic.StoreInt32(&stop, 1)
	hogging.Wait()
	return result
}
