package supervisor

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// maxProcesses is more than the trees of these tests have, but for one.
const maxProcesses = 300

// life is a supervisor that runs within the test process, which has no other children.
type life struct {
	lifeline *os.File
	reports  *os.File
	stdout   *os.File
	code     chan int
}

func begin(t *testing.T, script, extra string) *life {
	t.Helper()
	g := NewWithT(t)
	theirs := make([]int, 0, 6)
	pipe := func(theirEnd int) *os.File {
		var ends [2]int
		g.Expect(syscall.Pipe2(ends[:], syscall.O_CLOEXEC)).To(Succeed())
		theirs = append(theirs, ends[theirEnd])
		f := os.NewFile(uintptr(ends[1-theirEnd]), "pipe")
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	const readEnd, writeEnd = 0, 1
	stdin := pipe(readEnd)
	g.Expect(stdin.Close()).To(Succeed())
	l := &life{stdout: pipe(writeEnd), code: make(chan int, 1)}
	_ = pipe(writeEnd)
	l.lifeline, l.reports = pipe(readEnd), pipe(writeEnd)
	d := descriptors{standard: [3]int{theirs[0], theirs[1], theirs[2]}, lifeline: theirs[3], report: theirs[4]}
	spec := Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Dir: "/", Env: os.Environ(), Grace: 200 * time.Millisecond}
	if extra != "" {
		f := pipe(readEnd)
		_, err := f.WriteString(extra)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(f.Close()).To(Succeed())
		d.extra, spec.ExtraFiles = theirs[5], 1
	}
	spec.MaxProcesses = maxProcesses
	if script == "" {
		spec.Path = "/no/such/program"
	}
	go func() {
		l.code <- run(d)
		// The lifeline's end stays: a process of its own would be gone by now, but here the run's listener may be
		// about to read from that number, and would take the specification of the next run away from it.
		for _, n := range []int{theirs[0], theirs[1], theirs[2], theirs[4]} {
			_ = syscall.Close(n)
		}
	}()
	g.Expect(WriteSpec(l.lifeline, spec)).To(Succeed())
	return l
}

func (l *life) report(t *testing.T) Report {
	t.Helper()
	r, err := ReadReport(l.reports)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return r
}

const deaf = `trap "" TERM; (setsid sh -c 'trap "" TERM; for i in $(seq 60); do sleep 1; done' &); echo ready; for i in $(seq 60); do sleep 1; done`

func TestRunEnds(t *testing.T) {
	cases := []struct {
		name, script, extra string
		act                 func(*life) error
		want                Report
		stdout              string
	}{
		{name: "by itself", script: "echo out; cat <&3; exit 3", extra: "x", want: Report{Ended: true, Code: 3}, stdout: "out\nx"},
		{name: "by a signal", script: "kill -KILL $$", want: Report{Ended: true, Signal: syscall.SIGKILL}},
		{name: "with a deaf daemon left", script: `setsid sh -c 'trap "" TERM; sleep 60' & sleep 0.1`, want: Report{Ended: true}},
		{name: "when asked", script: "exec sleep 60", want: Report{Ended: true, Signal: syscall.SIGTERM},
			act: func(l *life) error { _, err := l.lifeline.Write([]byte{'?', StopOrderly}); return err }},
		{name: "when asked, deaf", script: deaf, stdout: "ready\n", want: Report{Ended: true, Signal: syscall.SIGKILL},
			act: func(l *life) error { _, err := l.lifeline.Write([]byte{StopOrderly}); return err }},
		{name: "by SIGTERM", script: "exec sleep 60", want: Report{Ended: true, Signal: syscall.SIGTERM},
			act: func(*life) error { return syscall.Kill(os.Getpid(), syscall.SIGTERM) }},
		{name: "with too many", script: `trap "" TERM; for i in $(seq 1000); do sleep 60 & done; wait`, want: Report{Ended: true, Signal: syscall.SIGKILL}},
		{name: "when the controller dies", script: "exec sleep 60", want: Report{Ended: true, Signal: syscall.SIGTERM},
			act: func(l *life) error { return l.lifeline.Close() }},
		{name: "when the controller dies, deaf", script: deaf, stdout: "ready\n", want: Report{Ended: true, Signal: syscall.SIGKILL},
			act: func(l *life) error { return l.lifeline.Close() }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			l := begin(t, c.script, c.extra)
			g.Expect(l.report(t)).To(Equal(Report{Started: true}))
			text := make([]byte, len(c.stdout))
			_, err := io.ReadFull(l.stdout, text)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(text)).To(Equal(c.stdout))
			if c.act != nil {
				g.Expect(c.act(l)).To(Succeed())
			}
			began := time.Now()
			g.Expect(l.report(t)).To(Equal(c.want))
			g.Expect(time.Since(began)).To(BeNumerically("<", 5*time.Second))
			g.Expect(<-l.code).To(BeZero())
			g.Expect(descendants()).To(BeEmpty())
		})
	}
}

func TestRunWithoutProgram(t *testing.T) {
	g := NewWithT(t)
	l := begin(t, "", "")
	g.Expect(l.report(t)).To(Equal(Report{Errno: syscall.ENOENT}))
	g.Expect(<-l.code).To(Equal(1))
}

func TestRunWithoutController(t *testing.T) {
	g := NewWithT(t)
	r, w, err := os.Pipe()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Close()).To(Succeed())
	g.Expect(run(descriptors{lifeline: int(r.Fd()), report: -1})).To(Equal(1))
	g.Expect(r.Close()).To(Succeed())
	g.Expect(errnoOf(io.EOF)).To(Equal(syscall.EIO))
}
