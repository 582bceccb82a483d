package sandbox

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestSocketsThatComeAndGo(t *testing.T) {
	for name, c := range map[string]struct {
		mode    Mode
		refused bool
		reason  string
	}{
		"required":         {Require, true, v1alpha1.ReasonSocketInReach},
		"where it can be":  {Auto, false, v1alpha1.ReasonLandlock},
		"nobody is to ask": {Off, false, v1alpha1.ReasonSandboxOff},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			now, looks := time.Unix(0, 0), 0
			var sockets []string
			p, err := New(Options{
				Mode: c.mode, DataDir: t.TempDir(), ABI: func() int { return 7 }, Now: func() time.Time { return now },
				Sockets: func() []string { looks++; return sockets },
			})
			g.Expect(err).NotTo(HaveOccurred())
			began := p.Status()

			sockets = []string{"/tmp/ssh-x/agent.1"}
			now = now.Add(lookAgain - 1)
			g.Expect(p.Look()).To(Equal(began), "looked a moment ago")
			now = now.Add(1)
			status, err := p.Look()
			if c.refused {
				g.Expect(err).To(MatchError(ErrSocketInReach))
				g.Expect(err).To(MatchError(ContainSubstring(sockets[0])))
				g.Expect(status.Active).To(BeFalse())
			} else {
				g.Expect(err).NotTo(HaveOccurred())
			}
			g.Expect(status.Reason).To(Equal(c.reason))
			g.Expect(p.Status()).To(Equal(status))
			if c.mode != Off {
				g.Expect(status.Message).To(ContainSubstring(sockets[0]))
				g.Expect(p.Active()).To(BeTrue(), "whatever runs stays confined")
				g.Expect(looks).To(Equal(2))
			}

			sockets, now = nil, now.Add(lookAgain)
			g.Expect(p.Look()).To(Equal(began))
		})
	}
}
