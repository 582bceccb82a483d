package server_test

import (
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/server"
)

func TestListenFailsAtOnce(t *testing.T) {
	e := start(t, wellState(), "")
	s := wellState()
	second, err := server.New(server.Config{Orders: s, Health: s, Auth: server.AuthNone})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(second.Run(t.Context())).To(MatchError(ContainSubstring("Listen")))
	e.Expect(second.Addr()).To(BeNil())
	e.Expect(second.Close()).To(Succeed())
	e.Expect(second.Listen(t.Context(), strings.TrimPrefix(e.url, "http://"))).To(MatchError(ContainSubstring("--port")))
	e.Expect(second.Listen(t.Context(), "127.0.0.1:0")).To(Succeed())
	e.Expect(second.Close()).To(Succeed())
	e.Expect(second.Close()).To(Succeed())
	e.Expect(second.Run(t.Context())).To(MatchError(ContainSubstring("ended")))
}

func TestShutdownLetsAnAnswerFinish(t *testing.T) {
	s := wellState()
	s.entered, s.release = make(chan struct{}), make(chan struct{})
	e := start(t, s, "")
	answered := make(chan answer, 1)
	go func() {
		defer close(answered)
		answered <- e.ask("GET", "/health")
	}()
	<-s.entered
	stopped := make(chan error, 1)
	go func() { stopped <- e.stop() }()
	e.Eventually(func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/healthz", http.NoBody)
		e.Expect(err).NotTo(HaveOccurred())
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}).Should(HaveOccurred(), "the port is closed at once")
	close(s.release)
	e.Expect((<-answered).code).To(Equal(http.StatusOK))
	e.Expect(<-stopped).To(Succeed())
}
