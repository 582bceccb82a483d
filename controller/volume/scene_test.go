package volume

import (
	"io/fs"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

func TestExplain(t *testing.T) {
	const dir = fs.ModeDir
	for name, tt := range map[string]struct {
		scene  scene
		facts  string
		advice string
	}{
		"root's volume": {
			scene{Tried: "mkdir", Path: "/data/outputs", Seen: "/data", Err: &fs.PathError{Op: "mkdir", Path: "/data/outputs", Err: unix.EACCES}, Mode: dir | 0o755},
			"cannot mkdir /data/outputs: permission denied; /data belongs to 0:0 (mode 0755), this process runs as 10001:10001",
			"give it to this user, as root: chown -R 10001:10001 /data",
		},
		"root's Docker volume": {
			scene{Path: "/data", Seen: "/data", Err: unix.EACCES, Mode: dir | 0o755, Container: true, Mount: mount{"/data", "archon_awo-data"}},
			"", "give it to this user: docker run --rm --user 0 -v archon_awo-data:/data archon-awo chown -R 10001:10001 /data",
		},
		"bind mount": {
			scene{Path: "/data", Seen: "/data", Err: unix.EACCES, Mode: dir | 0o755, Container: true, Mount: mount{Point: "/data"}},
			"", "give it to this user: docker run --rm --user 0 -v VOLUME:/data archon-awo chown -R 10001:10001 /data, where VOLUME is the volume or the host's directory",
		},
		"container without volume": {
			scene{Path: "/data", Seen: "/data", Err: unix.EACCES, Mode: dir | 0o755, Container: true, Mount: mount{Point: "/"}},
			"", "no volume is mounted there: mount one, run as the owner (--user 0:0), or give it to this user, as root: chown -R 10001:10001 /data",
		},
		"read-only container without volume": {
			scene{Path: "/data", Seen: "/", Err: unix.EROFS, Mode: dir | 0o755, Container: true, Mount: mount{Point: "/"}},
			"", "no volume is mounted there and the container's own file system is read-only: mount one, as by `-v awo-data:/data`",
		},
		"read-only": {
			scene{Tried: "write into", Path: "/data", Seen: "/data", Err: unix.EROFS, Mode: dir | 0o755, Container: true, Mount: mount{Point: "/data"}},
			"cannot write into /data: read-only file system; /data belongs to 0:0 (mode 0755), this process runs as 10001:10001",
			"the file system of /data is mounted read-only: mount it for writing (in Docker without :ro), or name another data directory with --data-dir or AWO_DATA_DIR",
		},
		"full": {
			scene{Tried: "write into", Path: "/data/outputs", Seen: "/data/outputs", Err: unix.ENOSPC, Free: 512, Size: 3 << 29},
			"cannot write into /data/outputs: no space left on device (512 B free of 1.5 GiB in the file system of /data/outputs)",
			"free space there or enlarge it; `du -xsh /data/*` shows what takes it, and `awo delete` removes the workspaces of orders",
		},
		"quota": {
			scene{Path: "/data", Seen: "/data", Err: unix.EDQUOT, Free: 1 << 10, Size: 1 << 20},
			"cannot  /data: disk quota exceeded (1.0 KiB free of 1.0 MiB in the file system of /data)", "",
		},
		"missing parent": {
			scene{Path: "/data", Seen: "/", Err: unix.EACCES, Mode: dir | 0o755},
			"", "make it as root: mkdir -p /data && chown 10001:10001 /data; or name another data directory with --data-dir or AWO_DATA_DIR",
		},
		"closed by its owner": {
			scene{Path: "/data/outputs", Seen: "/data/outputs", Err: unix.EACCES, Mode: dir | 0o500, Owner: identity{10001, 10001}},
			"", "give its owner the rights back: chmod -R u+rwX /data/outputs",
		},
		"closed file": {
			scene{Path: "/data/server-token", Seen: "/data/server-token", Err: unix.EACCES, Mode: 0o200, Owner: identity{10001, 10001}},
			"", "give its owner the rights back: chmod -R u+rwX /data/server-token",
		},
		"denied by something else": {
			scene{Path: "/data/outputs", Seen: "/data/outputs", Err: unix.EPERM, Mode: dir | 0o700, Owner: identity{10001, 10001}},
			"", "owner and mode allow it, so something else denies it: an access list (`getfacl /data/outputs`), an immutable file (`lsattr -d /data/outputs`) or " +
				"a security module such as SELinux (`ls -dZ /data/outputs`; in Docker, the mount option :Z)",
		},
		"manifests stay their owner's": {
			scene{Path: "/data/workorders", Seen: "/data/workorders", Err: unix.EACCES, Mode: dir | 0o700, Owner: identity{1000, 1000}},
			"", "let this process read it, its owner stays: chmod -R a+rX /data/workorders",
		},
		"a visitor": {
			scene{Tried: "open", Path: "/data/outputs", Seen: "/data/outputs", Err: unix.EACCES, Mode: dir | 0o700, Owner: identity{1000, 1000}, Visitor: true},
			"cannot open /data/outputs: permission denied; /data/outputs belongs to 1000:1000 (mode 0700), this process runs as 10001:10001",
			"run awo as its owner: sudo -u '#1000' awo ...; or name another data directory with --data-dir or AWO_DATA_DIR",
		},
		"a visitor in a container": {
			scene{Tried: lookAt, Path: "/data/workorders", Seen: "/", Err: unix.EACCES, Mode: dir | 0o700, Visitor: true, Container: true, Mount: mount{"/data", "x"}},
			"", "run awo as its owner: docker exec --user 0:0 CONTAINER awo ...; or name another data directory with --data-dir or AWO_DATA_DIR",
		},
		"a visitor to his own": {
			scene{Tried: "open", Path: "/data/outputs", Seen: "/data/outputs", Err: unix.EACCES, Mode: dir, Owner: identity{10001, 10001}, Visitor: true},
			"", "give its owner the rights back: chmod -R u+rwX /data/outputs",
		},
		"a file in the way": {
			scene{Path: "/data/outputs", Seen: "/data/outputs", Err: unix.ENOTDIR, Mode: 0o644},
			"", "move what is there away, or name another data directory with --data-dir or AWO_DATA_DIR",
		},
		"broken disk": {
			scene{Path: "/data", Seen: "/data", Err: unix.EIO, Mode: dir | 0o755},
			"", "look at the device or server that holds it (`dmesg`, `mount`), or name another data directory with --data-dir or AWO_DATA_DIR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s := tt.scene
			s.Root, s.WorkOrders, s.Self = "/data", "/data/workorders", identity{10001, 10001}
			got := s.explain()
			if tt.facts != "" {
				g.Expect(got.Facts).To(Equal(tt.facts))
			}
			if tt.advice != "" {
				g.Expect(got.Advice).To(Equal(tt.advice))
			}
			g.Expect(got.Error()).To(Equal(got.Facts + "; " + got.Advice))
			g.Expect(got).To(MatchError(tt.scene.Err))
		})
	}
}

