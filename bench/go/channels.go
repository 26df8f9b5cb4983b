// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

// pingpong: a number there and its successor back; one operation is a round trip.
func pingpong(n int) float64 {
	capacity := arg("capacity", 1)
	there, back := make(chan uint64, capacity), make(chan uint64, capacity)
	go func() {
		for v := range there {
			back <- v + 1
		}
	}()
	start := time.Now()
	for i := uint64(0); i < uint64(n); i++ {
		there <- i
		if <-back != i+1 {
			fail("pingpong: a wrong answer")
		}
	}
	result := per(start, n)
	close(there)
	return result
}

// transfer: producers to consumers through one channel; one operation is an item.
func transfer(n int) float64 {
	producers, consumers := arg("producers", 1), arg("consumers", 1)
	items := make(chan uint64, arg("capacity", 128))
	each := uint64(n / producers)
	sums := make(chan uint64, consumers)
	var sending sync.WaitGroup

	start := time.Now()
	for i := 0; i < consumers; i++ {
		go func() {
			sum := uint64(0)
			for v := range items {
				sum += v
			}
			sums <- sum
		}()
	}
	for i := 0; i < producers; i++ {
		sending.Add(1)
		go func() {
			for v := uint64(1); v <= each; v++ {
				items <- v
			}
			sending.Done()
		}()
	}
	sending.Wait()
	close(items)
	sum := uint64(0)
	for i := 0; i < consumers; i++ {
		sum += <-sums
	}
	if sum != uint64(producers)*(each*(each+1)/2) {
		fail("transfer: items were lost")
	}
	return per(start, producers*int(each))
}

// ring: a token that counts down goes round a ring of goroutines; one operation is a hop.
func ring(n int) float64 {
	size, capacity := arg("actors", 1000), arg("capacity", 1)
	next := ringOrder(size, arg("shuffle", 0) != 0)
	done := make(chan bool)
	channels := make([]chan uint64, size)
	var ended sync.WaitGroup
	for i := range channels {
		channels[i] = make(chan uint64, capacity)
	}
	for i := range channels {
		ended.Add(1)
		go func(in, out chan uint64) {
			defer ended.Done()
			for token := range in {
				if token == 0 {
					done <- true
					break
				}
				out <- token - 1
			}
		}(channels[i], channels[next[i]])
	}
	time.Sleep(20 * time.Millisecond) // every goroutine runs up to its first receive

	start := time.Now()
	channels[0] <- uint64(n)
	<-done
	result := per(start, n)

	for _, c := range channels {
		close(c)
	}
	ended.Wait()
	return result
}

// pipeline: numbers through stages that each add one; one operation is an item at a stage.
func pipeline(n int) float64 {
	capacity, stages := arg("capacity", 64), arg("stages", 100)
	first := make(chan uint64, capacity)
	in := first
	for i := 0; i < stages; i++ {
		out := make(chan uint64, capacity)
		go func(in, out chan uint64) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	start := time.Now()
	go func() {
		for i := uint64(0); i < uint64(n); i++ {
			first <- i
		}
		close(first)
	}()
	arrived := 0
	for v := range in {
		if v != uint64(stages+arrived) {
			fail("pipeline: a wrong number")
		}
		arrived++
	}
	if arrived != n {
		fail("pipeline: items were lost")
	}
	return per(start, n*stages)
}
