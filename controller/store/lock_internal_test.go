package store

import (
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
)

func TestWritersOfOneProcessQueueWithoutLookingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		s, err := Open(Options{DataDir: t.TempDir()})
		g.Expect(err).NotTo(HaveOccurred())
		release, err := s.lockWriters()
		g.Expect(err).NotTo(HaveOccurred())
		_, err = s.lockWriters()
		g.Expect(err).To(MatchError(ErrBusy), "nobody waits without end")
		// The clock of the bubble stands still while nobody waits for it.
		asked, waited := time.Now(), make(chan time.Duration, 1)
		go func() {
			next, err := s.lockWriters()
			g.Expect(err).NotTo(HaveOccurred())
			waited <- time.Since(asked)
			next()
		}()
		synctest.Wait()
		release()
		g.Expect(<-waited).To(BeZero())
	})
}