func TestMountOf(t *testing.T) {
	const mountinfo = `22 1 0:21 / / ro,relatime - overlay overlay rw
30 22 8:1 /var/lib/docker/volumes/archon_awo-data/_data /var/lib/archon-awo rw,relatime - ext4 /dev/sda1 rw
31 30 8:1 /home/me/my\040orders /var/lib/archon-awo/workorders rw,relatime - ext4 /dev/sda1 rw
32 22 0:30 / /tmp rw - tmpfs tmpfs rw
33 22 8:1 /home/me/data /srv/a\040b rw - ext4 /dev/sda1 rw
torn
`
	for path, want := range map[string]mount{
		"/var/lib/archon-awo":              {"/var/lib/archon-awo", "archon_awo-data"},
		"/var/lib/archon-awo/outputs":      {"/var/lib/archon-awo", "archon_awo-data"},
		"/var/lib/archon-awo/workorders/x": {Point: "/var/lib/archon-awo/workorders"},
		"/var/lib/archon-awo2":             {Point: "/"},
		"/srv/a b/c":                       {Point: "/srv/a b"},
		"/tmp":                             {Point: "/tmp"},
		"/":                                {Point: "/"},
	} {
		t.Run(path, func(t *testing.T) { NewWithT(t).Expect(mountOf(mountinfo, path)).To(Equal(want)) })
	}
	NewWithT(t).Expect(mountOf("", "/data")).To(Equal(mount{Point: "/"}))
}
