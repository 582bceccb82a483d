package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process/environ"
)

// escapes are the usual places of sockets whose servers do, with rights of their own, what their clients say: start
// programs, sign, type. UID stands for the number of this user, RUNTIME for XDG_RUNTIME_DIR, HOME for the home.
var escapes = []string{
	// Container engines.
	"/run/docker.sock", "/var/run/docker.sock", "HOME/.docker/run/docker.sock", "RUNTIME/docker.sock",
	"/run/podman/podman.sock", "RUNTIME/podman/podman.sock",
	"/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock", "/run/crio/crio.sock",
	"/run/buildkit/buildkitd.sock", "RUNTIME/buildkit*/buildkitd.sock",
	"/run/libvirt/libvirt-sock", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket",
	"/run/snapd.socket",
	// The buses and the managers of services.
	"RUNTIME/bus", "RUNTIME/systemd/private", "/run/systemd/private",
	// Keys.
	"RUNTIME/gnupg/S.*", "HOME/.gnupg/S.*", "RUNTIME/keyring/*", "RUNTIME/gcr/ssh", "RUNTIME/openssh_agent",
	"/tmp/ssh-*/agent.*", "HOME/.ssh/agent/*",
	// Terminals and screens.
	"/tmp/tmux-UID/*", "/run/screen/S-*/*", "HOME/.screen/*", "RUNTIME/wayland-*", "/tmp/.X11-unix/X*",
}

// named are variables that name such a socket, each as a path or after a scheme.
var named = []string{
	"DOCKER_HOST", "CONTAINER_HOST", "CONTAINERD_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK",
	"TMUX", "WAYLAND_DISPLAY", "GPG_AGENT_INFO",
}

// directories are variables that name where such sockets lie, and their names there.
var directories = map[string]string{"TMUX_TMPDIR": "tmux-UID/*", "SCREENDIR": "*"}

// Sockets lists the unix sockets by which an agent could leave the sandbox: those in the usual places that answer when
// someone without capabilities knocks. Landlock closes no socket that has a path before its version 9.
func Sockets(env []string) []string {
	return answering(candidates(env, os.Getuid()))
}

// candidates lists the paths to try.
func candidates(env []string, uid int) []string {
	number := strconv.Itoa(uid)
	runtimeDirs := []string{"/run/user/" + number}
	if dir := environ.Get(env, "XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && dir != runtimeDirs[0] {
		runtimeDirs = append(runtimeDirs, dir)
	}
	var found []string
	for _, pattern := range escapes {
		for _, dir := range runtimeDirs {
			path := strings.NewReplacer("UID", number, "RUNTIME", dir, "HOME", environ.Get(env, "HOME")).Replace(pattern)
			matches, _ := filepath.Glob(path)
			found = append(found, matches...)
		}
	}
	for name, pattern := range directories {
		if dir := environ.Get(env, name); filepath.IsAbs(dir) {
			matches, _ := filepath.Glob(filepath.Join(dir, strings.ReplaceAll(pattern, "UID", number)))
			found = append(found, matches...)
		}
	}
	if uid == 0 {
		// Root may tell the system's bus everything, others little.
		found = append(found, "/run/dbus/system_bus_socket")
	}
	for _, name := range named {
		found = append(found, socketPaths(environ.Get(env, name))...)
	}
	return unlike(found)
}

// numbers are what stands behind a path: a process, a version.
var numbers = regexp.MustCompile(`(:[0-9]+)+$`)

// socketPaths takes the paths out of addresses such as unix:///run/docker.sock, unix:path=/run/user/1/bus,guid=1;... and
// /tmp/gpg/S.gpg-agent:123:1.
func socketPaths(value string) []string {
	var out []string
	for address := range strings.SplitSeq(value, ";") {
		address = strings.TrimPrefix(strings.TrimPrefix(address, "unix:"), "path=")
		path, _, _ := strings.Cut(address, ",")
		path = numbers.ReplaceAllString(path, "")
		if filepath.IsAbs(path) {
			out = append(out, filepath.Clean(path))
		}
	}
	return out
}

// unlike leaves out paths that lead to one socket.
func unlike(paths []string) []string {
	var out []string
	for _, path := range paths {
		if path = realPath(path); !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// answering returns those sockets that a process without capabilities can connect to.
func answering(paths []string) []string {
	var out []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread ends with this goroutine, so that nothing else runs on it.
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if unix.Capset(&header, &none[0]) != nil {
			return
		}
		for _, path := range paths {
			if connects(path) {
				out = append(out, path)
			}
		}
	}()
	<-done
	return out
}

// connects tells whether there is somebody at a socket who may be spoken to.
func connects(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	// A queue that is full, and a server of another type of socket.
	return err == nil || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EPROTOTYPE)
}
