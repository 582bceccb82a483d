package sandbox

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// layout makes directories, and files where a name does not end with a slash, and returns the root.
func layout(t *testing.T, names ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, name := range names {
		path := filepath.Join(root, name)
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		if name[len(name)-1] == '/' {
			NewWithT(t).Expect(os.MkdirAll(path, 0o755)).To(Succeed())
		} else {
			NewWithT(t).Expect(os.WriteFile(path, nil, 0o644)).To(Succeed())
		}
	}
	return root
}

func newPolicy(t *testing.T, o Options) *Policy {
	t.Helper()
	o.Mode, o.ABI, o.Sockets = Auto, func() int { return 7 }, func() []string { return nil }
	p, err := New(o)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return p
}

// granted lists the grants of reading, by path below root.
func granted(root string, grants []grant) map[string]access {
	out := map[string]access{}
	for _, g := range grants {
		if rel, err := filepath.Rel(root, g.path); err == nil && filepath.IsLocal(rel) {
			out[rel] = g.access
		}
	}
	return out
}

func TestAroundTheDataDirectory(t *testing.T) {
	g := NewWithT(t)
	root := layout(t, "opt/tool/bin/", "opt/awo/data/outputs/", "opt/awo/program", "opt/file", "bin/")
	g.Expect(os.Symlink("awo/data", filepath.Join(root, "opt/link"))).To(Succeed())
	p := newPolicy(t, Options{DataDir: filepath.Join(root, "opt/awo/data")})
	g.Expect(granted(root, p.around(filepath.Join(root, "opt")))).To(Equal(map[string]access{
		"opt/tool": read, "opt/file": read, "opt/awo/program": read,
	}))
	g.Expect(p.around(filepath.Join(root, "bin"))).To(HaveLen(1))
	for _, closed := range []string{"opt/awo/data", "opt/awo/data/outputs"} {
		g.Expect(p.around(filepath.Join(root, closed))).To(BeEmpty(), closed)
	}
}

func TestPathIsGranted(t *testing.T) {
	g := NewWithT(t)
	root := layout(t, "home/data/x", "home/.local/bin/", "home/secrets/token", "tools/bin/", "tools/lib/", "home/lib/", "home/bin/", "relative/")
	g.Expect(os.Symlink(filepath.Join(root, "tools"), filepath.Join(root, "home/linked"))).To(Succeed())
	at := func(name string) string { return filepath.Join(root, name) }
	p := newPolicy(t, Options{
		DataDir: at("home/data"), Secrets: []string{at("home/secrets/token")}, Read: []string{at("home/.local")},
		Environ: []string{
			"HOME=" + at("home"), "NODE_EXTRA_CA_CERTS=" + at("relative/ca.pem"), "SSL_CERT_FILE=" + at("home/secrets/token"),
			"PATH=" + at("home/linked/bin") + ":" + at("home/bin") + ":" + at("home") + ":" + root + "::.:" + at("home/data") + ":" + at("home/secrets"),
		},
	})
	found := granted(root, p.common())
	g.Expect(found).To(HaveKeyWithValue("tools/bin", read), "where the link leads")
	g.Expect(found).To(HaveKeyWithValue("relative/ca.pem", read), "what certificates are read from")
	g.Expect(found).To(And(HaveKeyWithValue("tools/lib", read), HaveKeyWithValue("home/bin", read)))
	g.Expect(found).To(HaveKeyWithValue("home/.local", read), "as AWO_AGENT_READ says")
	g.Expect(found).To(HaveLen(5), "neither the home, nor what is closed, nor all that lies around: %v", found)
}

func TestProgramIsGranted(t *testing.T) {
	g := NewWithT(t)
	root := layout(t, "home/agent.sh", "home/tools/agent.sh", "home/other", "data/",
		"lib/node_modules/@acme/agent/package.json", "lib/node_modules/@acme/agent/bin/agent.js", "lib/package.json", "bin/")
	g.Expect(os.Symlink("../lib/node_modules/@acme/agent/bin/agent.js", filepath.Join(root, "bin/agent"))).To(Succeed())
	p := newPolicy(t, Options{DataDir: filepath.Join(root, "data"), Environ: []string{"HOME=" + filepath.Join(root, "home")}})
	for program, want := range map[string]string{
		"home/agent.sh": "home/agent.sh", "home/tools/agent.sh": "home/tools", "bin/agent": "lib/node_modules/@acme/agent",
	} {
		g.Expect(granted(root, p.program(filepath.Join(root, program)))).To(Equal(map[string]access{want: read}), program)
	}
	for _, none := range []string{"./agent.sh", "", filepath.Join(root, "data", "agent.sh")} {
		g.Expect(p.program(none)).To(BeEmpty(), none)
	}
}

