package sandbox

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestDecide(t *testing.T) {
	socket := []string{"/run/docker.sock"}
	for name, c := range map[string]struct {
		mode    Mode
		abi     int
		sockets []string
		ports   []int
		refused string
		active  bool
		reason  string
		says    string
	}{
		"auto":                       {mode: Auto, abi: 7, active: true, reason: v1alpha1.ReasonLandlock, says: "version 7"},
		"auto, nothing to do it":     {mode: Auto, reason: v1alpha1.ReasonLandlockMissing, says: "the GitHub token in that of gh"},
		"auto, a way out":            {mode: Auto, abi: 7, sockets: socket, active: true, reason: v1alpha1.ReasonLandlock, says: "left open: agents can connect to /run/docker.sock"},
		"auto, an old kernel":        {mode: Auto, abi: 2, active: true, reason: v1alpha1.ReasonLandlock, says: "files outside can be truncated; processes outside can be signalled"},
		"auto, ports":                {mode: Auto, abi: 4, ports: []int{443}, active: true, reason: v1alpha1.ReasonLandlock, says: "version 4"},
		"auto, ports too early":      {mode: Auto, abi: 3, ports: []int{443}, refused: "--agent-ports needs version 4"},
		"require":                    {mode: Require, abi: 6, active: true, reason: v1alpha1.ReasonLandlock, says: "version 6"},
		"require, nothing to do it":  {mode: Require, refused: "the kernel offers no Landlock"},
		"require, a way out":         {mode: Require, abi: 7, sockets: socket, refused: "/run/docker.sock"},
		"off":                        {mode: Off, abi: 7, reason: v1alpha1.ReasonSandboxOff, says: "--agent-sandbox=off says so; they can read and write what the controller's user can, and in /proc"},
		"off, ports":                 {mode: Off, abi: 7, ports: []int{443}, refused: "--agent-ports"},
		"off, where nobody asked it": {mode: Off, sockets: socket, reason: v1alpha1.ReasonSandboxOff, says: "not confined"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			status, err := decide(c.mode, c.abi, c.sockets, c.ports)
			if c.refused != "" {
				g.Expect(err).To(MatchError(ContainSubstring(c.refused)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(status.Message).To(ContainSubstring(c.says))
			status.Message = ""
			g.Expect(status).To(Equal(Status{Mode: c.mode, Active: c.active, Reason: c.reason}))
		})
	}
}

func TestSocketsAreNoMatterWhereTheKernelClosesThem(t *testing.T) {
	g := NewWithT(t)
	options := Options{Mode: Require, DataDir: t.TempDir(), Sockets: func() []string { return []string{"/run/docker.sock"} }}
	options.ABI = func() int { return abiSockets }
	_, err := New(options)
	g.Expect(err).NotTo(HaveOccurred())
	options.ABI = func() int { return abiSockets - 1 }
	_, err = New(options)
	g.Expect(err).To(HaveOccurred())
}

func TestNobodyIsConfinedWithoutAPolicy(t *testing.T) {
	g := NewWithT(t)
	var none *Policy
	g.Expect(none.Active()).To(BeFalse())
	g.Expect(none.Rules(Run{Program: "/bin/sh"})).To(BeNil())
	g.Expect(none.ReadOnly(Run{})).To(BeNil())
	g.Expect(none.Status().Mode).To(Equal(Off))
}

func TestHandledRights(t *testing.T) {
	g := NewWithT(t)
	for abi, rights := range map[int]int{1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 8: 16, 9: 17, 99: 17} {
		g.Expect(handled(abi)).To(Equal(access(1<<rights-1)), "%d", abi)
	}
}
