package controller

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

func TestConfinementWaitsForASocketToClose(t *testing.T) {
	g := NewWithT(t)
	now := time.Unix(1000, 0)
	var sockets []string
	box, err := sandbox.New(sandbox.Options{
		Mode: sandbox.Require, DataDir: t.TempDir(), ABI: func() int { return 7 },
		Sockets: func() []string { return sockets }, Now: func() time.Time { return now },
	})
	g.Expect(err).NotTo(HaveOccurred())
	confine := confinement(box, func() time.Time { return now })
	c, err := confine()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.Confined).To(BeTrue())
	g.Expect(c.Reason).To(Equal(v1alpha1.ReasonLandlock))

	sockets, now = []string{"/tmp/ssh-x/agent.1"}, now.Add(time.Minute)
	c, err = confine()
	g.Expect(c.Confined).To(BeFalse())
	g.Expect(c.Reason).To(Equal(v1alpha1.ReasonSocketInReach))
	g.Expect(c.Message).To(ContainSubstring("/tmp/ssh-x/agent.1"))
	f, typed := errors.AsType[*failure.Error](err)
	g.Expect(typed).To(BeTrue())
	g.Expect(f.Policy).To(Equal(failure.Wait))
	g.Expect(f.Reason).To(Equal(v1alpha1.ReasonSocketInReach))
	g.Expect(f.Until).To(Equal(now.Add(reachDelay)))
	g.Expect(sandboxHealth(box.Status()).Message).To(ContainSubstring("/tmp/ssh-x/agent.1"))
}

func TestLoginOfGhIsClosedToAgents(t *testing.T) {
	g := NewWithT(t)
	c := Config{SecretFiles: []string{"/run/secrets/token"}}
	g.Expect(c.secrets()).To(ConsistOf("/run/secrets/token"))
	c.Environ = []string{"GH_CONFIG_DIR=/srv/gh"}
	g.Expect(c.secrets()).To(ConsistOf("/run/secrets/token", "/srv/gh/hosts.yml"))
}
