package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/gomega"
)

// controllerProcess is a running controller.
type controllerProcess struct {
	cmd  *exec.Cmd
	done chan struct{}
	mu   sync.Mutex
	out  bytes.Buffer
}

func (p *controllerProcess) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *controllerProcess) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// start starts the controller and waits until it listens. It is stopped when the test ends.
func (w *world) start(args ...string) *controllerProcess {
	w.t.Helper()
	p := w.launch(args...)
	w.g.Eventually(p.address, 20*time.Second).ShouldNot(BeEmpty(), p.log)
	return p
}

// launch starts the controller and does not wait.
func (w *world) launch(args ...string) *controllerProcess {
	w.t.Helper()
	p := &controllerProcess{done: make(chan struct{})}
	// Its end is in the hands of the test, which also wants to see it end by itself.
	p.cmd = exec.CommandContext(context.WithoutCancel(w.t.Context()), w.binary, append([]string{"controller"}, args...)...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = w.env, w.dir, p, p
	p.cmd.SysProcAttr = w.identity()
	if w.change != nil {
		w.change(p.cmd)
	}
	w.g.Expect(p.cmd.Start()).To(Succeed())
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	w.controller = p
	w.t.Cleanup(func() { p.stop() })
	return p
}

// address is where the endpoint listens, from the log.
func (p *controllerProcess) address() string {
	for line := range strings.Lines(p.log()) {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "Listening" {
			return entry.Address
		}
	}
	return ""
}

// stop asks the controller to end and waits for it.
func (p *controllerProcess) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait(20 * time.Second)
}

// kill ends the controller as a power failure would.
func (p *controllerProcess) kill() {
	_ = p.cmd.Process.Kill()
	p.wait(10 * time.Second)
}

func (p *controllerProcess) wait(limit time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(limit):
		return false
	}
}
