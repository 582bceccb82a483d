package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// screen is an output that can be read while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(data)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// start runs awo with these arguments until the test ends it.
func start(t *testing.T, args ...string) (out, errOut *screen, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, errOut = &screen{}, &screen{}
	root := rootCommand(&globalOptions{
		streams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: out, ErrOut: errOut},
		lookup:  os.LookupEnv, clock: clock.RealClock{}, badAfter: time.Nanosecond,
	})
	root.SetArgs(args)
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	return out, errOut, func() error {
		cancel()
		return <-done
	}
}

func TestGetWatch(t *testing.T) {
	g := NewWithT(t)
	data := t.TempDir()
	t.Setenv("AWO_DATA_DIR", data)
	orders := filepath.Join(data, "workorders")
	g.Expect(os.MkdirAll(orders, 0o755)).To(Succeed())
	drop := func(name string) {
		g.Expect(os.WriteFile(filepath.Join(orders, name+".yaml"), []byte(oneDocument(name, "Do it.")), 0o600)).To(Succeed())
	}
	drop("first")

	table, warnings, endTable := start(t, "get", "-w")
	documents, _, endDocuments := start(t, "get", "-w", "-o", "yaml")
	objects, _, endObjects := start(t, "get", "-w", "-o", "json")
	names, _, endNames := start(t, "get", "first", "-w", "-o", "name")
	g.Eventually(table.String).WithTimeout(time.Minute).Should(MatchRegexp(`(?m)^first +Pending`))
	g.Eventually(names.String).WithTimeout(time.Minute).Should(Equal("workorder.awo.archon.dev/first\n"))

	g.Eventually(documents.String).WithTimeout(time.Minute).Should(ContainSubstring("name: first"))
	g.Eventually(objects.String).WithTimeout(time.Minute).Should(ContainSubstring(`"name": "first"`))

	drop("second")
	g.Eventually(documents.String).WithTimeout(time.Minute).Should(MatchRegexp(`(?s)name: first.*\n---\n.*name: second`))
	g.Eventually(objects.String).WithTimeout(time.Minute).Should(ContainSubstring(`"name": "second"`))
	g.Eventually(table.String).WithTimeout(time.Minute).Should(MatchRegexp(`(?m)^second +Pending`))
	g.Expect(record("first", []string{"phase=Implementing"})).To(Succeed())
	g.Eventually(table.String).WithTimeout(time.Minute).Should(MatchRegexp(`(?m)^first +Implementing`))
	g.Eventually(names.String).WithTimeout(time.Minute).Should(HavePrefix("workorder.awo.archon.dev/first\nworkorder.awo.archon.dev/first\n"))
	g.Expect(os.WriteFile(filepath.Join(orders, "broken.yaml"), []byte("kind: [\n"), 0o600)).To(Succeed())
	g.Eventually(warnings.String).WithTimeout(time.Minute).Should(ContainSubstring("Warning: broken.yaml:"))
	g.Expect(os.Remove(filepath.Join(orders, "second.yaml"))).To(Succeed())
	g.Eventually(table.String).WithTimeout(time.Minute).Should(MatchRegexp(`(?s)second +Pending.*second +Pending`))

	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	short, long := lines[len(lines)-1], lines[len(lines)-2]
	g.Expect(strings.Index(short, "<none>")).To(Equal(strings.Index(long, "<none>")), "columns stay as wide as they were: %s", table)
	g.Expect(endDocuments()).To(MatchError(context.Canceled))
	g.Expect(endObjects()).To(MatchError(context.Canceled))
	g.Expect(documents.String()).NotTo(ContainSubstring("kind: List"))
	g.Expect(objects.String()).NotTo(ContainSubstring(`"kind": "List"`))
	g.Expect(endTable()).To(MatchError(context.Canceled))
	g.Expect(endNames()).To(MatchError(context.Canceled))
	g.Expect(names.String()).NotTo(ContainSubstring("second"))
	g.Expect(bytes.Count([]byte(table.String()), []byte("NAME"))).To(Equal(1), "headers are printed once")
	g.Expect(bytes.Count([]byte(warnings.String()), []byte("broken.yaml"))).To(Equal(1), "a problem is told once")
}
