package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// controller is a running `awo controller`.
type controller struct {
	dataDir string
	address string
	cmd     *exec.Cmd
	ended   chan struct{}
	exit    error         // how it ended, once ended is closed
	ready   time.Duration // from its start until /readyz answered 200
}

// startController starts one on a data directory and waits until it is ready.
func startController(ctx context.Context, s settings, dataDir string) (*controller, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	logs, err := os.OpenFile(dataDir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot make the controller's log: %w", err)
	}
	defer func() { _ = logs.Close() }()

	c := &controller{dataDir: dataDir, address: "http://127.0.0.1:" + strconv.Itoa(port), ended: make(chan struct{})}
	c.cmd = exec.CommandContext(context.WithoutCancel(ctx), s.awo,
		"controller", "--data-dir", dataDir, "--port", strconv.Itoa(port), "--http-auth", "none",
		"--max-concurrent", strconv.Itoa(s.concurrent), "--log-level", "info")
	c.cmd.Env = environment(s.dir)
	c.cmd.Stdout, c.cmd.Stderr = logs, logs
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the controller: %w", err)
	}
	go func() {
		defer close(c.ended)
		c.exit = c.cmd.Wait()
	}()
	if err := c.waitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the controller did not become ready, see %s.log: %w", dataDir, err), c.stop())
	}
	c.ready = time.Since(begin)
	return c, nil
}

// environment is that of a user who configured nothing: what this machine sets must not decide a figure.
func environment(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "TMPDIR=" + os.TempDir()}
}

func freePort(ctx context.Context) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("cannot find a free port: %w", err)
	}
	_, text, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("cannot read a free port: %w", err)
	}
	if err := listener.Close(); err != nil {
		return 0, fmt.Errorf("cannot free a port: %w", err)
	}
	return strconv.Atoi(text)
}

func (c *controller) waitReady(ctx context.Context) error {
	return poll(ctx, 2*time.Millisecond, 2*time.Minute, func() (bool, error) {
		select {
		case <-c.ended:
			return false, errors.Join(errors.New("it ended"), c.exit)
		default:
		}
		code, _, err := c.get(ctx, "/readyz")
		return err == nil && code == http.StatusOK, nil
	})
}

// get asks the controller and decodes a JSON object; other bodies are left out.
func (c *controller) get(ctx context.Context, path string) (int, map[string]any, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+path, http.NoBody)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot ask for %s: %w", path, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot ask for %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	var body map[string]any
	if json.NewDecoder(response.Body).Decode(&body) != nil {
		body = nil
	}
	return response.StatusCode, body, nil
}

// counts returns how many orders stand in which phase.
func (c *controller) counts(ctx context.Context) (map[string]int, error) {
	_, body, err := c.get(ctx, "/health")
	if err != nil {
		return nil, err
	}
	orders, ok := body["orders"].(map[string]any)
	if !ok {
		return nil, errors.New("/health counts no orders")
	}
	out := map[string]int{}
	for phase, count := range orders {
		n, _ := count.(float64)
		out[phase] = int(n)
	}
	return out, nil
}

// waitSucceeded waits until n orders have Succeeded; one that Failed ends the wait. It asks ten times a second: more
// often the answers themselves would be a part of what is measured.
func (c *controller) waitSucceeded(ctx context.Context, n int) error {
	return poll(ctx, 100*time.Millisecond, 30*time.Minute, func() (bool, error) {
		counts, err := c.counts(ctx)
		if failed := counts["Failed"]; err == nil && failed > 0 {
			err = fmt.Errorf("%d orders failed, see %s", failed, c.dataDir)
		}
		return err == nil && counts["Succeeded"] >= n, err
	})
}

// stop ends the controller as a service manager would.
func (c *controller) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
		return nil
	case <-time.After(15 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
		return errors.New("the controller did not end within 15 s of SIGTERM")
	}
}

// drop puts a manifest into the watched directory, whole at once, and returns its path and when it lay there.
func (c *controller) drop(name, manifest string) (string, time.Time, error) {
	dir := filepath.Join(c.dataDir, "workorders")
	final, hidden := filepath.Join(dir, name+".yaml"), filepath.Join(dir, "."+name)
	if err := os.WriteFile(hidden, []byte(manifest), 0o600); err != nil {
		return "", time.Time{}, fmt.Errorf("cannot drop %s: %w", name, err)
	}
	now := time.Now()
	return final, now, os.Rename(hidden, final)
}

// poll asks again and again until done says yes or fails, or the time is over.
func poll(ctx context.Context, every, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", limit, ctx.Err())
		case <-ticker.C:
		}
	}
}