func TestRootReadsWhatEverybodyMayRead(t *testing.T) {
	g := NewWithT(t)
	root := layout(t, "etc/passwd", "etc/shadow", "etc/ssl/certs/a.pem", "etc/ssl/private/key", "etc/ssh/ssh_config", "etc/ssh/host_key", "etc/awo/token")
	for name, mode := range map[string]os.FileMode{"etc/shadow": 0o640, "etc/ssl/private": 0o700, "etc/ssh/host_key": 0o600} {
		g.Expect(os.Chmod(filepath.Join(root, name), mode)).To(Succeed())
	}
	p := newPolicy(t, Options{DataDir: filepath.Join(root, "data"), Secrets: []string{filepath.Join(root, "etc/awo/token")}})
	g.Expect(granted(root, p.public(filepath.Join(root, "etc")))).To(Equal(map[string]access{
		"etc/passwd": read, "etc/ssl/certs": read, "etc/ssh/ssh_config": read,
	}))
}

func TestPathsThatAreRefused(t *testing.T) {
	root := layout(t, "data/outputs/", "secrets/token", "fine/")
	at := func(name string) string { return filepath.Join(root, name) }
	if err := os.Symlink(at("data"), at("link")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		read, write []string
		ports       []int
		says        string
	}{
		"fine":                     {read: []string{at("fine"), root}, write: []string{at("fine"), at("missing")}},
		"relative":                 {read: []string{"fine"}, says: "--agent-read: \"fine\" is not an absolute path"},
		"data directory, read":     {read: []string{at("data")}, says: "closed to agents"},
		"below, by a link":         {read: []string{at("link/outputs")}, says: "closed to agents"},
		"data directory, write":    {write: []string{at("data/outputs")}, says: "--agent-write: " + at("data/outputs")},
		"above the data directory": {write: []string{root}, says: "holds " + at("data")},
		"directory of a secret":    {read: []string{at("secrets")}, says: "closed to agents"},
		"port":                     {ports: []int{443, 0}, says: "0 is not a port"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := New(Options{
				Mode: Auto, DataDir: at("data"), Secrets: []string{at("secrets/token")}, Read: c.read, Write: c.write, Ports: c.ports,
				ABI: func() int { return 7 }, Sockets: func() []string { return nil },
			})
			if c.says == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(MatchError(ContainSubstring(c.says)))
		})
	}
}

func TestReadOnlyRulesGrantNoWrite(t *testing.T) {
	g := NewWithT(t)
	root := layout(t, "data/workspace/", "write/")
	p := newPolicy(t, Options{DataDir: filepath.Join(root, "data"), Write: []string{filepath.Join(root, "write")}})
	own := []string{filepath.Join(root, "data/workspace")}
	found := granted(root, p.Rules(Run{Write: own}).grants)
	g.Expect(found).To(And(HaveKeyWithValue("data/workspace", write), HaveKey("write")))
	found = granted(root, p.ReadOnly(Run{Read: own, Write: own}).grants)
	g.Expect(found).To(Equal(map[string]access{"data/workspace": read}))
}

func TestWalksAreRemembered(t *testing.T) {
	g := NewWithT(t)
	walks, start := 0, time.Unix(0, 0)
	var r remembered
	for _, at := range []time.Duration{0, rememberFor - 1, rememberFor, rememberFor + 1} {
		g.Expect(r.grants(start.Add(at), func() []grant { walks++; return []grant{{path: "/etc"}} })).To(HaveLen(1))
	}
	g.Expect(walks).To(Equal(2))
}

func TestOtherNamesOfSecretsAreClosed(t *testing.T) {
	g := NewWithT(t)
	root := layout(t, "secrets/token", "secrets/another", "read/a", "read/sub/b", "read/other/", "write/sub/", "home/.ssl/", "data/")
	at := func(name string) string { return filepath.Join(root, name) }
	now := time.Unix(0, 0)
	options := Options{
		DataDir: at("data"), Secrets: []string{at("secrets/token")}, Read: []string{at("read")}, Write: []string{at("write")},
		Environ: []string{"SSL_CERT_FILE=" + at("home/.ssl/ca.pem")}, Now: func() time.Time { return now },
	}
	p := newPolicy(t, options)
	g.Expect(granted(root, p.common())).To(HaveKeyWithValue("read", read))

	for _, name := range []string{"read/sub/link", "home/.ssl/ca.pem"} {
		g.Expect(os.Link(at("secrets/token"), at(name))).To(Succeed())
	}
	g.Expect(os.Link(at("secrets/another"), at("read/beside"))).To(Succeed())
	now = now.Add(rememberFor)
	g.Expect(granted(root, p.common())).To(Equal(map[string]access{
		"read/a": read, "read/sub/b": read, "read/other": read, "write": write | device,
	}))
	g.Expect(granted(root, p.public(at("read")))).To(Equal(map[string]access{"read/a": read, "read/sub/b": read, "read/other": read}))

	g.Expect(os.Link(at("secrets/token"), at("write/sub/link"))).To(Succeed())
	options.Mode, options.ABI, options.Sockets = Auto, func() int { return 7 }, func() []string { return nil }
	_, err := New(options)
	g.Expect(err).To(MatchError(ContainSubstring(at("write/sub/link"))))
}
