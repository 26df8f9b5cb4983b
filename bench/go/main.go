// SPDX-License-Identifier: MIT

// go SCENARIO key=value... - the scenarios over Go's own channels, a twentieth of each
// first to warm up. GOMAXPROCS says how many workers; workers=N sets it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type scenario struct {
	run    func(n int) float64 // nanoseconds per operation
	n      int                 // operations, unless the command line says n=...
	warmUp int                 // 0: a twentieth of n; noWarmUp
}

const noWarmUp = -1

var scenarios = map[string]scenario{
	"pingpong": {pingpong, 1000000, 0},
	"transfer": {transfer, 10000000, 0},
	"ring":     {ring, 2000000, 0},
	"spawn":    {spawn, 1000000, 0},
	"park":     {park, 1000000, 1},
	"skynet":   {skynet, 1000000, 1000},
	"pipeline": {pipeline, 100000, 0},
	"yield":    {yield, 5000000, 0},
	"select":   {selecting, 5000000, 0},
	"work":     {work, 100000, 0},
	"wake":     {wake, 2000, 0},
	"idle":     {idle, 10000, noWarmUp},
	"fair":     {fair, 5000000, 0},
	"hog":      {hog, 100000, 0},
	"peak":     {peak, 1000000, noWarmUp},
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: go SCENARIO key=value...")
	}
	s, known := scenarios[os.Args[1]]
	if !known {
		fail("scenarios: pingpong transfer ring spawn park skynet pipeline yield select " +
			"work wake idle fair hog peak")
	}
	if workers := arg("workers", 0); workers > 0 {
		runtime.GOMAXPROCS(workers)
	}
	n := arg("n", s.n)
	warmUp := s.warmUp
	if warmUp == 0 {
		warmUp = n/20 + 1
	}
	if warmUp != noWarmUp {
		s.run(warmUp)
	}
	if result := s.run(n); os.Args[1] != "idle" {
		fmt.Printf("RESULT %.3f\n", result)
	}
}

// arg is the number after "key=" on the command line, or otherwise.
func arg(key string, otherwise int) int {
	for _, a := range os.Args[2:] {
		if strings.HasPrefix(a, key+"=") {
			value, err := strconv.Atoi(a[len(key)+1:])
			if err != nil {
				fail(err.Error())
			}
			return value
		}
	}
	return otherwise
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}

// per is nanoseconds per operation since start.
func per(start time.Time, n int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// memory is the bytes of this process in memory, its page tables included.
func memory() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	kib := 0
	for _, line := range bytes.Split(status, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("VmRSS:")) || bytes.HasPrefix(line, []byte("VmPTE:")) {
			value, _ := strconv.Atoi(strings.Fields(string(line))[1])
			kib += value
		}
	}
	return float64(kib) * 1024
}

// ringOrder says whom each sends to; shuffled by the same sequence in every program.
func ringOrder(size int, shuffled bool) []int {
	order := make([]int, size)
	for i := range order {
		order[i] = i
	}
	state := uint64(88172645463325252)
	for i := size - 1; shuffled && i > 0; i-- {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		j := int(state % uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
	next := make([]int, size)
	for i := range order {
		next[order[i]] = order[(i+1)%size]
	}
	return next
}
