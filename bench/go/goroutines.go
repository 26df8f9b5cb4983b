// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

// spawn: waves of goroutines that do nothing, all of a wave alive at once.
func spawn(n int) float64 {
	wave := arg("wave", 10000)
	waves := (n + wave - 1) / wave
	start := time.Now()
	for w := 0; w < waves; w++ {
		var ended sync.WaitGroup
		ended.Add(wave)
		for i := 0; i < wave; i++ {
			go ended.Done()
		}
		ended.Wait()
	}
	return per(start, waves*wave)
}

// park: n goroutines parked at once on a gate; the bytes are per goroutine.
func park(n int) float64 {
	before := memory()
	start := time.Now()
	dismiss := gather(n)
	bytes := (memory() - before) / float64(n)
	dismiss()
	result := per(start, n)
	if n > 1 {
		fmt.Printf("INFO bytes=%.1f\n", bytes)
	}
	return result
}

func node(parent chan<- uint64, first, size uint64, capacity int) {
	if size == 1 {
		parent <- first
		return
	}
	children := make(chan uint64, capacity)
	for i := uint64(0); i < 10; i++ {
		go node(children, first+i*(size/10), size/10, capacity)
	}
	sum := uint64(0)
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	parent <- sum
}

// skynet: a tree of goroutines with n leaves sums up its leaves; the whole in milliseconds.
func skynet(n int) float64 {
	root := make(chan uint64, 1)
	start := time.Now()
	go node(root, 0, uint64(n), arg("capacity", 0))
	if <-root != uint64(n)*(uint64(n)-1)/2 {
		fail("skynet: a wrong sum")
	}
	return per(start, 1000000)
}

// yield: two goroutines give way to each other; one operation is one switch.
func yield(n int) float64 {
	var ended sync.WaitGroup
	ended.Add(2)
	start := time.Now()
	for i := 0; i < 2; i++ {
		go func() {
			for j := 0; j < n/2; j++ {
				runtime.Gosched()
			}
			ended.Done()
		}()
	}
	ended.Wait()
	return per(start, n)
}
