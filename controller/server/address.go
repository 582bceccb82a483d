package server

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// AddressFileName is the name of the file below the data directory that says where the endpoint listens, as a URL.
const AddressFileName = "server-address"

// URL is where a client on the same machine reaches the address that Listen opened: one that stands for all of the
// machine's is reached by the loopback one of its kind. Empty before Listen.
func (s *Server) URL() string {
	if s.listener == nil {
		return ""
	}
	return clientURL(s.listener.Addr())
}

func clientURL(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return "http://" + addr.String()
	}
	reached := *tcp
	if len(reached.IP) == 0 || reached.IP.IsUnspecified() {
		// A listener on [::] also takes IPv4, which a machine may have alone.
		reached.IP = net.IPv4(127, 0, 0, 1)
	}
	return "http://" + reached.String()
}

// WriteAddress writes a URL for those who look for the endpoint; everyone may read it, there is no secret in it.
func WriteAddress(path, address string, write WriteFile) error {
	if err := write(path, []byte(address+"\n"), 0o644); err != nil {
		return fmt.Errorf("writing where the http endpoint listens: %w", err)
	}
	return nil
}

// ReadAddress reads the URL of the file. A missing file, fs.ErrNotExist, means that no controller listens.
func ReadAddress(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading where the http endpoint listens: %w", err)
	}
	address := strings.TrimSpace(string(data))
	if u, err := url.Parse(address); err != nil || u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("%s holds no address of an http endpoint; it is written anew when the controller starts", path)
	}
	return address, nil
}
