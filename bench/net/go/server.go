// SPDX-License-Identifier: MIT

// server KIND ADDRESS WORKERS [BUFFER] - Go's net package, a goroutine for each connection.
// The kinds hand and handsink pass each chunk over a channel to a second goroutine, which
// sends the reply.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

var (
	size = 16 * 1024
	pool = sync.Pool{New: func() any { b := make([]byte, size); return &b }}
)

type chunk struct {
	bytes *[]byte
	n     int
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}

func echo(c net.Conn) {
	defer c.Close()
	b := make([]byte, size)
	for {
		n, err := c.Read(b)
		if n > 0 {
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// answer says at the end of a stream how many bytes came.
func answer(c net.Conn, received uint64, err error) {
	if err == io.EOF {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], received)
		c.Write(b[:])
	}
	c.Close()
}

func sink(c net.Conn) {
	b := make([]byte, 64*1024)
	received := uint64(0)
	for {
		n, err := c.Read(b)
		received += uint64(n)
		if err != nil {
			answer(c, received, err)
			return
		}
	}
}

// read passes on what comes until the end, whose error it returns.
func read(c net.Conn, chunks chan<- chunk) error {
	for {
		b := pool.Get().(*[]byte)
		n, err := c.Read(*b)
		if n > 0 {
			chunks <- chunk{b, n}
		}
		if err != nil {
			return err
		}
	}
}

func hand(c net.Conn) {
	chunks := make(chan chunk, 16)
	go func() {
		for k := range chunks {
			c.Write((*k.bytes)[:k.n]) // after an error the reader meets one, too
			pool.Put(k.bytes)
		}
		c.Close()
	}()
	read(c, chunks)
	close(chunks)
}

func handsink(c net.Conn) {
	chunks := make(chan chunk, 16)
	end := make(chan error, 1)
	go func() {
		received := uint64(0)
		for k := range chunks {
			received += uint64(k.n)
			pool.Put(k.bytes)
		}
		answer(c, received, <-end)
	}()
	end <- read(c, chunks)
	close(chunks)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		fail("not a number: " + text)
	}
	return n
}

func listen(address string) (net.Listener, string) {
	network, where := "tcp4", "127.0.0.1:0"
	if strings.HasPrefix(address, "unix:") {
		network, where = "unix", address[len("unix:"):]
	}
	listener, err := net.Listen(network, where)
	if err != nil {
		fail(err.Error())
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		return listener, strconv.Itoa(tcp.Port)
	}
	return listener, where
}

func main() {
	if len(os.Args) < 4 {
		fail("usage: server KIND ADDRESS WORKERS [BUFFER]")
	}
	kinds := map[string]func(net.Conn){"echo": echo, "sink": sink, "hand": hand, "handsink": handsink}
	serve, known := kinds[os.Args[1]]
	if !known {
		fail("kinds: echo sink hand handsink")
	}
	runtime.GOMAXPROCS(number(os.Args[3]))
	if len(os.Args) > 4 {
		size = number(os.Args[4])
	}
	listener, where := listen(os.Args[2])
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				fail(err.Error())
			}
			go serve(c)
		}
	}()
	fmt.Println("LISTEN", where)
	io.Copy(io.Discard, os.Stdin)
}
