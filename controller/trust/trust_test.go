package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// authority returns a certificate in DER, and its key in PEM.
func authority(g *WithT) (der, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err = x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	g.Expect(err).NotTo(HaveOccurred())
	return der, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func inPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestRead(t *testing.T) {
	g := NewWithT(t)
	der, key := authority(g)
	cut := append([]byte("-----BEGIN CERTIFICATE-----\n"), "AAAA\n-----END CERTIFICATE-----\n"...)
	for name, tt := range map[string]struct {
		files map[string][]byte
		// certificates is how many the folder adds.
		certificates int
		taken        []string
		err          string
	}{
		"empty folder":   {},
		"PEM":            {files: map[string][]byte{"a.crt": inPEM(der), "b.pem": inPEM(der)}, certificates: 2, taken: []string{"a.crt", "b.pem"}},
		"DER":            {files: map[string][]byte{"a.crt": der}, certificates: 1, taken: []string{"a.crt"}},
		"two in a file":  {files: map[string][]byte{"a.pem": append(inPEM(der), inPEM(der)...)}, certificates: 2, taken: []string{"a.pem"}},
		"key beside it":  {files: map[string][]byte{"a.pem": append(inPEM(der), key...)}, certificates: 1, taken: []string{"a.pem"}},
		"other files":    {files: map[string][]byte{"README.md": []byte("x"), ".a.crt": []byte("x"), "a.crt.bak": []byte("x")}},
		"text":           {files: map[string][]byte{"a.crt": []byte("hello")}, err: "/a.crt: it holds no certificate, neither in PEM nor in DER; replace the file"},
		"nothing in it":  {files: map[string][]byte{"a.crt": nil}, err: "/a.crt: it holds no certificate"},
		"key alone":      {files: map[string][]byte{"a.pem": key}, err: "/a.pem: it holds no certificate"},
		"torn":           {files: map[string][]byte{"a.crt": cut}, err: "/a.crt: it holds a broken certificate"},
		"good, then bad": {files: map[string][]byte{"a.crt": inPEM(der), "b.crt": []byte("x")}, err: "/b.crt: it holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			folder := t.TempDir()
			system := filepath.Join(t.TempDir(), "system")
			theirs, _ := authority(g)
			// Without a newline at its end.
			g.Expect(os.WriteFile(system, inPEM(theirs)[:len(inPEM(theirs))-1], 0o600)).To(Succeed())
			for file, data := range tt.files {
				g.Expect(os.WriteFile(filepath.Join(folder, file), data, 0o600)).To(Succeed())
			}
			b, err := Read(folder, system)
			if tt.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(tt.err)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(b.Files).To(Equal(tt.taken))
			count := 0
			for block, rest := pem.Decode(b.PEM); block != nil; block, rest = pem.Decode(rest) {
				g.Expect(block.Type).To(Equal("CERTIFICATE"))
				count++
			}
			g.Expect(count).To(Equal(1 + tt.certificates))
		})
	}
}

func TestReadNamesWhatIsMissing(t *testing.T) {
	g := NewWithT(t)
	_, err := Read(filepath.Join(t.TempDir(), "none"), "")
	g.Expect(err).To(MatchError(ContainSubstring("/none: no such file or directory; mount or make it, or unset AWO_EXTRA_CA_CERTS")))
	_, err = Read(t.TempDir(), "/no/system")
	g.Expect(err).To(MatchError(ContainSubstring("SSL_CERT_FILE: open /no/system")))
}

func TestSettings(t *testing.T) {
	NewWithT(t).Expect(Settings("/new")).To(ConsistOf("GIT_SSL_CAINFO=/new", "SSL_CERT_FILE=/new", "NODE_EXTRA_CA_CERTS=/new"))
}
