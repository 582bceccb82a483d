// Package trust makes one bundle of the certificates that programs should trust: the system's and those of a folder,
// as a company's proxy needs them. It is a file of its own, so that neither root nor a writable system is needed.
package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// FileName is the name of the bundle below the data directory.
const FileName = ".ca-bundle.crt"

// variables are those by which programs are told of a bundle: git, then gh and whatever is written in Go or uses
// OpenSSL, then claude and whatever runs on Node.
var variables = []string{"GIT_SSL_CAINFO", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"}

// systemFiles are where systems keep their certificates in one file, the most usual first.
var systemFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// Bundle is what is to be trusted.
type Bundle struct {
	// PEM holds the certificates, the system's before the others.
	PEM []byte
	// Files are those of the folder that were taken, by name.
	Files []string
}

// Read makes a bundle of the system's certificates, or those of systemFile where that names a file (SSL_CERT_FILE), and of
// every .crt and .pem file of a folder. An error names the file that is no certificate. Keys beside certificates are left out.
func Read(folder, systemFile string) (Bundle, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return Bundle{}, fmt.Errorf("read the folder of extra certificates: %w; mount or make it, or unset AWO_EXTRA_CA_CERTS", err)
	}
	system, err := readSystem(systemFile)
	if err != nil {
		return Bundle{}, err
	}
	b := Bundle{PEM: system}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || !slices.Contains([]string{".crt", ".pem"}, filepath.Ext(entry.Name())) {
			continue
		}
		found, err := readExtra(filepath.Join(folder, entry.Name()))
		if err != nil {
			return Bundle{}, err
		}
		b.PEM, b.Files = append(b.PEM, found...), append(b.Files, entry.Name())
	}
	return b, nil
}

func readExtra(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read an extra certificate: %w", err)
	}
	found, err := certificates(data)
	if err != nil {
		return nil, fmt.Errorf("extra certificate %s: %w; replace the file or take it out of the folder", path, err)
	}
	return found, nil
}

// readSystem reads the system's certificates; a system without any is left with the extra ones.
func readSystem(named string) ([]byte, error) {
	if named != "" {
		data, err := os.ReadFile(named)
		if err != nil {
			return nil, fmt.Errorf("SSL_CERT_FILE: %w", err)
		}
		return ended(data), nil
	}
	for _, path := range systemFiles {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		return ended(data), nil
	}
	return nil, nil
}

// ended ends the last line, so that something can follow.
func ended(data []byte) []byte {
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(data, '\n')
	}
	return data
}

// certificates returns the certificates of a file in PEM, which may come in PEM or, one alone, in DER.
func certificates(data []byte) ([]byte, error) {
	var out []byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("it holds a broken certificate: %w", err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
	if len(out) > 0 {
		return out, nil
	}
	if _, err := x509.ParseCertificate(data); err != nil {
		return nil, errors.New("it holds no certificate, neither in PEM nor in DER")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: data}), nil
}

// Settings are the variables by which programs come to trust the bundle in a file.
func Settings(file string) []string {
	settings := make([]string, 0, len(variables))
	for _, name := range variables {
		settings = append(settings, name+"="+file)
	}
	return settings
}
