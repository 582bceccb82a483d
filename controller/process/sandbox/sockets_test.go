package sandbox

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestSocketPaths(t *testing.T) {
	for value, want := range map[string][]string{
		"unix:///run/docker.sock":                            {"/run/docker.sock"},
		"/tmp/ssh-x/agent.1":                                 {"/tmp/ssh-x/agent.1"},
		"unix:path=/run/user/1/bus,guid=1;unix:path=/run/b2": {"/run/user/1/bus", "/run/b2"},
		"tcp://127.0.0.1:2375":                               nil,
		"unix:abstract=/tmp/dbus":                            nil,
		"/run/tmux/x,123,0":                                  {"/run/tmux/x"},
		"/tmp/gpg/S.gpg-agent:1:1":                           {"/tmp/gpg/S.gpg-agent"},
		"/tmp/a:b/wayland-0":                                 {"/tmp/a:b/wayland-0"},
		"wayland-1":                                          nil,
		"ssh://host":                                         nil,
		"":                                                   nil,
	} {
		NewWithT(t).Expect(socketPaths(value)).To(Equal(want), value)
	}
}

func TestSocketsThatAnswer(t *testing.T) {
	g := NewWithT(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	listen := func(network, name string) string {
		path := filepath.Join(dir, name)
		g.Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		if network == "unixgram" {
			conn, err := net.ListenUnixgram(network, &net.UnixAddr{Name: path, Net: network})
			g.Expect(err).NotTo(HaveOccurred())
			t.Cleanup(func() { _ = conn.Close() })
			return path
		}
		listener, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
		g.Expect(err).NotTo(HaveOccurred())
		listener.SetUnlinkOnClose(false)
		t.Cleanup(func() { _ = listener.Close() })
		if name == "run/stale" {
			g.Expect(listener.Close()).To(Succeed())
		}
		return path
	}
	bus := listen("unix", "run/bus")
	gpg := listen("unix", "home/.gnupg/S.gpg-agent")
	agent := listen("unixgram", "agent")
	stale := listen("unix", "run/stale")
	closed := listen("unix", "closed")
	file := filepath.Join(dir, "run/file")
	g.Expect(os.WriteFile(file, nil, 0o600)).To(Succeed())
	link := filepath.Join(dir, "link")
	g.Expect(os.Symlink(bus, link)).To(Succeed())
	environ := []string{
		"HOME=" + filepath.Join(dir, "home"), "XDG_RUNTIME_DIR=" + filepath.Join(dir, "run"),
		"SSH_AUTH_SOCK=" + agent, "DOCKER_HOST=unix://" + stale, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + link, "CONTAINER_HOST=unix://" + file,
	}
	g.Expect(candidates(environ, 0)).To(ContainElement("/run/dbus/system_bus_socket"))
	g.Expect(candidates(environ, 1)).NotTo(ContainElement("/run/dbus/system_bus_socket"))
	g.Expect(candidates(environ, 0)).To(ContainElements(bus, gpg, agent, stale))
	// Whose mode closes it is closed, also to root, who has no capabilities as an agent.
	g.Expect(os.Chmod(closed, 0)).To(Succeed())
	g.Expect(answering([]string{bus, gpg, agent, stale, file, closed, filepath.Join(dir, "missing")})).To(Equal([]string{bus, gpg, agent}))
	g.Expect(Sockets(environ)).To(And(ContainElements(bus, gpg, agent), Not(ContainElement(link)), Not(ContainElement(stale))))
}
