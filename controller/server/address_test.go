package server

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestClientURL(t *testing.T) {
	for name, tt := range map[string]struct {
		addr net.Addr
		want string
	}{
		"loopback":       {&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8888}, "http://127.0.0.1:8888"},
		"one of many":    {&net.TCPAddr{IP: net.IPv4(172, 17, 0, 2), Port: 1}, "http://172.17.0.2:1"},
		"all IPv4":       {&net.TCPAddr{IP: net.IPv4zero, Port: 8888}, "http://127.0.0.1:8888"},
		"all":            {&net.TCPAddr{IP: net.IPv6unspecified, Port: 8888}, "http://127.0.0.1:8888"},
		"IPv6":           {&net.TCPAddr{IP: net.IPv6loopback, Port: 8888}, "http://[::1]:8888"},
		"not named":      {&net.TCPAddr{Port: 8888}, "http://127.0.0.1:8888"},
		"another family": {&net.UnixAddr{Name: "x"}, "http://x"},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(clientURL(tt.addr)).To(Equal(tt.want))
		})
	}
}

func TestAddressFile(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), AddressFileName)
	_, err := ReadAddress(path)
	g.Expect(err).To(MatchError(fs.ErrNotExist))

	g.Expect(WriteAddress(path, "http://127.0.0.1:8888", os.WriteFile)).To(Succeed())
	address, err := ReadAddress(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(address).To(Equal("http://127.0.0.1:8888"))

	for _, bad := range []string{"", "127.0.0.1:8888", "file:///etc/passwd", "http://"} {
		g.Expect(os.WriteFile(path, []byte(bad), 0o600)).To(Succeed())
		_, err = ReadAddress(path)
		g.Expect(err).To(MatchError(ContainSubstring("holds no address")), bad)
	}
}
