//go:build docker

package e2edocker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// certificates is where the servers find theirs.
func certificates() string { return filepath.Join(filepath.Dir(checkout), "certificates") }

// makeCertificates makes an authority, which the container is given in ca-certificates/ of the checkout, and two
// certificates of it: one that holds now, and one from tomorrow on, as it looks from a machine whose clock is late.
func makeCertificates(context.Context) error {
	for _, dir := range []string{certificates(), filepath.Join(checkout, "ca-certificates")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	authority := template("Acme Test Authority", time.Now().Add(-48*time.Hour))
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	key, err := sign(filepath.Join(checkout, "ca-certificates", "acme.crt"), "", authority, authority, nil)
	if err != nil {
		return err
	}
	for name, from := range map[string]time.Time{"now": time.Now().Add(-time.Hour), "tomorrow": time.Now().Add(24 * time.Hour)} {
		leaf := template("peers", from)
		leaf.DNSNames = []string{"github.com", "api.github.com", "api.anthropic.com"}
		leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		base := filepath.Join(certificates(), name)
		if _, err := sign(base+".crt", base+".key", leaf, authority, key); err != nil {
			return err
		}
	}
	return nil
}

func template(name string, from time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: from.Add(30 * 24 * time.Hour),
	}
}

// sign writes a certificate and, if a path is given, its key. Without a key of the parent it signs itself.
func sign(certFile, keyFile string, cert, parent *x509.Certificate, by *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, by)
	if err != nil {
		return nil, err
	}
	if err := writePEM(certFile, "CERTIFICATE", der); err != nil || keyFile == "" {
		return key, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(keyFile, "PRIVATE KEY", private)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644)
}
