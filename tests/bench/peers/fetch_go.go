// SPDX-License-Identifier: MIT

// net/http beside fetchd: the command line and the output of bare_loop.c, and one thing more.
//
//	fetch_go URL COUNT WINDOW [BATCH [FAILING]]
//
// With FAILING, an URL, every batch has that one, too, and ends with the first failure. Certificates are
// verified against $BENCH_CA.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func cpu() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only with a wrong argument
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func makeClient(window int) *http.Client {
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("BENCH_CA")); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	return &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: window,
		DisableCompression:  true,
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1
	}}
}

func fetch(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// A batch: so many workers take one URL after the other; the first failure ends all of them.
func runBatch(client *http.Client, prefix string, first, n, window int, failing string) (nOK int64) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var group sync.WaitGroup
	next := int64(first)
	if failing != "" {
		group.Add(1)
		go func() {
			defer group.Done()
			if fetch(ctx, client, failing) != nil {
				cancel()
			}
		}()
	}
	for i := 0; i < window && i < n; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				i := int(atomic.AddInt64(&next, 1)) - 1
				if i >= first+n {
					return
				}
				if fetch(ctx, client, prefix+"/"+strconv.Itoa(i)) != nil {
					cancel()
					return
				}
				atomic.AddInt64(&nOK, 1)
			}
		}()
	}
	group.Wait()
	return nOK
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	window, _ := strconv.Atoi(os.Args[3])
	batch, failing := n, ""
	if len(os.Args) > 4 {
		batch, _ = strconv.Atoi(os.Args[4])
	}
	if len(os.Args) > 5 {
		failing = os.Args[5]
	}
	client := makeClient(window)
	var times []int64
	var nOK int64
	cpuStart, start := cpu(), time.Now()
	for first := 0; first < n; first += batch {
		batchStart := time.Now()
		nOK += runBatch(client, os.Args[1], first, batch, window, failing)
		times = append(times, time.Since(batchStart).Nanoseconds())
	}
	wall, used := time.Since(start).Nanoseconds(), cpu()-cpuStart
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	fmt.Printf("{\"n\": %d, \"ok\": %d, \"wall_ns\": %d, \"cpu_ns\": %d, \"p50_ns\": %d, \"p99_ns\": %d}\n",
		n, nOK, wall, used, times[len(times)/2], times[len(times)*99/100])
}
