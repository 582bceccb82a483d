package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// authority signs certificates that no system trusts, as a company's does.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(g *WithT) authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "E2E company"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	g.Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(der)
	g.Expect(err).NotTo(HaveOccurred())
	return authority{certificate, key}
}

// folder returns one with the authority's certificate, as AWO_EXTRA_CA_CERTS names it.
func (a authority) folder(w *world) string {
	dir := filepath.Join(w.dir, "ca-certificates")
	w.g.Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	w.g.Expect(os.WriteFile(filepath.Join(dir, "company.crt"), text, 0o644)).To(Succeed())
	return dir
}

// serve starts a TLS server for localhost with a certificate of the authority and returns its host and port.
func (a authority) serve(w *world, handler http.Handler) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	w.g.Expect(err).NotTo(HaveOccurred())
	s := httptest.NewUnstartedServer(handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	w.t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	w.g.Expect(err).NotTo(HaveOccurred())
	return "localhost:" + port
}

// behindTLS puts everything that awo calls behind TLS, and its secrets into files. It returns the host.
func (w *world) behindTLS(a authority) string {
	host := a.serve(w, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/claude/") {
			w.model.ServeHTTP(rw, r)
			return
		}
		w.github.ServeHTTP(rw, r)
	}))
	w.env = append(w.env, "GH_HOST="+host, "HTTP_PROXY=", "GITHUB_TOKEN=", "GITHUB_TOKEN_FILE="+w.secretFile(githubToken+"\n", 0o444),
		"ANTHROPIC_API_KEY=", "ANTHROPIC_API_KEY_FILE="+w.secretFile(apiKey+"\n", 0o444), "ANTHROPIC_BASE_URL=https://"+host+"/claude")
	return host
}

// A company's proxy signs what comes from outside; tokens come as Docker's secrets; the user is nobody in particular.
func TestBehindAnotherAuthorityWithSecretsFromFiles(t *testing.T) {
	needs(t, "gh")
	w := newWorld(t)
	w.withClaude(plansThenWrites)
	w.model.Admit(apiKey)
	a := newAuthority(w.g)
	host := w.behindTLS(a)
	w.repository("app", "main", map[string]string{"README.md": "x\n"})
	url := "https://" + host + "/acme/app.git"

	out, err := w.run("doctor", "--login")
	w.g.Expect(err).To(HaveOccurred())
	for _, service := range []string{"github", "anthropic"} {
		w.g.Expect(out).To(MatchRegexp(`(?m)^` + service + ` login +FAIL .*unknown authority.*name it by AWO_EXTRA_CA_CERTS`))
	}
	w.env = append(w.env, "AWO_EXTRA_CA_CERTS="+a.folder(w))
	if os.Getuid() == 0 {
		w.nobodys()
	}
	out, err = w.run("doctor", "--login")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Expect(out).To(MatchRegexp(`(?m)^extra certificates +OK +company.crt from `))

	w.start()
	w.drop("a.yaml", claudeOrder("a", url, "Say hello."))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(st.PullRequest).NotTo(BeNil())
	w.g.Expect(w.github.PullRequests("acme", "app")).To(HaveLen(1))
	requests := w.model.Requests("claude")
	w.g.Expect(requests).NotTo(BeEmpty())
	w.g.Expect(requests[0].Header.Get("X-Api-Key")).To(Equal(apiKey), "the agent has the key that came in a file")
	w.noSecretIn(w.data)
}

func TestBadExtraCertificateEndsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := newAuthority(w.g).folder(w)
	w.g.Expect(os.WriteFile(filepath.Join(dir, "proxy.pem"), []byte("hello"), 0o644)).To(Succeed())
	w.env = append(w.env, "AWO_EXTRA_CA_CERTS="+dir)
	w.launch()
	w.g.Expect(w.controller.wait(10 * time.Second)).To(BeTrue())
	w.g.Expect(w.controller.log()).To(ContainSubstring("error: extra certificate " + dir + "/proxy.pem: it holds no certificate, neither in PEM nor in DER"))
	out, err := w.run("doctor")
	w.g.Expect(err).To(HaveOccurred())
	w.g.Expect(out).To(MatchRegexp(`(?m)^extra certificates +FAIL +extra certificate .*/proxy.pem`))
}
