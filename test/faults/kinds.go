package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // reads what the database has in the end
)

// kind is a kind of fault.
type kind struct {
	name string
	two  bool // with a second server
	do   func(w *world) (undo func())
}

func killAt(at point) func(w *world) func() {
	return func(w *world) func() {
		n, after := 1, time.Duration(50+w.r.IntN(5000))*time.Microsecond
		if at == beforeCommit || at == afterCommit {
			n = 1 + w.r.IntN(14) // every boundary of a step is one of the first
		}
		w.faults.arm(at, n, after, func() { w.servers[0].signal(syscall.SIGKILL) })
		return func() {}
	}
}

func cutAt(at point) func(w *world) func() {
	return func(w *world) func() { w.faults.arm(at, 1+w.r.IntN(2), 0, func() {}); return func() {} }
}

// kinds are all of them; each is met in turn.
var kinds = []kind{
	{"killed " + string(beforeCommit), false, killAt(beforeCommit)},
	{"killed " + string(afterCommit), false, killAt(afterCommit)},
	{"killed " + string(beforeEffect), false, killAt(beforeEffect)},
	{"killed " + string(afterEffect), false, killAt(afterEffect)},
	{"killed " + string(afterAnswer), false, killAt(afterAnswer)},
	{"an answer of the ERP is lost", false, cutAt(afterEffect)},
	{"a request to the ERP is lost", false, cutAt(beforeEffect)},
	{"the ERP is frozen", false, func(w *world) func() {
		_ = w.company.Process.Signal(syscall.SIGSTOP)
		wait := time.Duration(500+w.r.IntN(2500)) * time.Millisecond
		end := time.AfterFunc(wait, func() { _ = w.company.Process.Signal(syscall.SIGCONT) })
		return func() { end.Stop(); _ = w.company.Process.Signal(syscall.SIGCONT) }
	}},
	{"the database is killed and started again", false, func(w *world) func() {
		done := make(chan struct{})
		wait := time.Duration(w.r.IntN(300)) * time.Millisecond
		go func() {
			defer close(done)
			time.Sleep(wait)
			w.crashDatabase()
		}()
		return func() { <-done }
	}},
	{"a server is frozen and comes back, as another works on", true, func(w *world) func() {
		n := 1 + w.r.IntN(6)
		at := []point{beforeEffect, afterEffect, afterCommit}[w.r.IntN(3)]
		if at != afterCommit {
			n = 1
		}
		w.faults.arm(at, n, 0, func() {
			w.servers[0].signal(syscall.SIGSTOP)
			time.AfterFunc(6*time.Second, func() { w.servers[0].signal(syscall.SIGCONT) }) // longer than a claim lasts
		})
		return func() { w.servers[0].signal(syscall.SIGCONT) }
	}},
	{"one of two servers is killed", true, killAt(afterEffect)},
	{"the database's disk is full", false, func(w *world) func() {
		if w.disk == "" {
			return func() {}
		}
		fill := filepath.Join(w.disk, "fill")
		time.AfterFunc(time.Duration(w.r.IntN(200))*time.Millisecond, func() { w.fillDisk(fill) })
		ended, wait := make(chan struct{}), time.Duration(1000+w.r.IntN(1000))*time.Millisecond
		go func() {
			defer close(ended)
			time.Sleep(wait)
			_ = os.Remove(fill)
			w.faults.mark()
			time.Sleep(300 * time.Millisecond)
			select {
			case <-w.cluster.Exited(): // it could not even recover
				w.restartDatabase()
			default:
			}
		}()
		return func() { <-ended }
	}},
}

// crashDatabase ends the database as a crash does, and starts it again.
func (w *world) crashDatabase() {
	text, err := os.ReadFile(filepath.Join(w.folder, "database", "postgres", "postmaster.pid"))
	if err != nil {
		return
	}
	pid, _ := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	_ = syscall.Kill(pid, syscall.SIGQUIT) // at once, and no checkpoint
	<-w.cluster.Exited()
	w.restartDatabase()
}

// fillDisk writes until nothing more fits.
func (w *world) fillDisk(path string) {
	f, err := os.Create(path)
	if err != nil {
		return
	}
	defer f.Close()
	for block := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(block)
	}
}

func (w *world) restartDatabase() {
	w.cluster.Stop() // gives the folder back
	for range 50 {
		if w.startDatabase() == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
