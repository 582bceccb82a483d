package tree

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
)

func TestParse(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 777 1 1\n"
	cases := []struct {
		name, stat string
		want       Process
		fails      bool
	}{
		{name: "plain", stat: "42 (sh)" + rest, want: Process{PID: 42, Parent: 1, Group: 2, Session: 3, State: 'S', StartTime: 777}},
		{name: "name with brackets, spaces and line feed", stat: "42 (a) R (b\n )" + rest,
			want: Process{PID: 42, Parent: 1, Group: 2, Session: 3, State: 'S', StartTime: 777}},
		{name: "empty", stat: "", fails: true},
		{name: "no name", stat: "42 sh" + rest, fails: true},
		{name: "cut short", stat: "42 (sh) S 1 2 3", fails: true},
		{name: "no number", stat: "42 (sh) S x 2 3 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 777", fails: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			p, err := parse([]byte(c.stat))
			if c.fails {
				g.Expect(err).To(HaveOccurred())
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(p).To(Equal(c.want))
		})
	}
}

func TestFamily(t *testing.T) {
	g := NewWithT(t)
	all := []Process{{PID: 1}, {PID: 2, Parent: 1}, {PID: 3, Parent: 2}, {PID: 4, Parent: 3, State: 'Z'}, {PID: 5, Parent: 1}, {PID: 6, Parent: 5}}
	g.Expect(Descendants(all, 2)).To(ConsistOf(all[2], all[3]))
	g.Expect(Descendants(all, 2, 3)).To(ConsistOf(all[3]))
	g.Expect(Descendants(all, 6)).To(BeEmpty())
	g.Expect(Descendants(all)).To(BeEmpty())
	g.Expect(Ancestors(all, 4)).To(Equal(map[int]bool{4: true, 3: true, 2: true, 1: true}))
	g.Expect(Running(Descendants(all, 2))).To(ConsistOf(all[2]))
}

func TestListFindsItself(t *testing.T) {
	g := NewWithT(t)
	all, err := List()
	g.Expect(err).NotTo(HaveOccurred())
	me, err := Read(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	keys := map[Key]bool{}
	for _, p := range all {
		keys[p.Key()] = true
	}
	g.Expect(keys).To(HaveKey(me.Key()))
	_, err = Read(1 << 30)
	g.Expect(err).To(MatchError(os.ErrNotExist))
}

func TestSignalHitsOnlyWhoIsMeant(t *testing.T) {
	g := NewWithT(t)
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	g.Expect(cmd.Start()).To(Succeed())
	p, err := Read(cmd.Process.Pid)
	g.Expect(err).NotTo(HaveOccurred())
	other := p
	other.StartTime++
	g.Expect(Signal(other, syscall.SIGKILL)).To(MatchError(syscall.ESRCH))
	g.Expect(SignalAll([]Process{other}, syscall.SIGKILL)).To(Succeed(), "who has gone is no error")
	g.Expect(Signal(p, 0)).To(Succeed())
	g.Expect(Kill(func() []Process { return []Process{p} }, true)).To(Succeed())
	g.Expect(cmd.Wait()).To(MatchError("signal: killed"))
	g.Expect(Signal(p, 0)).To(MatchError(syscall.ESRCH))
}
