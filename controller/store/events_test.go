package store

import (
	"fmt"
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestEventsAreBounded(t *testing.T) {
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	const id = "wo-00000001"
	g.Expect(os.Mkdir(s.layout.Output(id), 0o700)).To(Succeed())
	const events = 3000
	for i := range events {
		g.Expect(s.Event(id, Event{Type: Normal, Reason: "Tick", Message: fmt.Sprint(i, " ", strings.Repeat("m", 1000))})).To(Succeed())
	}
	info, err := os.Stat(s.layout.EventsFile(id))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Size()).To(BeNumerically("<=", maxEvents))
	kept, err := s.Events(id)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(kept)).To(BeNumerically(">", 400))
	for i, e := range kept {
		g.Expect(e.Message).To(HavePrefix(fmt.Sprint(events-len(kept)+i, " ")), "the newest are kept, none torn, in their order")
	}
}
